/* Company keys: split into folded words, then drop the legal form from the end. */
#include "domain/company.h"

#include "domain/text.h"

enum { WORDS_MAX = 32 };

static const char *const legal_forms[] = {
#define X(text) text,
#include "domain/legal_form.def"
#undef X
};

enum { N_FORMS = sizeof legal_forms / sizeof *legal_forms };

/* Words of the folded name, packed into p with one space between; dots join ("s.a." -> "sa"). */
static size_t split(str folded, char *p, str words[WORDS_MAX])
{
    size_t n = 0, n_words = 0, start = 0;

    for (str rest = folded; rest.n && n_words < WORDS_MAX;) {
        const char *at = rest.p;
        uint32_t r = text_rune(&rest);

        if (text_is_word_rune(r)) {
            while (at < rest.p)
                p[n++] = *at++;
            continue;
        }
        if (r == '.' || r == '\'' || r == 0x2019)
            continue;
        if (n > start) {
            words[n_words++] = (str){p + start, n - start};
            p[n++] = ' ';
            start = n;
        }
    }
    if (n > start && n_words < WORDS_MAX)
        words[n_words++] = (str){p + start, n - start};
    return n_words;
}

str company_key(struct arena *a, str name)
{
    str folded = text_fold_marks(a, name), words[WORDS_MAX];
    char *p;
    size_t n;

    if (!folded.p || (p = arena_take(a, folded.n + WORDS_MAX)) == NULL)
        return (str){0};
    n = split(folded, p, words);
    while (n > 1 && text_find(legal_forms, N_FORMS, words[n - 1]) < N_FORMS)
        n--;
    if (n > 1 && str_eq(words[0], STR("the")))
        return (str){words[1].p, (size_t)(words[n - 1].p + words[n - 1].n - words[1].p)};
    return (str){p, n ? (size_t)(words[n - 1].p + words[n - 1].n - p) : 0};
}
