/* auth_parts: what the kinds of credentials share. Private to this folder. */
#ifndef INTERCEPT_AUTH_PARTS_H
#define INTERCEPT_AUTH_PARTS_H

#include <openssl/evp.h>

#include "intercept/assoc.h"
#include "intercept/auth.h"

struct auth {
    struct authenticator *keepers;
    struct trust *trust; /* NULL: none */
    EVP_MD *sha256;      /* fetched once: OpenSSL's own look-up costs more than the hash */
    struct assoc *keys, *tenants, *tokens;
    struct assoc *unknown; /* ids of keys that do not exist; apart, as anybody can fill it */
};

/* The UUID or key of a tenant, and its SHA-256, which is worth keeping. */
struct tenant_name {
    str text;
    struct assoc_key key;
};

/* What is remembered of a token. */
struct verified {
    struct principal principal; /* without tenant and teams */
    char tenant[TENANT_NAME_BYTES + 1];
    struct assoc_key tenant_key; /* of that name */
    int64_t expires_us;
    uint64_t generation;    /* of trust, when it was verified */
    struct team_list teams; /* last, as in struct api_key_record */
};

/* All of these: OK with a reason other than AUTH_FINE is a refusal; not OK: a look-up failed. */

/* auth_key.c */
MUST_CHECK enum status auth_by_key(struct auth *a, struct call *c, str secret,
                                   struct auth_outcome *out);

/* auth_token.c */
MUST_CHECK enum status auth_by_token(struct auth *a, struct call *c, str token,
                                     struct auth_outcome *out);
/* Sets principal.tenant_id and .tenant. TENANT: there is none. SUSPENDED. */
MUST_CHECK enum status auth_tenant(struct auth *a, struct call *c, const struct tenant_name *name,
                                   struct principal *p, struct auth_outcome *out);

/* auth_certificate.c */
MUST_CHECK enum status auth_by_certificate(struct auth *a, struct call *c,
                                           const struct certificate_rule *rule,
                                           const struct auth_evidence *e, struct auth_outcome *out);

/* SHA-256 of text. */
void auth_digest(const struct auth *a, str text, struct assoc_key *out);

#endif
