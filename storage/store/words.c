/* ASCII is folded by hand; anything else goes through utf8proc's compatibility case folding. */
#include "store/words.h"

#include <assert.h>
#include <utf8proc.h>

/* One code point can unfold into 18 (Unicode 14, NFKC); folding adds at most two each. */
enum { UNFOLD_MAX = 36 };

static bool keep(struct words *w, struct arena *a, const char *p, size_t n)
{
    str word = {p, n};

    for (size_t i = 0; i < w->n; i++)
        if (str_eq(w->list[i], word))
            return true;
    if (w->n == WORDS_MAX) {
        w->truncated = true;
        return true;
    }
    word = arena_str(a, word);
    w->list[w->n] = word;
    w->n += word.p != NULL;
    return word.p != NULL;
}

static bool in_word(utf8proc_int32_t rune)
{
    utf8proc_category_t k = utf8proc_category(rune);

    return (k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO) ||
           (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

struct word {
    char bytes[WORD_BYTES_MAX];
    size_t n;
    bool full; /* the rest of this word is ignored */
};

static void grow(struct word *w, utf8proc_int32_t rune)
{
    utf8proc_uint8_t bytes[4];
    size_t n = (size_t)utf8proc_encode_char(rune, bytes);

    if (w->full || n > sizeof w->bytes - w->n) {
        w->full = true;
        return;
    }
    memcpy(w->bytes + w->n, bytes, n);
    w->n += n;
}

static bool finish(struct word *w, struct words *out, struct arena *a)
{
    bool ok = w->n == 0 || keep(out, a, w->bytes, w->n);

    w->n = 0;
    w->full = false;
    return ok;
}

/* Feeds the folded form of one code point; false: out of memory. */
static bool feed(utf8proc_int32_t rune, struct word *w, struct words *out, struct arena *a)
{
    utf8proc_int32_t runes[UNFOLD_MAX];
    int boundary = 0;
    utf8proc_ssize_t n =
        utf8proc_decompose_char(rune, runes, UNFOLD_MAX,
                                UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD |
                                    UTF8PROC_STRIPMARK | UTF8PROC_IGNORE,
                                &boundary);

    for (utf8proc_ssize_t i = 0; i < n && i < UNFOLD_MAX; i++) {
        if (in_word(runes[i]))
            grow(w, runes[i]);
        else if (!finish(w, out, a))
            return false;
    }
    return true;
}

bool words_add(struct arena *a, str text, struct words *out)
{
    struct word w = {.n = 0};
    size_t at = 0, n = text.n < WORDS_TEXT_MAX ? text.n : WORDS_TEXT_MAX;

    while (at < n) {
        unsigned char c = (unsigned char)text.p[at];
        utf8proc_int32_t rune;
        utf8proc_ssize_t step;

        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            grow(&w, c >= 'A' && c <= 'Z' ? c + 32 : c);
            at++;
            continue;
        }
        if (c < 0x80) {
            if (!finish(&w, out, a))
                return false;
            at++;
            continue;
        }
        step = utf8proc_iterate((const utf8proc_uint8_t *)text.p + at, (utf8proc_ssize_t)(n - at),
                                &rune);
        if (step <= 0 ? !finish(&w, out, a) : !feed(rune, &w, out, a))
            return false;
        at += step > 0 ? (size_t)step : 1;
    }
    assert(out->n <= WORDS_MAX);
    return finish(&w, out, a);
}
