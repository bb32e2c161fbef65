/* subject: commands about the rights of people on record. */
#ifndef SALESCTL_SUBJECT_H
#define SALESCTL_SUBJECT_H

#include "ctl/command.h"

extern const struct view subject_erased_view, subject_held_view, subject_key_view;

/* Writes the lines of the stream as they come. */
enum exit_code subject_export_run(struct ctl *ctl, const struct command *command,
                                  const struct args *args);

/* As call_run, with `hold` set. */
enum exit_code subject_hold_run(struct ctl *ctl, const struct command *command,
                                const struct args *args);

#endif
