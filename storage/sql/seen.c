/* The versions that a unit has read, and the small codecs around ids and versions. */
#include <assert.h>

#include "base/encode.h"
#include "sql/tx.h"

enum { SEEN_FIRST = 16 };

static uint64_t load64(const unsigned char *p)
{
    uint64_t v = 0;

    for (int i = 0; i < 8; i++)
        v = v << 8 | p[i];
    return v;
}

static size_t slot_of(const struct seen *slots, size_t cap, struct uuid id)
{
    size_t i = (size_t)(load64(id.b + 8) >> 7) & (cap - 1);

    while (slots[i].version && memcmp(&slots[i].id, &id, sizeof id) != 0)
        i = (i + 1) & (cap - 1);
    return i;
}

struct seen *seen_find(struct tx *tx, struct uuid id)
{
    struct seen *s;

    if (!tx->cap_seen)
        return NULL;
    s = &tx->seen[slot_of(tx->seen, tx->cap_seen, id)];
    return s->version > 0 ? s : NULL;
}

enum status seen_put(struct tx *tx, const struct seen *s)
{
    assert(s->version > 0);
    if ((tx->n_seen + 1) * 2 > tx->cap_seen) {
        size_t cap = tx->cap_seen ? tx->cap_seen * 2 : SEEN_FIRST;
        struct seen *more = NEW(&tx->call->arena, struct seen, cap);

        if (!more)
            return call_nomem(tx->call);
        for (size_t i = 0; i < tx->cap_seen; i++)
            if (tx->seen[i].version)
                more[slot_of(more, cap, tx->seen[i].id)] = tx->seen[i];
        tx->seen = more;
        tx->cap_seen = cap;
    }
    size_t at = slot_of(tx->seen, tx->cap_seen, s->id);

    tx->n_seen += tx->seen[at].version == 0;
    tx->seen[at] = *s;
    return STATUS_OK;
}

void seen_forget(struct tx *tx, struct uuid id)
{
    struct seen *s = seen_find(tx, id);

    if (s)
        s->version = -1; /* keeps the chain of slots whole */
}

struct uuid record_id(const struct record_info *info, str id)
{
    struct uuid u;
    unsigned char digest[SEAL_DIGEST_BYTES];
    char text[512];
    size_t n;

    if (uuid_parse(id, &u))
        return u;
    n = strlen(info->table) + 1;
    memcpy(text, info->table, n);
    if (id.n > sizeof text - n)
        id.n = sizeof text - n;
    if (id.n)
        memcpy(text + n, id.p, id.n);
    seal_sha256((str){text, n + id.n}, digest);
    memcpy(u.b, digest, sizeof u.b);
    u.b[6] = (unsigned char)(0x80 | (u.b[6] & 0x0F)); /* version 8: made by a rule of our own */
    u.b[8] = (unsigned char)(0x80 | (u.b[8] & 0x3F));
    return u;
}

int64_t uuid_time_us(struct uuid id)
{
    return (int64_t)(load64(id.b) >> 16) * 1000;
}

/* The finaliser of splitmix64 and its inverse. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static uint64_t unmix(uint64_t x)
{
    x = (x ^ x >> 31 ^ x >> 62) * 0x319642B2D24D8EC3u;
    x = (x ^ x >> 27 ^ x >> 54) * 0x96DE1B173F119089u;
    return x ^ x >> 30 ^ x >> 60;
}

static uint64_t salt_of(struct uuid id)
{
    return load64(id.b) * 3 ^ load64(id.b + 8);
}

char *etag_make(struct arena *a, struct uuid id, int64_t version)
{
    uint64_t v = mix((uint64_t)version ^ salt_of(id));
    unsigned char b[8];

    for (int i = 0; i < 8; i++)
        b[i] = (unsigned char)(v >> (56 - 8 * i));
    return base64url_encode(a, b, sizeof b);
}

bool etag_read(struct arena *a, struct uuid id, str etag, int64_t *version_out)
{
    str b;

    *version_out = 0;
    if (!base64url_decode(a, etag, &b) || b.n != 8)
        return false;
    *version_out = (int64_t)(unmix(load64((const unsigned char *)b.p)) ^ salt_of(id));
    return *version_out > 0;
}
