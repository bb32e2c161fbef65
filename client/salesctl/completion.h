/* completion: completion scripts for shells, made from the command table. */
#ifndef SALESCTL_COMPLETION_H
#define SALESCTL_COMPLETION_H

#include "ctl/command.h"

enum exit_code completion_run(struct ctl *ctl, const struct command *command,
                              const struct args *args);

#endif
