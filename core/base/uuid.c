/* UUIDv7 with a process-wide monotonic stamp: 48 bits of milliseconds, 12 bits of counter. */
#include "base/uuid.h"

#include <stdio.h>

/* Milliseconds << 12 | counter of the last id; only ever grows. */
static _Atomic uint64_t last_stamp;

static uint64_t next_stamp(int64_t now_us)
{
    uint64_t want = (uint64_t)(now_us / 1000) << 12, last = atomic_load(&last_stamp), next;

    do {
        next = want > last ? want : last + 1;
    } while (!atomic_compare_exchange_weak(&last_stamp, &last, next));
    return next;
}

struct uuid uuid_new(const struct call *c)
{
    uint64_t stamp = next_stamp(call_now_us(c)), ms = stamp >> 12;
    struct uuid u;

    c->clock->random(c->clock, u.b + 8, 8);
    for (int i = 0; i < 6; i++)
        u.b[i] = (unsigned char)(ms >> (40 - 8 * i));
    u.b[6] = (unsigned char)(0x70 | (stamp >> 8 & 0x0F));
    u.b[7] = (unsigned char)stamp;
    u.b[8] = (unsigned char)(0x80 | (u.b[8] & 0x3F));
    return u;
}

void uuid_format(struct uuid u, char out[UUID_TEXT_BYTES + 1])
{
    static const char hex[] = "0123456789abcdef";
    char *p = out;

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        *p++ = hex[u.b[i] >> 4];
        *p++ = hex[u.b[i] & 15];
    }
    *p = 0;
}

char *uuid_text(struct arena *a, struct uuid u)
{
    char text[UUID_TEXT_BYTES + 1];

    uuid_format(u, text);
    return arena_cstr(a, (str){text, UUID_TEXT_BYTES});
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool uuid_parse(str s, struct uuid *out)
{
    size_t at = 0;

    *out = (struct uuid){{0}};
    if (s.n != UUID_TEXT_BYTES)
        return false;
    for (int i = 0; i < 16; i++) {
        int hi, lo;

        if ((i == 4 || i == 6 || i == 8 || i == 10) && s.p[at++] != '-')
            goto bad;
        hi = nibble(s.p[at]);
        lo = nibble(s.p[at + 1]);
        if (hi < 0 || lo < 0)
            goto bad;
        out->b[i] = (unsigned char)(hi << 4 | lo);
        at += 2;
    }
    return true;
bad:
    *out = (struct uuid){{0}};
    return false;
}
