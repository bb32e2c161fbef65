/*
 * local: the provider without a model: sentences of a table (template.def) filled with the inputs
 * of the request. Equal inputs give equal bytes, at once and for nothing; it never adjusts a score.
 * It answers every task of task.def and is what stands in when no model may or can be asked.
 */
#ifndef AI_LOCAL_H
#define AI_LOCAL_H

#include "ai/provider.h"

/* The one there is: no state, ai_close does nothing. */
struct ai_provider *ai_local(void);

#endif
