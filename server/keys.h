/* keys: tenants and API keys as the store has them: who may come in, and who is the first. */
#ifndef SERVER_KEYS_H
#define SERVER_KEYS_H

#include "intercept/auth.h"
#include "server/key_use.h"
#include "store/store.h"

/* Looks up API keys and tenants in the store; `base` first, so that it is the authenticator. */
struct store_keys {
    struct authenticator base;
    struct store *store;
    struct key_use *use; /* NULL: nobody writes down when keys were used */
};

/* store and use are borrowed. */
void store_keys_init(struct store_keys *k, struct store *store, struct key_use *use);

struct first_key {
    const char *tenant; /* its short name */
    const char *known;  /* a secret from before, or "" */
    bool is_wanted;     /* a key is needed also when the tenant is there already */
};

/*
 * Makes sure that the tenant exists and, when it is new or a key is wanted, that there is an admin
 * API key whose secret is known.
 *
 *   secret_out  `known` when it still opens the tenant; else that of a new key; "": none was needed
 */
MUST_CHECK enum status keys_bootstrap(struct call *c, struct store *store,
                                      const struct first_key *wish,
                                      char secret_out[API_KEY_TEXT_BYTES + 1]);

#endif
