/*
 * cache_shared: the second level of the cache, in Redis, for all servers; behind ai/cache.h.
 *
 * A table of a fixed number of places; a key has one, and what was there before goes. So Redis
 * holds at most as much as one server's memory may, whatever is asked. Each value is sealed under
 * the tenant's data key for exactly its key (store/outside.h): Redis learns neither question nor
 * answer nor tenant, a value that was changed, moved or kept too long does not count, and none
 * opens any more once the key is destroyed.
 *
 * Nothing here fails: without Redis there is no value. A look and a put wait for Redis for at most
 * the time limit each (twice that, when keys have to be read first), and while the breaker of the
 * client is open (cache/redis.h) no time at all.
 */
#ifndef AI_CACHE_SHARED_H
#define AI_CACHE_SHARED_H

#include "ai/cache.h"

struct cache_shared;

/* NULL in *out: the options name no Redis. INVALID: its URL is none. */
MUST_CHECK enum status cache_shared_open(struct call *c, const struct ai_cache_options *o,
                                         struct cache_shared **out);
void cache_shared_close(struct cache_shared *s); /* NULL is allowed */

/*
 * The value for the key of the call's tenant, in the call's arena; {0}: there is none.
 *
 *   left_ms   how long it may still be given
 */
str cache_shared_get(struct cache_shared *s, struct call *c, const struct ai_cache_key *key,
                     int64_t *left_ms);

/* Longer ones than CACHE_SHARED_VALUE_BYTES are not kept. */
void cache_shared_put(struct cache_shared *s, const struct call *c, const struct ai_cache_key *key,
                      str value);

#endif
