/*
 * clearbit: a provider of enrichment with an API of the shape that Clearbit had and others have:
 *
 *     GET {url}/v2/combined/find?email=            a person and their company
 *     GET {company_url}/v2/companies/find?domain=  a company
 *
 * What is sent: the address or the domain, and the key; nothing else of the lead. The texts of
 * clearbit_body.h say which facts come back.
 *
 *     200                       OK, or NOT_FOUND when there is nothing in it
 *     202                       PENDING, ENRICH_QUEUED, ten minutes
 *     404; 400, 422             NOT_FOUND: no such record; no such address
 *     401, 403; 402             DENIED, ENRICH_KEY; ENRICH_PLAN
 *     429                       LIMITED, ENRICH_RATE: Retry-After, else X-RateLimit-Reset, else a
 *                               minute; at least a second, at most an hour
 *     any other, none, a body that cannot be read   FAILED: ENRICH_STATUS, ENRICH_BODY or the
 *                               reason of http.h
 *
 * X-RateLimit-Remaining: 0 keeps everybody out until X-RateLimit-Reset, whatever the answer is.
 */
#ifndef INTEGRATION_CLEARBIT_H
#define INTEGRATION_CLEARBIT_H

#include "base/secret.h"
#include "integration/enrich.h"

struct http_client;

enum clearbit_auth {
    CLEARBIT_BEARER, /* Authorization: Bearer KEY */
    CLEARBIT_BASIC,  /* the key as user, no password */
};

enum { CLEARBIT_PENDING_MS = 600000 };

struct clearbit_options {
    struct http_client *http; /* borrowed */
    const char *name;         /* source of its facts; borrowed */
    const char *url;          /* "https://person.clearbit.com"; no slash at the end; borrowed */
    const char *company_url;  /* "": as url */
    enum clearbit_auth auth;
    const struct secret_source *key; /* a file is read again when it changes */
    int64_t a_minute;                /* questions at most; > 0 */
    struct metrics *metrics;         /* NULL: not counted */
};

/* EXHAUSTED: no memory. */
MUST_CHECK enum status clearbit_open(struct call *c, const struct clearbit_options *o,
                                     struct enrich_provider **out);

#endif
