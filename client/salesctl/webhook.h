/* webhook: commands about webhooks that are more than a call: secrets shown once, and the check
 * that a receiver has to make. */
#ifndef SALESCTL_WEBHOOK_H
#define SALESCTL_WEBHOOK_H

#include "ctl/command.h"

/* As call_run, and the secret when the reply has one. */
enum exit_code webhook_run(struct ctl *ctl, const struct command *command, const struct args *args);

/* Checks a delivery that was received; asks no server. CTL_INVALID: it is not to be trusted. */
enum exit_code webhook_verify_run(struct ctl *ctl, const struct command *command,
                                  const struct args *args);

#endif
