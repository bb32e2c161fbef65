/* qualify: scores with their reasons, one lead or many. */
#ifndef SALESCTL_QUALIFY_H
#define SALESCTL_QUALIFY_H

#include "ctl/command.h"
#include "sales/v1/sales_agent.pb-c.h"

enum exit_code qualify_run(struct ctl *ctl, const struct command *command, const struct args *args);

/* The score, its contributions as signed bars that add up to it, and what was missing. */
void qualify_print(struct arena *a, const struct term *t, const Sales__V1__QualifyLeadResponse *r);

/* Runs a batch with progress; *summary is zeroed when it fails. `worst` leads that failed are
 * printed. */
enum exit_code qualify_batch(struct ctl *ctl, const Sales__V1__BatchQualifyLeadsRequest *request,
                             Sales__V1__QualifySummary *summary);

#endif
