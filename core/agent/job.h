/* job: the tenant's jobs as its admins see them: what waits, what was given up and why. */
#ifndef AGENT_JOB_H
#define AGENT_JOB_H

#include "agent/context.h"
#include "sales/v1/admin.h"

/* A page of jobs, first put first, without payloads. INVALID: the page token. */
MUST_CHECK enum status job_list(struct call *c, struct agents *a, const ListJobsRequest *in,
                                ListJobsResponse *out);

/* Lets a parked job run again, from its first attempt; leaves an audit entry. NOT_FOUND: the tenant
 * has no such job, or it is not parked. */
MUST_CHECK enum status job_retry(struct call *c, struct agents *a, const RetryJobRequest *in,
                                 RetryJobResponse *out);

#endif
