/*
 * cache: answers of models that have passed their checks, so that nobody pays twice for the same
 * question, and so that equal questions of one instant are asked once.
 *
 *     TRY(ai_cache_begin(cache, c, &key, &value));
 *     if (!value.p) {                                // nobody has it, and it is our turn to ask
 *         ... ask ...
 *         ai_cache_end(cache, &key, answer);         // {0}: there is none; the next one asks
 *     }
 *
 * The key is a digest of everything that the answer depends on, the tenant first: nothing is ever
 * shared between tenants. Values hold placeholders, not personal data (redact.h). In the memory of
 * this process, least recently used out first, each for at most its time; and, when a Redis is
 * configured, sealed there for the other servers (cache_shared.h), which is asked once per turn and
 * never costs more than its short time limit. Thread-safe.
 */
#ifndef AI_CACHE_H
#define AI_CACHE_H

#include "base/call.h"

struct ai_cache;
struct store;

enum {
    CACHE_KEY_BYTES = 32,
    CACHE_VALUE_BYTES = 64 << 10, /* longer ones are not kept */
    CACHE_BYTES = 32 << 20,       /* default of all values: some 20,000 answers */
    CACHE_ENTRIES_MAX = 1 << 16,  /* also of those that are being asked for */
    CACHE_TTL_MS = 24 * 3600 * 1000,
    CACHE_SHARED_VALUE_BYTES = 4 << 10,     /* longer ones stay in memory; insights are shorter */
    CACHE_SHARED_TTL_MS = 24 * 3600 * 1000, /* most, whatever ttl_ms says */
    CACHE_SHARED_TIMEOUT_MS = 30,           /* of a look and of a put */
};

struct ai_cache_key {
    unsigned char b[CACHE_KEY_BYTES];
};

/* SHA-256 over the parts with their lengths: no two lists of parts give the same bytes. */
MUST_CHECK enum status ai_cache_key(struct call *c, const str *parts, size_t n,
                                    struct ai_cache_key *out);

struct ai_cache_options {
    size_t max_bytes; /* 0: CACHE_BYTES */
    int64_t ttl_ms;   /* 0: CACHE_TTL_MS */
    /* Of the second level; NULL or "": none. As in cache/redis.h. */
    const char *redis_url, *redis_url_path;
    struct store *store;      /* its keys seal; borrowed */
    int64_t redis_timeout_ms; /* 0: CACHE_SHARED_TIMEOUT_MS */
};

/* INVALID: the URL is none. */
MUST_CHECK enum status ai_cache_open(struct call *c, const struct ai_cache_options *o,
                                     struct ai_cache **out);
void ai_cache_close(struct ai_cache *k); /* nobody is in it any more; NULL is allowed */

/* A copy of the value in c->arena; or {0}: ask, and call ai_cache_end. While another thread asks
 * for the same, waits for it. DEADLINE, CANCELLED: of the call, and then it is nobody's turn here.
 * EXHAUSTED: the arena, or too many entries. */
MUST_CHECK enum status ai_cache_begin(struct ai_cache *k, struct call *c,
                                      const struct ai_cache_key *key, str *out);

/* Ends the turn; a value of .p NULL or over CACHE_VALUE_BYTES is not kept. */
void ai_cache_end(struct ai_cache *k, const struct call *c, const struct ai_cache_key *key,
                  str value);

#endif
