/* key_rotation: what an admin starts; the rest is the work of jobs (job/key_care.h). */
#ifndef AGENT_KEY_ROTATION_H
#define AGENT_KEY_ROTATION_H

#include "agent/context.h"
#include "sales/v1/admin.h"

/* The kind of the job that re-seals and retires, per tenant, with key "". */
#define KEY_TEND_KIND "key.tend"

/* Starts a new data key for the caller's tenant and lets the job re-seal at once. EXHAUSTED
 * (TENANT_KEYS): re-sealing is behind by too many rotations. */
MUST_CHECK enum status key_rotation_start(struct call *c, struct agents *a,
                                          RotateDataKeyResponse *out);

#endif
