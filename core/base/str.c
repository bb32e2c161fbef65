/* What strings need beyond their inline parts: order, trimming, UTF-8, numbers. */
#include "base/str.h"

#include <limits.h>

int str_cmp(str a, str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int r = n ? memcmp(a.p, b.p, n) : 0;

    return r ? r : (a.n > b.n) - (a.n < b.n);
}

str str_cut(str *s, char sep)
{
    const char *at = s->n ? memchr(s->p, sep, s->n) : NULL;
    str head = at ? (str){s->p, (size_t)(at - s->p)} : *s;

    *s = at ? (str){at + 1, s->n - head.n - 1} : (str){0};
    return head;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

str str_trim(str s)
{
    while (s.n && is_space(s.p[0]))
        s = (str){s.p + 1, s.n - 1};
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static unsigned char lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool str_eq_nocase(str a, str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (lower(a.p[i]) != lower(b.p[i]))
            return false;
    return true;
}

/* Length of the well-formed sequence at p (at most left bytes), 0 when there is none. Ranges of the
 * second byte are those of Unicode table 3-7. */
static size_t rune_len(const unsigned char *p, size_t left)
{
    unsigned char lo = 0x80, hi = 0xBF;
    size_t n;

    if (p[0] == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4)
        return 0;
    n = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (left < n)
        return 0;
    if (p[0] == 0xE0)
        lo = 0xA0;
    if (p[0] == 0xED)
        hi = 0x9F;
    if (p[0] == 0xF0)
        lo = 0x90;
    if (p[0] == 0xF4)
        hi = 0x8F;
    if (p[1] < lo || p[1] > hi)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

bool str_is_text(str s)
{
    const unsigned char *p = (const unsigned char *)s.p;

    for (size_t i = 0, n; i < s.n; i += n)
        if ((n = rune_len(p + i, s.n - i)) == 0)
            return false;
    return true;
}

size_t str_n_runes(str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

bool str_to_int64(str s, long long *out)
{
    bool negative = s.n && s.p[0] == '-';
    unsigned long long v = 0, max = negative ? (unsigned long long)LLONG_MAX + 1 : LLONG_MAX;

    *out = 0;
    if (negative)
        s = str_sub(s, 1, s.n);
    if (!s.n)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)(s.p[i] - '0');

        if (s.p[i] < '0' || s.p[i] > '9' || v > (max - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    *out = negative ? (long long)(0 - v) : (long long)v;
    return true;
}
