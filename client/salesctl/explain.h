/* explain: failures as people and scripts want them. */
#ifndef SALESCTL_EXPLAIN_H
#define SALESCTL_EXPLAIN_H

#include "ctl/command.h"

/* The class of a status. */
enum exit_code explain_code(enum sales_status s);

/* Prints the call's error to ctl->err: what, why (reason), every field violation and precondition,
 * what to do. With --json one JSON object. Returns the exit code. */
enum exit_code explain(struct ctl *ctl, const struct sales_call *call);

#endif
