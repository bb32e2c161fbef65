/* token: from the text of a JWT to claims that may be believed. docs/identity.md has the order of
 * the checks. */
#ifndef INTERCEPT_TOKEN_H
#define INTERCEPT_TOKEN_H

#include "intercept/trust_file.h"

/*
 * Checks everything but whether the tenant exists.
 *
 *   out  valid when AUTH_FINE was returned in why, its subject and tenant also with EXPIRED (tenant
 *        may be empty); its texts live in c->arena
 *
 * OK with a reason: refused. UNAVAILABLE: the issuer's keys cannot be had, so neither yes nor no.
 * EXHAUSTED: the call's arena. May wait for keys: see intercept/jwks.h.
 */
MUST_CHECK enum status token_check(const struct trust_rules *t, struct call *c, str token,
                                   struct claims *out, enum auth_reason *why);

#endif
