/* str: a borrowed view of bytes. Never owns, never NUL-terminated, passed by value. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/attr.h"

typedef struct str {
    const char *p; /* may be NULL only when n == 0 */
    size_t n;      /* bytes */
} str;

#define STR(literal) ((str){(literal), sizeof(literal) - 1})
#define STR_FMT      "%.*s"
#define STR_ARG(s)   (int)(s).n, (s).p

static inline str str_of(const char *z)
{
    return z ? (str){z, strlen(z)} : (str){0};
}
static inline bool str_eq(str a, str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}
static inline bool str_starts(str s, str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}
static inline bool str_ends(str s, str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + (s.n - suffix.n), suffix.p, suffix.n) == 0);
}

/* The part from byte `at` on, at most n bytes; clipped to s. */
static inline str str_sub(str s, size_t at, size_t n)
{
    if (at > s.n)
        at = s.n;
    return (str){s.p ? s.p + at : NULL, n < s.n - at ? n : s.n - at};
}

/* Bytewise order, a shorter prefix first: <0, 0, >0. */
int str_cmp(str a, str b);

/* Splits at the first `sep`: returns what precedes it, leaves the rest in *s. */
str str_cut(str *s, char sep);

/* Without leading and trailing ASCII white space. */
str str_trim(str s);

/* ASCII-only case folding; other bytes compare as they are. */
bool str_eq_nocase(str a, str b);

/* True when s is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms) without NUL. */
bool str_is_text(str s);

/* Unicode code points in well-formed s. */
size_t str_n_runes(str s);

/* Whole-string decimal integer with optional '-'. False: not a number, or out of int64. */
MUST_CHECK bool str_to_int64(str s, long long *out);

#endif
