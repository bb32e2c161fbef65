/* lead_clean: one way for a lead to get from a client's spelling to the stored one. */
#ifndef AGENT_LEAD_CLEAN_H
#define AGENT_LEAD_CLEAN_H

#include "base/call.h"
#include "sales/v1/lead.h"
#include "sales/v1/tenant.h"

enum { LEAD_CHANGED_MAX = 50 }; /* paths reported; the contract's limit */

/* Paths of fields whose stored spelling differs from the given one. */
struct lead_changed {
    char *paths[LEAD_CHANGED_MAX]; /* static texts */
    size_t n_paths;
};

/*
 * Normalises every text of the lead in place: e-mail, telephone (E.164, with the person's, the
 * company's or the tenant's country), countries (ISO 3166-1 alpha-2), domains, names, free text;
 * fills full_name from the parts and company.domain from a business e-mail where they are empty.
 *
 * INVALID: fields that cannot be normalised, all of them as violations "lead.<path>".
 */
MUST_CHECK enum status lead_clean(struct call *c, const TenantPolicy *policy, Lead *lead,
                                  struct lead_changed *changed);

#endif
