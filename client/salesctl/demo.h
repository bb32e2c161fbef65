/* demo: the main story on real leads, told step by step. */
#ifndef SALESCTL_DEMO_H
#define SALESCTL_DEMO_H

#include "ctl/command.h"

enum exit_code demo_run(struct ctl *ctl, const struct command *command, const struct args *args);

#endif
