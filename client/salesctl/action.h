/* action: commands for advice: what to do next about a lead or a deal, and what became of it. */
#ifndef SALESCTL_ACTION_H
#define SALESCTL_ACTION_H

#include "ctl/command.h"

/* Asks for advice and shows it, best first. */
enum exit_code action_recommend_run(struct ctl *ctl, const struct command *command,
                                    const struct args *args);

/* Tells what became of one: the second word is accept, dismiss or done. */
enum exit_code action_respond_run(struct ctl *ctl, const struct command *command,
                                  const struct args *args);

extern const struct view action_view;

#endif
