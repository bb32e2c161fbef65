/* The stream of events on any bytes: what is told must not depend on how the bytes were cut, and an
 * answer that is whole must be one. The first byte is the size of the pieces. */
#include <assert.h>
#include <stdint.h>

#include "ai/anthropic_message.h"
#include "ai/sse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ARENA_BYTES = 16 << 20 };

struct result {
    struct anthropic_message message;
    uint64_t hash;
    size_t n_pieces;
    bool goes_on;
};

static void mix(struct result *r, str s)
{
    for (size_t i = 0; i < s.n; i++)
        r->hash = (r->hash ^ (unsigned char)s.p[i]) * 0x100000001b3u;
    r->hash = (r->hash ^ 0x1FF) * 0x100000001b3u;
}

static bool take(void *self, str name, str data)
{
    struct result *r = self;
    size_t before = r->message.text.n;
    str piece;

    assert(name.n <= SSE_NAME_BYTES);
    assert(data.n <= SSE_EVENT_BYTES);
    mix(r, name);
    mix(r, data);
    bool goes_on = anthropic_message_event(&r->message, data, &piece);

    assert(goes_on == !r->message.error || r->message.is_whole);
    assert(!goes_on || before + piece.n == r->message.text.n);
    r->n_pieces++;
    return goes_on;
}

static void run(struct arena *a, str bytes, size_t step, struct result *out)
{
    struct sse s;

    *out = (struct result){.goes_on = true};
    anthropic_message_init(&out->message, a);
    sse_init(&s, a);
    for (size_t i = 0; i < bytes.n; i += step)
        out->goes_on = sse_feed(&s, str_sub(bytes, i, step), take, out);
    assert(!out->message.is_whole || out->message.has_begun);
    assert(out->message.usage.input >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct result whole, cut;
    struct arena a, b;

    if (!n)
        return 0;
    str bytes = {(const char *)data + 1, n - 1};

    arena_init(&a, ARENA_BYTES);
    arena_init(&b, ARENA_BYTES);
    run(&a, bytes, bytes.n ? bytes.n : 1, &whole);
    run(&b, bytes, 1 + data[0] % 32, &cut);
    assert(whole.hash == cut.hash);
    assert(whole.n_pieces == cut.n_pieces);
    assert(whole.goes_on == cut.goes_on);
    assert(whole.message.error == cut.message.error);
    assert(str_eq(buf_str(&whole.message.text), buf_str(&cut.message.text)));
    arena_release(&a);
    arena_release(&b);
    return 0;
}
