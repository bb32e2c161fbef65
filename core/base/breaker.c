/* The window is a ring of slices: old ones are emptied when time has moved on. */
#include "base/breaker.h"

#include <assert.h>

enum { PERCENT = 100 };

static void move_window(struct breaker *b, int64_t now_ns)
{
    int64_t slice = now_ns / (BREAKER_WINDOW_NS / BREAKER_SLICES);
    int64_t n_new = slice - b->slice;

    for (int64_t i = 1; i <= n_new && i <= BREAKER_SLICES; i++) {
        int64_t at = (b->slice + i) % BREAKER_SLICES;

        b->n_ends[at] = b->n_failed[at] = 0;
    }
    if (n_new > BREAKER_SLICES)
        for (int i = 0; i < BREAKER_SLICES; i++)
            b->n_ends[i] = b->n_failed[i] = 0;
    if (n_new > 0)
        b->slice = slice;
}

static void clear(struct breaker *b)
{
    for (int i = 0; i < BREAKER_SLICES; i++)
        b->n_ends[i] = b->n_failed[i] = 0;
}

static void open(struct breaker *b, int64_t now_ns)
{
    b->pause_ns = b->pause_ns ? 2 * b->pause_ns : BREAKER_PAUSE_NS;
    if (b->pause_ns > BREAKER_PAUSE_MAX_NS)
        b->pause_ns = BREAKER_PAUSE_MAX_NS;
    b->state = BREAKER_OPEN;
    b->until_ns = now_ns + b->pause_ns;
    b->is_probing = false;
    clear(b);
}

enum breaker_pass breaker_ask(struct breaker *b, int64_t now_ns)
{
    if (b->state == BREAKER_CLOSED)
        return BREAKER_PASSED;
    if (b->state == BREAKER_OPEN && now_ns < b->until_ns)
        return BREAKER_REFUSED;
    b->state = BREAKER_HALF_OPEN;
    if (b->is_probing)
        return BREAKER_REFUSED;
    b->is_probing = true;
    return BREAKER_PROBE;
}

static void tell_of_probe(struct breaker *b, int weight, int64_t now_ns)
{
    if (weight)
        open(b, now_ns);
    else
        *b = (struct breaker){.slice = b->slice};
}

void breaker_tell(struct breaker *b, enum breaker_pass pass, int weight, int64_t now_ns)
{
    int n_ends = 0, n_failed = 0;

    assert(pass != BREAKER_REFUSED);
    move_window(b, now_ns);
    if (pass == BREAKER_PROBE) {
        tell_of_probe(b, weight, now_ns);
        return;
    }
    if (b->state != BREAKER_CLOSED)
        return; /* it began before the breaker opened */
    b->n_ends[b->slice % BREAKER_SLICES] += weight ? weight : 1;
    b->n_failed[b->slice % BREAKER_SLICES] += weight;
    for (int i = 0; i < BREAKER_SLICES; i++) {
        n_ends += b->n_ends[i];
        n_failed += b->n_failed[i];
    }
    if (n_ends >= BREAKER_ENDS_MIN && PERCENT * n_failed >= BREAKER_SHARE_PERCENT * n_ends)
        open(b, now_ns);
}

void breaker_forget(struct breaker *b, enum breaker_pass pass)
{
    if (pass == BREAKER_PROBE)
        b->is_probing = false;
}
