/*
 * api_key: the API keys of a tenant. Records are the service's; a key of another tenant is
 * NOT_FOUND. Every function: the failures of store_run too.
 */
#ifndef AGENT_API_KEY_H
#define AGENT_API_KEY_H

#include "agent/context.h"
#include "domain/api_key.h"
#include "internal/v1/records.h"
#include "sales/v1/admin.h"

enum { API_KEY_LIFE_DAYS = 365 }; /* of a key that says nothing, and the most */

/* The text of a new key. Wipe it when it was shown. */
struct api_key_secret {
    char text[API_KEY_TEXT_BYTES + 1];
};

/*
 * Inside of a unit: stores a new key of that tenant, with a new secret.
 *
 *   service  a view of tx_service, or a system unit
 *   wish     name, subject, kind, roles, teams and expiry; the rest is ours
 *   out      the key as stored; borrows from wish
 *
 * INVALID: the expiry is not ahead, or more than API_KEY_LIFE_DAYS.
 */
MUST_CHECK enum status api_key_issue(struct tx *service, const TenantRecord *tenant,
                                     const ApiKey *wish, struct api_key_secret *secret_out,
                                     ApiKey **out);

/* The secret as an answer shows it, in c->arena. */
MUST_CHECK enum status api_key_show(struct call *c, const struct api_key_secret *secret,
                                    char **out);
void api_key_wipe(struct api_key_secret *secret);

/* INVALID: see api_key_issue; a kind that never shows a key (the server itself, AI). */
MUST_CHECK enum status api_key_create(struct call *c, struct agents *a,
                                      const CreateApiKeyRequest *in, CreateApiKeyResponse *out);

/* Newest first. INVALID: the page token. */
MUST_CHECK enum status api_key_list(struct call *c, struct agents *a, const ListApiKeysRequest *in,
                                    ListApiKeysResponse *out);

/*
 * Revokes a key: useless on this server at once, on others within AUTH_CACHE_TTL_MS. A key that is
 * revoked already stays as it is.
 *
 * NOT_FOUND. PRECONDITION (LAST_ADMIN_KEY): no other key could administer the tenant.
 */
MUST_CHECK enum status api_key_revoke(struct call *c, struct agents *a,
                                      const RevokeApiKeyRequest *in, RevokeApiKeyResponse *out);

#endif
