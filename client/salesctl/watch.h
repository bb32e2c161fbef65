/* watch: changes of leads as they are committed. */
#ifndef SALESCTL_WATCH_H
#define SALESCTL_WATCH_H

#include "ctl/command.h"

enum exit_code watch_run(struct ctl *ctl, const struct command *command, const struct args *args);

#endif
