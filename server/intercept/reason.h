/* reason: why a credential was refused. The label of sales_auth_failures_total and a word in the
 * log; the client learns none of it. */
#ifndef INTERCEPT_REASON_H
#define INTERCEPT_REASON_H

/* clang-format off */
/*    id           label             when */
#define AUTH_REASON_LIST(X)                                                                        \
    X(MISSING,     "missing")     /* no header, and no certificate that stands for somebody */     \
    X(SCHEME,      "scheme")      /* not Bearer */                                                 \
    X(DOUBLED,     "doubled")     /* two authorization headers */                                  \
    X(MALFORMED,   "malformed")   /* neither an API key nor a signed token */                      \
    X(UNKNOWN,     "unknown")     /* no such API key, or another secret */                         \
    X(RATE,        "rate")        /* not looked up: its address showed too many unknown ones */     \
    X(EXPIRED,     "expired")     /* also a stream whose credential ended while it was open */     \
    X(REVOKED,     "revoked")                                                                      \
    X(SUSPENDED,   "suspended")   /* the tenant is */                                              \
    X(ROLE,        "role")        /* known, and not allowed to call this method */                 \
    X(ENCRYPTED,   "encrypted")   /* five parts: never looked into */                              \
    X(HEADER,      "header")      /* of the token: typ, crit, b64, kid */                          \
    X(ALGORITHM,   "algorithm")   /* not on the issuer's list */                                   \
    X(ISSUER,      "issuer")      /* nobody we trust */                                            \
    X(KEY,         "key")         /* the issuer has no such key, or it does not fit */             \
    X(SIGNATURE,   "signature")                                                                    \
    X(CLAIMS,      "claims")      /* missing, of the wrong type or out of bounds */                \
    X(AUDIENCE,    "audience")    /* meant for somebody else */                                    \
    X(NOT_YET,     "not_yet")     /* nbf or iat lies ahead */                                      \
    X(LIFETIME,    "lifetime")    /* valid for longer than the issuer may grant */                 \
    X(TENANT,      "tenant")      /* unknown, or not one that the issuer speaks for */             \
    X(CERTIFICATE, "certificate") /* of the client: maps to nobody, or may not call this service */\
    X(CONFLICT,    "conflict")    /* certificate and token are of two tenants */
/* clang-format on */

enum auth_reason {
#define X(id, text) AUTH_##id,
    AUTH_REASON_LIST(X)
#undef X
        AUTH_N_REASONS,
    AUTH_FINE = AUTH_N_REASONS /* no reason to refuse */
};

/* "expired"; never NULL. */
const char *auth_reason_text(enum auth_reason why);

#endif
