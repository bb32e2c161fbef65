/* Grows by doubling inside its arena; the old room is simply left behind there. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

enum { FIRST_BYTES = 128 };

void buf_init(struct buf *b, struct arena *a, size_t max_bytes)
{
    *b = (struct buf){.arena = a, .max = max_bytes};
}

/* Room for n more bytes and a NUL. */
static bool reserve(struct buf *b, size_t n)
{
    size_t cap = b->cap ? b->cap : FIRST_BYTES;
    char *p;

    if (b->failed || n > b->max - b->n) {
        b->failed = true;
        return false;
    }
    if (b->cap && b->n + n + 1 <= b->cap)
        return true;
    while (cap < b->n + n + 1)
        cap *= 2;
    if ((p = arena_take(b->arena, cap)) == NULL) {
        b->failed = true;
        return false;
    }
    if (b->n)
        memcpy(p, b->p, b->n);
    b->p = p;
    b->cap = cap;
    return true;
}

void buf_put(struct buf *b, str s)
{
    if (!reserve(b, s.n))
        return;
    if (s.n)
        memcpy(b->p + b->n, s.p, s.n);
    b->n += s.n;
}

void buf_putc(struct buf *b, char c)
{
    buf_put(b, (str){&c, 1});
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args, again;
    int n;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    if (n >= 0 && reserve(b, (size_t)n)) {
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, again);
        b->n += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

void buf_put_json(struct buf *b, str s)
{
    static const char short_escape[] = {['"'] = '"',  ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r',
                                        ['\t'] = 't', ['\b'] = 'b',  ['\f'] = 'f'};
    bool text = str_is_text(s);

    buf_putc(b, '"');
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < sizeof short_escape && short_escape[c])
            buf_printf(b, "\\%c", short_escape[c]);
        else if (c < 0x20 || c == 0x7F)
            buf_printf(b, "\\u%04x", c);
        else if (c < 0x80 || text)
            buf_putc(b, (char)c);
        else
            buf_put(b, STR("\xEF\xBF\xBD"));
    }
    buf_putc(b, '"');
}

str buf_str(struct buf *b)
{
    if (!reserve(b, 0))
        return (str){0};
    b->p[b->n] = 0;
    return (str){b->p, b->n};
}
