/* country: ISO 3166-1 countries, by every name a lead may carry, and their telephone numbering. */
#ifndef DOMAIN_COUNTRY_H
#define DOMAIN_COUNTRY_H

#include <stdint.h>

#include "base/arena.h"
#include "domain/refusal.h"

struct country {
    const char *alpha2, *alpha3, *name;
    uint32_t calling_code; /* 0: none of its own */
    const char *abroad;    /* dialled before a foreign number, "00" */
    const char *trunk;     /* dialled before the area code at home, "" if nothing is */
    uint32_t n_digits;     /* bit n: national numbers of n digits exist */
};

/* Row of an alpha-2 code in either case; NULL when there is none. */
const struct country *country_find(str alpha2);

/*
 * Reads alpha-2, alpha-3, an English or common native name ("Deutschland", "U.S.A."), or a locale
 * ("de_AT", "pt-BR"). Case, accents and punctuation do not count. INVALID: not understood.
 */
MUST_CHECK enum status country_parse(struct arena *a, str text, const struct country **out,
                                     struct refusal *why);

/* Country of a top-level domain; NULL for generic ones, also for those country domains that are
 * sold as generic (io, ai, co, me, tv ...). Weak evidence: use only when nothing better is there.
 */
const struct country *country_of_tld(str tld);

/* All rows, sorted by alpha-2. */
const struct country *country_rows(size_t *n);

#endif
