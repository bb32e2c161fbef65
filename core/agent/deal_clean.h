/* deal_clean: one way for a deal to get from a client's spelling to the stored one. */
#ifndef AGENT_DEAL_CLEAN_H
#define AGENT_DEAL_CLEAN_H

#include "base/call.h"
#include "sales/v1/deal.h"
#include "sales/v1/tenant.h"

/*
 * Normalises every text of the deal, gives the amount the tenant's currency where it says none, and
 * checks amount and dates. The deal is changed in place, its company, amount and contacts are
 * replaced by copies: what the client sent stays as it is.
 *
 * INVALID: fields that cannot be read, all of them as violations "deal.<path>".
 */
MUST_CHECK enum status deal_clean(struct call *c, const TenantPolicy *policy, Deal *deal);

#endif
