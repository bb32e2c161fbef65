/* Cleaning and folding: decompose into an arena buffer, edit, re-encode in place. */
#include "domain/text.h"

#include <utf8proc.h>

static const char not_utf8[] = "well-formed UTF-8 without NUL";
static const char no_control[] = "no control characters";
static const char no_bidi[] = "no characters that override the reading direction";

bool text_is_ascii(str s)
{
    unsigned char all = 0;

    for (size_t i = 0; i < s.n; i++)
        all |= (unsigned char)s.p[i];
    return all < 0x80;
}

uint32_t text_rune(str *s)
{
    utf8proc_int32_t rune;
    utf8proc_ssize_t n;

    if (!s->n)
        return 0;
    if ((unsigned char)s->p[0] < 0x80) {
        *s = (str){s->p + 1, s->n - 1};
        return (unsigned char)s->p[-1];
    }
    n = utf8proc_iterate((const utf8proc_uint8_t *)s->p, (utf8proc_ssize_t)s->n, &rune);
    if (n <= 0) {
        *s = (str){0};
        return 0;
    }
    *s = (str){s->p + n, s->n - (size_t)n};
    return (uint32_t)rune;
}

bool text_is_letter(uint32_t rune)
{
    utf8proc_category_t c;

    if (rune < 0x80)
        return (rune | 0x20) >= 'a' && (rune | 0x20) <= 'z';
    c = utf8proc_category((utf8proc_int32_t)rune);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO;
}

bool text_is_word_rune(uint32_t rune)
{
    utf8proc_category_t c;

    if (rune < 0x80)
        return text_is_letter(rune) || (rune >= '0' && rune <= '9');
    c = utf8proc_category((utf8proc_int32_t)rune);
    return c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_NO;
}

/* in, mapped by utf8proc's options; the result is composed and NUL-terminated. */
static str map(struct arena *a, str in, unsigned options)
{
    const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)in.p;
    utf8proc_ssize_t n = (utf8proc_ssize_t)in.n, used;
    utf8proc_int32_t *runes;
    size_t cap;

    if (in.n > TEXT_BYTES_MAX)
        return (str){0};
    used = utf8proc_decompose(p, n, NULL, 0, (utf8proc_option_t)options);
    if (used < 0)
        return (str){0};
    cap = (size_t)used + 1; /* one more: the re-encoding may end in a NUL past the last rune */
    if ((runes = arena_take(a, cap * sizeof *runes)) == NULL)
        return (str){0};
    used = utf8proc_decompose(p, n, runes, used, (utf8proc_option_t)options);
    if (used < 0 || (used = utf8proc_reencode(runes, used, (utf8proc_option_t)options)) < 0)
        return (str){0};
    return (str){(char *)runes, (size_t)used};
}

static str fold_ascii(struct arena *a, str in)
{
    char *p = arena_take(a, in.n + 1);

    if (!p)
        return (str){0};
    for (size_t i = 0; i < in.n; i++)
        p[i] = (char)(in.p[i] >= 'A' && in.p[i] <= 'Z' ? in.p[i] | 0x20 : in.p[i]);
    p[in.n] = 0;
    return (str){p, in.n};
}

enum {
    FOLD =
        UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE
};

str text_fold(struct arena *a, str in)
{
    return text_is_ascii(in) ? fold_ascii(a, in) : map(a, in, FOLD);
}

str text_fold_marks(struct arena *a, str in)
{
    return text_is_ascii(in) ? fold_ascii(a, in) : map(a, in, FOLD | UTF8PROC_STRIPMARK);
}

static bool is_bidi_control(uint32_t r)
{
    return (r >= 0x202A && r <= 0x202E) || (r >= 0x2066 && r <= 0x2069);
}

enum layout { LINE, BLOCK };

static enum status check(str in, enum layout layout, struct refusal *why)
{
    if (!str_is_text(in))
        return refuse(why, "text.utf8", not_utf8);
    for (str rest = in; rest.n;) {
        uint32_t r = text_rune(&rest);
        bool control = r < 0x20 || (r >= 0x7F && r < 0xA0);

        if (control && !(r == '\t' || (layout == BLOCK && (r == '\n' || r == '\r'))))
            return refuse(why, "text.control", no_control);
        if (is_bidi_control(r))
            return refuse(why, "text.direction", no_bidi);
    }
    return STATUS_OK;
}

/* Bytes of the white space character at the front of s; 0: none. Line breaks do not count. */
static size_t space_bytes(str s)
{
    str rest = s;
    uint32_t r = text_rune(&rest);

    if (r == ' ' || r == '\t' || r == 0xA0 || (r >= 0x2000 && r <= 0x200A) || r == 0x202F ||
        r == 0x205F || r == 0x3000)
        return s.n - rest.n;
    return 0;
}

/* Trims and makes every run of white space one space, in place. */
static str collapse(char *p, size_t n)
{
    size_t to = 0;
    bool gap = false;

    for (size_t from = 0, skip; from < n;) {
        if ((skip = space_bytes((str){p + from, n - from})) != 0) {
            gap = to > 0;
            from += skip;
            continue;
        }
        if (gap)
            p[to++] = ' ';
        gap = false;
        p[to++] = p[from++];
        while (from < n && ((unsigned char)p[from] & 0xC0) == 0x80)
            p[to++] = p[from++];
    }
    p[to] = 0;
    return (str){p, to};
}

/* CRLF and CR become LF, in place; trimmed. */
static str unix_lines(char *p, size_t n)
{
    size_t to = 0;

    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n')
            continue;
        p[to++] = p[i];
        if (p[to - 1] == '\r')
            p[to - 1] = '\n';
    }
    p[to] = 0;
    return str_trim((str){p, to});
}

static enum status clean(struct arena *a, str in, enum layout layout, str *out, struct refusal *why)
{
    str s;

    *out = (str){0};
    *why = (struct refusal){0};
    if (in.n > TEXT_BYTES_MAX)
        return refuse_nomem(why);
    TRY(check(in, layout, why));
    if (text_is_ascii(in))
        s = arena_str(a, in);
    else
        s = map(a, in, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (!s.p)
        return refuse_nomem(why);
    *out = layout == LINE ? collapse((char *)s.p, s.n) : unix_lines((char *)s.p, s.n);
    return STATUS_OK;
}

enum status text_line(struct arena *a, str in, str *out, struct refusal *why)
{
    return clean(a, in, LINE, out, why);
}

enum status text_block(struct arena *a, str in, str *out, struct refusal *why)
{
    return clean(a, in, BLOCK, out, why);
}

size_t text_find(const char *const *rows, size_t n, str s)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = str_cmp(str_of(rows[mid]), s);

        if (order == 0)
            return mid;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return n;
}
