/*
 * auth: from what a caller shows - an API key, a signed token, a certificate - to a principal.
 * Where keys and tenants are kept is behind an interface; what was found is cached for a moment, so
 * that a busy caller costs no query and no signature per call.
 */
#ifndef INTERCEPT_AUTH_H
#define INTERCEPT_AUTH_H

#include "base/call.h"
#include "base/uuid.h"
#include "domain/api_key.h"
#include "intercept/reason.h"
#include "intercept/trust.h"

/* The teams of a principal as one piece of memory that a cache can hold. */
struct team_list {
    uint16_t n, n_bytes;
    char text[TEAMS_MAX * (SUBJECT_BYTES + 1)]; /* n texts, each with its zero byte */
};

/* False: too many, or one too long; the list stays as it was. */
MUST_CHECK bool team_list_add(struct team_list *l, str id);

/* Gives p the teams, in memory of a. False: no memory. */
MUST_CHECK bool team_list_copy(const struct team_list *l, struct arena *a, struct principal *p);

/* An API key as its record says. */
struct api_key_record {
    struct principal principal; /* whom it stands for; its teams are those below */
    unsigned char sha256[API_KEY_SHA256_BYTES];
    int64_t expires_us;  /* wall clock; 0: never */
    int64_t last_use_us; /* as stored, to the hour */
    bool is_revoked;
    bool tenant_is_suspended;
    struct team_list teams; /* last: a cache keeps only the part that is used */
};

struct tenant_record {
    int64_t number; /* > 0 */
    char key[TENANT_NAME_BYTES + 1];
    int32_t calls_per_second; /* as in struct principal */
    bool is_suspended;
};

/* Keeps the records. The look-ups may block and run before there is a principal
 * (store_run_system); any thread. */
struct authenticator {
    /* The record of key `id`. NOT_FOUND: there is none. Others: the look-up failed. */
    enum status (*find_key)(struct authenticator *a, struct call *c, struct uuid id,
                            struct api_key_record *out);
    /* The tenant with this UUID or key. As above. */
    enum status (*find_tenant)(struct authenticator *a, struct call *c, str name,
                               struct tenant_record *out);
    /* The key was used, for the first time in this hour as far as this server knows. Must not
     * block; may forget it. NULL: nobody wants to know. */
    void (*key_used)(struct authenticator *a, struct uuid id, int64_t now_us);
};

enum {
    AUTH_CACHE_TTL_MS = 10 * 1000, /* how long a revoked key or a suspended tenant may live on other
                                      servers */
    AUTH_CACHE_SETS = 256,         /* x ASSOC_WAYS keys; as many tenants */
    AUTH_UNKNOWN_SETS = 64,        /* x ASSOC_WAYS ids that are no key's */
    AUTH_UNKNOWN_TTL_MS = 5000,
    AUTH_TOKEN_SETS = 512, /* x ASSOC_WAYS verified tokens */
    AUTH_TOKEN_TTL_S = 60, /* or the end of the token, if that comes first */
};

struct auth;

/* keys: borrowed. trust: borrowed; NULL: no tokens, no certificates. NULL: no memory. */
struct auth *auth_new(struct authenticator *keys, struct trust *trust);
void auth_free(struct auth *a);

/* What a caller shows. */
struct auth_evidence {
    str header;          /* `authorization`; empty: none */
    bool is_doubled;     /* there is more than one */
    str spiffe_id;       /* of the client's certificate, as the transport or a trusted proxy */
    str common_name;     /* verified it; both empty: none was shown */
    const char *service; /* that is called, "sales.v1.Admin" */
};

struct auth_outcome {
    enum auth_reason why;   /* AUTH_FINE, also when a look-up failed */
    int64_t expires_us;     /* wall clock, when the credential ends; 0: never */
    struct principal whose; /* of a refused credential that is genuine: a key with the right secret,
                               a token that its issuer signed, a certificate with a rule; without
                               teams; tenant_id 0: unknown, or not genuine */
};

/*
 * Judges the evidence and sets c->principal. A header goes before a certificate; when both are
 * there, they must be of one tenant.
 *
 * UNAUTHENTICATED: one text, whatever the reason. DENIED: the tenant is suspended. Others: the
 * look-up failed. Thread-safe; may block on a cache miss, for keys of an issuer within the
 * deadline.
 */
MUST_CHECK enum status auth_check(struct auth *a, struct call *c, const struct auth_evidence *e,
                                  struct auth_outcome *out);

/* The call's credential is of no use (any more): records the fault of that reason. */
enum status auth_refuse(struct call *c, enum auth_reason why);

/* Forgets a key at once: it was revoked or changed here. */
void auth_forget(struct auth *a, struct uuid id);

/* A tenant was suspended or is served again: forgets what is known of all keys and tenants, which
 * costs each credential in use one look-up. Verified tokens stay; their tenant is looked up. */
void auth_forget_tenants(struct auth *a);

#endif
