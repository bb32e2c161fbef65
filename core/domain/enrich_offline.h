/*
 * enrich_offline: what can be said of a lead from its own address, number and name, without asking
 * anybody. The default provider of enrichment: lists and the public suffix list, no network, no
 * personal data kept.
 *
 * Facts, each with source "offline":
 *
 *   email.valid, email.role                   bool  the address can exist; is of a function
 *   email.kind                                text  business, free, disposable, academic,
 *                                                   government
 *   company.domain                            text  registrable domain of an organisation's host
 *   company.name                              text  guess from its label, confidence 0.3
 *   company.domain_matches_email              bool  where the lead names a domain
 *   geo.country                               text  alpha-2; telephone 0.5, top-level domain 0.4,
 *                                                   locale 0.3; two that agree more, at most 0.5
 *   person.name                               text  guess from first.last@, confidence 0.4; never
 *                                                   of a function or a throw-away address
 *   person.name_plausible                     bool  where the lead has a name
 *
 * Only from ENRICH_CONFIDENCE_MIN on does a fact stand in for a field: guesses are for people.
 */
#ifndef DOMAIN_ENRICH_OFFLINE_H
#define DOMAIN_ENRICH_OFFLINE_H

#include "base/arena.h"
#include "base/status.h"
#include "domain/enrich_fact.h"

enum { ENRICH_OFFLINE_FACTS_MAX = 12 };

/* What is asked about; any may be empty. Well-formed UTF-8. */
struct enrich_subject {
    str email, phone, name;
    str company_domain; /* lower-case ASCII, as Company.domain */
    str locale;         /* BCP 47, "de-AT" */
};

/*
 * Writes the facts in the order above, observed at at_us; strings live in the arena or are static.
 * What cannot be read gives no fact. Pure: same subject, same facts. EXHAUSTED: arena full.
 */
MUST_CHECK enum status enrich_offline(struct arena *a, const struct enrich_subject *s,
                                      int64_t at_us,
                                      struct enrich_fact out[ENRICH_OFFLINE_FACTS_MAX],
                                      size_t *n_out);

#endif
