/* Formats without printf: a log line costs about a microsecond, on the thread that logs. */
#include "obs/line.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

static const char TAIL[] = ",\"truncated\":true}\n";

static bool room(const struct line *l, size_t n)
{
    return n <= sizeof l->p - sizeof TAIL - l->n;
}

static bool put(struct line *l, const char *p, size_t n)
{
    if (!room(l, n))
        return false;
    memcpy(l->p + l->n, p, n);
    l->n += n;
    return true;
}

static bool put_text(struct line *l, const char *z)
{
    return put(l, z, strlen(z));
}

static bool put_int(struct line *l, int64_t i)
{
    char digits[24];

    return put(l, digits, (size_t)snprintf(digits, sizeof digits, "%" PRId64, i));
}

static bool put_char(struct line *l, unsigned char ch, bool is_text)
{
    static const char hex[] = "0123456789abcdef";

    if (ch == '"' || ch == '\\')
        return put(l, (char[]){'\\', (char)ch}, 2);
    if (ch < 0x20 || ch == 0x7F)
        return put(l, (char[]){'\\', 'u', '0', '0', hex[ch >> 4], hex[ch & 15]}, 6);
    if (ch >= 0x80 && !is_text)
        return put(l, "\xEF\xBF\xBD", 3);
    return put(l, (char[]){(char)ch}, 1);
}

/* At most LOG_TEXT_BYTES, cut between two characters. */
static bool put_json(struct line *l, const char *z)
{
    size_t n = strnlen(z, LOG_TEXT_BYTES);
    bool is_text, ok;
    str s;

    if (z[n]) {
        l->truncated = true;
        while (n && ((unsigned char)z[n] & 0xC0) == 0x80)
            n--;
    }
    s = (str){z, n};
    is_text = str_is_text(s);
    ok = put(l, "\"", 1);
    for (size_t i = 0; i < s.n && ok; i++)
        ok = put_char(l, (unsigned char)s.p[i], is_text);
    return ok && put(l, "\"", 1);
}

/* ,"key<unit>": */
static bool put_key(struct line *l, const char *key, const char *unit)
{
    return (l->n == 1 || put(l, ",", 1)) && put(l, "\"", 1) && put_text(l, key) &&
           put_text(l, unit) && put(l, "\":", 2);
}

static bool put_ns_as_ms(struct line *l, int64_t ns)
{
    char digits[40];
    int64_t us = ns / 1000;

    return put(l, digits,
               (size_t)snprintf(digits, sizeof digits, "%s%" PRId64 ".%03" PRId64,
                                us < 0 ? "-" : "", (us < 0 ? -us : us) / 1000,
                                (us < 0 ? -us : us) % 1000));
}

static bool put_value(struct line *l, const struct log_field *f)
{
    switch (f->kind) {
    case LOG_END: break;
    case LOG_STR: return put_key(l, f->key, "") && put_json(l, f->s);
    case LOG_INT: return put_key(l, f->key, "") && put_int(l, f->i);
    case LOG_BOOL: return put_key(l, f->key, "") && put_text(l, f->i ? "true" : "false");
    case LOG_MS: return put_key(l, f->key, "_ms") && put_int(l, f->i);
    case LOG_NS: return put_key(l, f->key, "_ms") && put_ns_as_ms(l, f->i);
    case LOG_BYTES: return put_key(l, f->key, "_bytes") && put_int(l, f->i);
    }
    return true;
}

void line_begin(struct line *l)
{
    l->n = 1;
    l->truncated = false;
    l->p[0] = '{';
}

void line_field(struct line *l, const struct log_field *f)
{
    size_t before = l->n;

    if (f->kind == LOG_STR && !f->s)
        return;
    if (!put_value(l, f)) {
        l->n = before;
        l->truncated = true;
    }
}

void line_time(struct line *l, const char *key, int64_t time_us)
{
    char text[40], fraction[16];
    time_t seconds = (time_t)(time_us / 1000000);
    struct tm tm;
    size_t before = l->n;

    gmtime_r(&seconds, &tm);
    strftime(text, sizeof text, "\"%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(fraction, sizeof fraction, ".%06dZ\"", (int)(time_us % 1000000));
    if (!put_key(l, key, "") || !put_text(l, text) || !put_text(l, fraction)) {
        l->n = before;
        l->truncated = true;
    }
}

void line_hex(struct line *l, const char *key, const unsigned char *b, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    char text[65];

    assert(2 * n < sizeof text);
    for (size_t i = 0; i < n; i++) {
        text[2 * i] = hex[b[i] >> 4];
        text[2 * i + 1] = hex[b[i] & 15];
    }
    text[2 * n] = 0;
    line_field(l, &(struct log_field)F_ID(key, text));
}

void line_end(struct line *l)
{
    const char *end = l->truncated ? TAIL : "}\n";
    size_t n = strlen(end);

    memcpy(l->p + l->n, end, n); /* room() always kept place for it */
    l->n += n;
}
