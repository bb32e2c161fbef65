/* model_card: models of the tenant as people read them. */
#ifndef AGENT_MODEL_CARD_H
#define AGENT_MODEL_CARD_H

#include "agent/context.h"
#include "sales/v1/forecast.h"

/* A page, latest first. INVALID: filter, page token. */
MUST_CHECK enum status model_list(struct call *c, struct agents *a, const ListModelsRequest *in,
                                  ListModelsResponse *out);

/* NOT_FOUND. */
MUST_CHECK enum status model_card_get(struct call *c, struct agents *a, const char *id,
                                      ModelCard **out);

#endif
