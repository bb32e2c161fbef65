/* policy_check: whether a policy makes sense as a whole; single fields are the contract's rules. */
#ifndef AGENT_POLICY_CHECK_H
#define AGENT_POLICY_CHECK_H

#include "base/call.h"
#include "sales/v1/policy.h"

/*
 * INVALID with everything that is wrong, as field violations below `prefix` ("policy"): unknown
 * countries, currencies, time zone, language or domain names; two entries for the same thing;
 * entries that contradict each other or HIPAA mode; pipelines that pipeline_validate refuses.
 */
MUST_CHECK enum status policy_check(struct call *c, const char *prefix, const TenantPolicy *p);

#endif
