/* decision: commands for the ledger: what was decided, from what, and whether it comes out again.
 */
#ifndef SALESCTL_DECISION_H
#define SALESCTL_DECISION_H

#include "ctl/command.h"

/* Shows a decision: what computed it, its inputs, and a score as the sum that it is. */
enum exit_code decision_explain_run(struct ctl *ctl, const struct command *command,
                                    const struct args *args);

/* Has it computed again. CTL_REFUSED when a byte differs. */
enum exit_code decision_replay_run(struct ctl *ctl, const struct command *command,
                                   const struct args *args);

#endif
