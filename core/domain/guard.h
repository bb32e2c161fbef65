/* guard: what a stage guard can ask of a deal; used by pipeline only. */
#ifndef DOMAIN_GUARD_H
#define DOMAIN_GUARD_H

#include "domain/pipeline.h"

/* The guard is satisfied. */
bool guard_holds(const StageGuard *g, const Deal *d, const struct pipeline_step *step);

/* NULL, or the rule that a guard's own definition breaks. */
const struct refusal *guard_flaw(const StageGuard *g);

#endif
