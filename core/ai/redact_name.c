/* Names word by word: a text is folded like the names, so that accents, case and order do not
 * matter, and each of its words is looked up among theirs. */
#include <stdlib.h>

#include "ai/redact_find.h"
#include "base/banned.h"
#include "domain/text.h"

/* Given and family names that are words too. Sorted. */
static const char *const common[] = {
    "april", "art",   "august", "baker", "bill",   "black", "brown", "carol", "chance",
    "chase", "dawn",  "dean",   "drew",  "faith",  "frank", "gene",  "grace", "grant",
    "gray",  "green", "guy",    "hope",  "hunter", "jack",  "joy",   "june",  "king",
    "lane",  "lily",  "long",   "major", "mark",   "mason", "may",   "miles", "nick",
    "page",  "pat",   "penny",  "price", "ray",    "rich",  "rob",   "rose",  "sales",
    "sky",   "smith", "stone",  "sue",   "summer", "will",  "wood",  "young",
};

/* A word of a text, also "O'Brien" and "Jean-Luc" part by part. Pieces of s. */
static bool next_word(str *s, str *out)
{
    str at = *s, ahead = at, begin;

    while (at.n && !text_is_letter(text_rune(&ahead)))
        at = ahead;
    begin = ahead = at;
    while (at.n && text_is_word_rune(text_rune(&ahead)))
        at = ahead;
    *out = (str){begin.p, begin.n - at.n};
    *s = at;
    return out->n > 0;
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(((const struct redact_word *)a)->folded,
                   ((const struct redact_word *)b)->folded);
}

enum status redact_names_read(struct redaction *r, const struct redact_options *o)
{
    struct arena *a = &r->call->arena;

    if (o->n_names > REDACT_NAMES_MAX)
        return call_fail_as(r->call, STATUS_INVALID, "AI_TEXT", "more than %d names",
                            REDACT_NAMES_MAX);
    if (!(r->words = NEW(a, struct redact_word, REDACT_WORDS_MAX)))
        return call_nomem(r->call);
    for (size_t i = 0; i < o->n_names; i++) {
        str rest = o->names[i], word;

        if (!str_is_text(rest))
            return call_fail_as(r->call, STATUS_INVALID, "AI_TEXT", "a name that is not UTF-8");
        while (next_word(&rest, &word)) {
            str folded = text_fold_marks(a, word);

            if (!folded.p)
                return call_nomem(r->call);
            if (str_n_runes(folded) < 2) /* initials stand for anything */
                continue;
            if (r->n_words == REDACT_WORDS_MAX)
                return call_fail_as(r->call, STATUS_INVALID, "AI_TEXT",
                                    "names of more than %d words", REDACT_WORDS_MAX);
            r->words[r->n_words++] =
                (struct redact_word){folded, text_find(common, sizeof common / sizeof *common,
                                                       folded) < sizeof common / sizeof *common};
        }
    }
    qsort(r->words, r->n_words, sizeof *r->words, by_text);
    return STATUS_OK;
}

static bool is_capital(str word)
{
    unsigned char first = (unsigned char)word.p[0];

    return first >= 0x80 || (first >= 'A' && first <= 'Z');
}

static const struct redact_word *find_word(const struct redaction *r, str folded)
{
    struct redact_word key = {.folded = folded};

    return r->n_words ? bsearch(&key, r->words, r->n_words, sizeof key, by_text) : NULL;
}

/* Between the words of one name: a space, a hyphen, a comma, and at most one initial. */
static bool is_gap(str gap)
{
    str rest = str_trim(str_sub(gap, 1, gap.n)), ahead = rest;
    uint32_t rune = text_rune(&ahead);

    if (!gap.n || !strchr(" -',.", gap.p[0]))
        return false;
    return rest.n == 0 || (text_is_letter(rune) && (ahead.n == 0 || str_eq(ahead, STR("."))));
}

enum status redact_names_find(struct redaction *r, str in, struct redact_spans *s)
{
    struct redact_span hit = {.label = REDACT_PERSON};
    str rest = in, word;

    if (!r->n_words)
        return STATUS_OK;
    while (next_word(&rest, &word)) {
        size_t at = (size_t)(word.p - in.p), end = hit.at + hit.n;
        str folded = text_fold_marks(&r->call->arena, word);
        const struct redact_word *known;

        if (!folded.p)
            return call_nomem(r->call);
        known = find_word(r, folded);
        if (!known || (known->is_common && r->mode == REDACT_NORMAL && !is_capital(word)))
            continue;
        if (hit.n && at >= end && is_gap(str_sub(in, end, at - end))) {
            hit.n = at + word.n - hit.at;
            continue;
        }
        if (hit.n)
            TRY(redact_take(r->call, s, hit));
        hit.at = at;
        hit.n = word.n;
    }
    return hit.n ? redact_take(r->call, s, hit) : STATUS_OK;
}
