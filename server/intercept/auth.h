/*
 * auth: from a credential to a principal. Where keys are kept is behind an interface; what was
 * found is cached for a moment, so that a busy key costs no query per call.
 */
#ifndef INTERCEPT_AUTH_H
#define INTERCEPT_AUTH_H

#include "base/call.h"
#include "base/uuid.h"
#include "domain/api_key.h"
#include "intercept/reason.h"

/* An API key as its record says. */
struct api_key_record {
    struct principal principal; /* whom it stands for */
    unsigned char sha256[API_KEY_SHA256_BYTES];
    int64_t expires_us; /* wall clock; 0: never */
    bool is_revoked;
    bool tenant_is_suspended;
};

struct authenticator {
    /* The record of key `id`. NOT_FOUND: there is none. Others: the look-up failed. May block;
     * any thread. It runs before there is a principal: store_run_system. */
    enum status (*find_key)(struct authenticator *a, struct call *c, struct uuid id,
                            struct api_key_record *out);
};

enum {
    AUTH_CACHE_SETS = 256,
    AUTH_CACHE_WAYS = 4,           /* 1024 keys; the least recently used of a set goes */
    AUTH_CACHE_TTL_MS = 10 * 1000, /* how long a revoked key may live on other servers */
};

struct auth;

/* keys: borrowed. NULL: no memory. */
struct auth *auth_new(struct authenticator *keys);
void auth_free(struct auth *a);

/*
 * Checks the value of an `authorization` header and sets c->principal.
 *
 *   reason_out   set when the credential is the reason
 *
 * UNAUTHENTICATED: no, malformed, unknown, expired or revoked credential. DENIED: the tenant is
 * suspended. Others: the look-up failed, AUTH_N_REASONS. Thread-safe; may block on a cache miss.
 */
MUST_CHECK enum status auth_check(struct auth *a, struct call *c, str header,
                                  enum auth_reason *reason_out);

/* Forgets a key at once: it was revoked or changed here. */
void auth_forget(struct auth *a, struct uuid id);

#endif
