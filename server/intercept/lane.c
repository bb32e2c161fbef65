/* An entry is 32 bits of digest and 32 bits of the tenant's number; zero is free. */
#include "intercept/lane.h"

#include <assert.h>
#include <stdlib.h>

enum { TAIL_BYTES = 24 }; /* 18 random bytes of a key, 18 bytes of a signature */

struct lanes {
    uint64_t seed;
    _Atomic uint64_t known[LANES_KNOWN];
};

struct lanes *lanes_new(void)
{
    struct lanes *l = calloc(1, sizeof *l);

    static_assert((LANES_KNOWN & (LANES_KNOWN - 1)) == 0, "an index is cut from a digest");
    if (l)
        system_clock.random(&system_clock, &l->seed, sizeof l->seed);
    return l;
}

void lanes_free(struct lanes *l)
{
    free(l);
}

/* Multiply and fold (after wyhash): enough where a collision only makes two share a lane. */
uint64_t lane_digest(uint64_t seed, str s)
{
    uint64_t h = seed ^ s.n * UINT64_C(0x9E3779B97F4A7C15), word;

    for (size_t i = 0; s.p && i < s.n; i += sizeof word) {
        size_t n = s.n - i < sizeof word ? s.n - i : sizeof word;

        word = 0;
        memcpy(&word, s.p + i, n);
        h = (h ^ word) * UINT64_C(0xA0761D6478BD642F);
        h ^= h >> 32;
    }
    return h * UINT64_C(0xE7037ED1A0B428DB);
}

static str tail(str header)
{
    return header.n > TAIL_BYTES ? str_sub(header, header.n - TAIL_BYTES, TAIL_BYTES) : header;
}

str lane_host(str peer)
{
    size_t n = peer.n;

    while (n && peer.p[n - 1] != ':')
        n--;
    return n ? str_sub(peer, 0, n - 1) : peer;
}

static _Atomic uint64_t *place_of(const struct lanes *l, uint64_t h)
{
    return (_Atomic uint64_t *)&l->known[h >> 52 & (LANES_KNOWN - 1)];
}

void lanes_learn(struct lanes *l, str header, int64_t tenant_id)
{
    uint64_t h = lane_digest(l->seed, tail(header)), entry = h << 32 | (uint32_t)tenant_id;
    _Atomic uint64_t *place = place_of(l, h);

    assert(tenant_id > 0);
    if (header.n && atomic_load_explicit(place, memory_order_relaxed) != entry)
        atomic_store_explicit(place, entry, memory_order_relaxed);
}

int64_t lanes_tenant(const struct lanes *l, str header)
{
    uint64_t h = lane_digest(l->seed, tail(header)), entry;

    if (!header.n)
        return 0;
    entry = atomic_load_explicit(place_of(l, h), memory_order_relaxed);
    return entry && entry >> 32 == (uint32_t)h ? (uint32_t)entry : 0;
}

uint32_t lanes_find(const struct lanes *l, str header, str peer)
{
    int64_t tenant_id = lanes_tenant(l, header);
    uint64_t h;

    if (tenant_id)
        return (uint32_t)tenant_id;
    h = lane_digest(l->seed, lane_host(peer));
    return (uint32_t)(h ^ h >> 32);
}
