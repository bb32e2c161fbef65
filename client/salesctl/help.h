/* help: what there is and how to call it, printed from the command table. */
#ifndef SALESCTL_HELP_H
#define SALESCTL_HELP_H

#include "ctl/command.h"

/* All commands; with a prefix ("lead") those of a group. False: no command begins so. */
bool help_overview(const struct term *t, const char *prefix);

/* "lead": the first of two words. */
bool help_is_group(const char *word);

/* One command: usage, arguments, options, examples. */
void help_command(const struct term *t, const struct command *c);

#endif
