/*
 * claims: what a verified token says about its holder, held against the rules of its issuer. Pure:
 * the clock is an argument.
 */
#ifndef INTERCEPT_CLAIMS_H
#define INTERCEPT_CLAIMS_H

#include <jansson.h>

#include "base/call.h"
#include "intercept/reason.h"

enum {
    CLAIMS_ROLES_MAX = 32,
    CLAIMS_AUDIENCES_MAX = 32,
};

/* A name in the roles claim, and what it grants. */
struct role_name {
    str name;
    uint32_t roles;       /* enum role_bit */
    enum actor_kind kind; /* ACTOR_NONE: says nothing about it */
};

/* Names that every issuer may use: ours, and sales_manager, sales_rep, service. */
extern const struct role_name role_names_default[];
extern const size_t n_role_names_default;

/* Claim names: a member of the payload, or, from a slash on, a path: "/realm_access/roles". */
struct claims_rules {
    str issuer;           /* exactly, slash by slash */
    const str *audiences; /* [n_audiences] any of them */
    size_t n_audiences;
    str tenant_claim, roles_claim, teams_claim, kind_claim;
    str subject_prefix;            /* before the `sub` of this issuer */
    const struct role_name *roles; /* [n_roles] */
    size_t n_roles;
    int64_t leeway_s, lifetime_max_s;
    enum actor_kind kind; /* of a token that does not say */
};

struct claims {
    char subject[SUBJECT_BYTES + 1];
    str tenant; /* UUID or key, as the token says: not looked up yet */
    uint32_t roles;
    enum actor_kind kind;
    const char **teams; /* [n_teams] */
    size_t n_teams;
    int64_t expires_us; /* wall clock, leeway included */
};

/* The member or path; NULL: absent. Borrowed from payload. */
const json_t *claims_get(const json_t *payload, str name);

/*
 * Judges the payload at the time now_us (wall clock).
 *
 *   a    owns the texts of out
 *   out  valid when AUTH_FINE is returned; with EXPIRED subject and tenant say whose it was, tenant
 *        is empty when the payload does not say
 *
 * ISSUER, AUDIENCE, EXPIRED, NOT_YET, LIFETIME say it; CLAIMS: something else is missing, of the
 * wrong type or out of bounds. Unknown role names grant nothing and are no fault.
 */
MUST_CHECK enum auth_reason claims_check(struct arena *a, const struct claims_rules *r,
                                         const json_t *payload, int64_t now_us, struct claims *out);

#endif
