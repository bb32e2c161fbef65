/* proposal: commands for what waits for a decision. What is shown is what is approved: every field
 * of the arguments, and their digest. */
#ifndef SALESCTL_PROPOSAL_H
#define SALESCTL_PROPOSAL_H

#include "ctl/command.h"

/* A call that answers with a proposal: shows it with its arguments. */
enum exit_code proposal_run(struct ctl *ctl, const struct command *command,
                            const struct args *args);

/* Finds one proposal among those listed, and shows it. */
enum exit_code proposal_show_run(struct ctl *ctl, const struct command *command,
                                 const struct args *args);

/* Approves what --hash names; without it shows what there is to approve, and approves nothing. */
enum exit_code proposal_approve_run(struct ctl *ctl, const struct command *command,
                                    const struct args *args);
enum exit_code proposal_reject_run(struct ctl *ctl, const struct command *command,
                                   const struct args *args);

extern const struct view proposal_view, proposal_list_view;

#endif
