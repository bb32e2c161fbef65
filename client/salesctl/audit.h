/* audit: the trail from the command line: verified by the server, exported, verified offline. */
#ifndef SALESCTL_AUDIT_H
#define SALESCTL_AUDIT_H

#include "ctl/command.h"

/* Without FILE: asks the server. With FILE: checks an export, without a server. */
enum exit_code audit_verify_run(struct ctl *ctl, const struct command *command,
                                const struct args *args);
enum exit_code audit_export_run(struct ctl *ctl, const struct command *command,
                                const struct args *args);

#endif
