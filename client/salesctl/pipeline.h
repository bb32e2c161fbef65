/* pipeline: the pipeline summary as bars. */
#ifndef SALESCTL_PIPELINE_H
#define SALESCTL_PIPELINE_H

#include "ctl/command.h"
#include "sales/v1/sales_agent.pb-c.h"

enum exit_code pipeline_run(struct ctl *ctl, const struct command *command,
                            const struct args *args);

/* One line per stage and one for the whole: bar by count, amounts, ageing. */
void pipeline_print(struct arena *a, const struct term *t,
                    const Sales__V1__GetPipelineSummaryResponse *r);

#endif
