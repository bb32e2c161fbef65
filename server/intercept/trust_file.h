/*
 * trust_file: whom we believe, as one JSON file says: issuers of tokens, and what certificates of
 * clients stand for. docs/identity.md describes the file. A member that is not known refuses the
 * whole file: a typing error must not widen trust.
 */
#ifndef INTERCEPT_TRUST_FILE_H
#define INTERCEPT_TRUST_FILE_H

#include "intercept/claims.h"
#include "intercept/jwks.h"

enum {
    TRUST_BYTES_MAX = 256 << 10,
    TRUST_ISSUERS_MAX = 16, /* each has a thread */
    TRUST_CERTIFICATES_MAX = 256,
    TRUST_LIST_MAX = 64, /* items of one list in the file */
    TRUST_WHY_BYTES = 256,
    TRUST_LEEWAY_S = 30,
    TRUST_LEEWAY_MAX_S = 300,
    TRUST_LIFETIME_S = 3600,
    TRUST_LIFETIME_MAX_S = 86400,
};

struct text_list {
    const str *items; /* [n] */
    size_t n;
};

struct issuer {
    struct claims_rules rules;
    struct text_list audiences;
    uint32_t algs;            /* bits 1 << enum jws_alg */
    struct text_list tenants; /* UUIDs and keys that it may speak for; empty: all */
    struct jwks_source source;
    struct jwks *keys; /* trust.c; NULL after parsing */
};

/* What one certificate, or a family of them, stands for. */
struct certificate_rule {
    str spiffe_id;   /* exact, or up to and with a closing slash and a star; or empty */
    str common_name; /* exact, or with a star at the end; or empty */
    str tenant;      /* UUID or key */
    str subject;     /* empty: the name in the certificate */
    uint32_t roles;
    struct text_list teams;
    struct text_list services; /* that it may call; empty: all */
};

struct trust_rules {
    struct issuer *issuers; /* [n_issuers] */
    size_t n_issuers;
    struct certificate_rule *certificates; /* [n_certificates], the first that fits counts */
    size_t n_certificates;
    struct text_list certificate_services; /* that nobody may call without a mapped certificate */
    bool forwarded_certificates;           /* believe x-forwarded-client-cert from loopback */
};

/* Text and rules live in a. False: why says where and what. */
MUST_CHECK bool trust_parse(struct arena *a, str json, struct trust_rules *out,
                            char why[TRUST_WHY_BYTES]);

/* The issuer of exactly this name; NULL: none. */
const struct issuer *trust_issuer(const struct trust_rules *t, str name);

/* The rule for a certificate; NULL: none. */
const struct certificate_rule *trust_certificate(const struct trust_rules *t, str spiffe_id,
                                                 str common_name);

bool text_list_has(struct text_list list, str s);

#endif
