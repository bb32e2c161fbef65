/* admin: administration of a tenant and of the service: what is more than a call and a view. */
#ifndef SALESCTL_ADMIN_H
#define SALESCTL_ADMIN_H

#include "ctl/command.h"

/* As call_run, for replies with a field `secret`: it is shown once, with a warning on stderr. */
enum exit_code admin_secret_run(struct ctl *ctl, const struct command *command,
                                const struct args *args);

/* The policy as JSON, also for people: it is what --file and the words of `set` speak of. */
enum exit_code admin_policy_get_run(struct ctl *ctl, const struct command *command,
                                    const struct args *args);

/* "path=value" words, or lines of --file; each path becomes one of the update mask. A path without
 * a value is emptied. */
enum exit_code admin_policy_set_run(struct ctl *ctl, const struct command *command,
                                    const struct args *args);

extern const struct view admin_tenant_view, admin_new_tenant_view, admin_key_view,
    admin_key_list_view, admin_usage_view, admin_info_view, admin_state_view, admin_job_view,
    admin_job_list_view;

#endif
