/* Plain table-driven encoders; decoding is strict, so every value has exactly one text. */
#include "base/encode.h"

#include <stdint.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

char *hex_encode(struct arena *a, const void *p, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    const unsigned char *in = p;
    char *out = n < SIZE_MAX / 2 ? arena_take(a, 2 * n + 1) : NULL;

    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = hex[in[i] >> 4];
        out[2 * i + 1] = hex[in[i] & 15];
    }
    out[2 * n] = 0;
    return out;
}

char *base64url_encode(struct arena *a, const void *p, size_t n)
{
    const unsigned char *in = p;
    char *out = n < SIZE_MAX / 2 ? arena_take(a, n / 3 * 4 + 5) : NULL;
    size_t at = 0;

    if (!out)
        return NULL;
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i;
        unsigned v = (unsigned)in[i] << 16 | (left > 1 ? (unsigned)in[i + 1] << 8 : 0) |
                     (left > 2 ? in[i + 2] : 0);

        out[at++] = alphabet[v >> 18];
        out[at++] = alphabet[v >> 12 & 63];
        if (left > 1)
            out[at++] = alphabet[v >> 6 & 63];
        if (left > 2)
            out[at++] = alphabet[v & 63];
    }
    out[at] = 0;
    return out;
}

/* The value of each character + 1; 0: not one of the alphabet. */
static const unsigned char values[256] = {
    ['A'] = 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,         12,         13,
    14,         15, 16, 17, 18, 19, 20, 21, 22, 23, 24,         25,         26,
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37,         38,         39,
    40,         41, 42, 43, 44, 45, 46, 47, 48, 49, 50,         51,         52,
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, ['-'] = 63, ['_'] = 64,
};

bool base64url_decode(struct arena *a, str text, str *out)
{
    unsigned char *bytes;
    size_t at = 0;
    unsigned v = 0, bits = 0;

    *out = (str){0};
    if (text.n % 4 == 1 || (bytes = arena_take(a, text.n / 4 * 3 + 4)) == NULL)
        return false;
    for (size_t i = 0; i < text.n; i++) {
        unsigned c = values[(unsigned char)text.p[i]];

        if (!c)
            return false;
        v = (v << 6 | (c - 1)) & 0xFFFFFF;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[at++] = (unsigned char)(v >> bits);
        }
    }
    if (v & ((1U << bits) - 1))
        return false;
    *out = (str){(const char *)bytes, at};
    return true;
}
