/* Bodies of answers on any bytes: a whole message and an error object. */
#include <assert.h>
#include <stdint.h>

#include "ai/anthropic_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ARENA_BYTES = 16 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const int STATUSES[] = {0, 400, 429, 500, 529, 999};
    str body = {(const char *)data, n};
    struct anthropic_message m;
    struct arena a;

    arena_init(&a, ARENA_BYTES);
    anthropic_message_init(&m, &a);
    bool is_read = anthropic_message_read(&m, body);

    assert(is_read == !m.error);
    assert(is_read == m.is_whole);
    assert(!is_read || (m.model.p && m.id.p && m.text.n <= AI_TEXT_BYTES));
    for (size_t i = 0; i < sizeof STATUSES / sizeof *STATUSES; i++) {
        enum ai_error e = anthropic_error(STATUSES[i], body);

        assert(e > AI_OK && e < AI_ERRORS);
    }
    arena_release(&a);
    return 0;
}
