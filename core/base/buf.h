/* buf: text under construction. Arena-backed, born with a maximum; overflow is remembered, never
 * written past. Check buf_ok() (or use buf_str, empty on overflow) once, at the end. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdint.h>

#include "base/arena.h"

struct buf {
    struct arena *arena;
    char *p;
    size_t n, cap, max; /* bytes written, room, most that may ever be written */
    bool failed;        /* max reached or arena exhausted: later writes are ignored */
};

void buf_init(struct buf *b, struct arena *a, size_t max_bytes);
void buf_put(struct buf *b, str s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* As JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_put_json(struct buf *b, str s);

static inline bool buf_ok(const struct buf *b)
{
    return !b->failed;
}

/* What was written, NUL-terminated behind its end; {0} after an overflow. Lives in the arena. */
str buf_str(struct buf *b);

#endif
