/* health: asks grpc.health.v1. */
#ifndef SALESCTL_HEALTH_H
#define SALESCTL_HEALTH_H

#include "ctl/command.h"

enum exit_code health_run(struct ctl *ctl, const struct command *command, const struct args *args);

#endif
