/* The signal table, and what its evaluators share. */
#include "domain/signal_eval.h"
#include "domain/text.h"

bool signal_has_word(str text, const char *words)
{
    str list = str_of(words);

    while (list.n) {
        str word = str_cut(&list, ' ');

        for (size_t i = 0; word.n && i + word.n <= text.n; i++) {
            bool starts = i == 0 || !text_is_word_rune((unsigned char)text.p[i - 1]);
            bool ends =
                i + word.n == text.n || !text_is_word_rune((unsigned char)text.p[i + word.n]);

            if (starts && ends && memcmp(text.p + i, word.p, word.n) == 0)
                return true;
        }
    }
    return false;
}

const AttributeValue *signal_attribute(const struct scene *s, const char *key)
{
    for (size_t i = 0; i < s->lead->n_attributes; i++)
        if (strcmp(s->lead->attributes[i]->key, key) == 0)
            return s->lead->attributes[i]->value;
    return NULL;
}

static const struct signal rows[] = {
#define X(name, group, points, weight, field, eval, a, b, c, text, words)                          \
    {#name,    SIGNAL_GROUP_##group,                                                               \
     points,   weight,                                                                             \
     field,    eval_##eval,                                                                        \
     (int)(a), (int)(b),                                                                           \
     (int)(c), text,                                                                               \
     words,    #eval "(" #a ", " #b ", " #c ")"},
#include "domain/signal.def"
#undef X
};

const struct signal *signal_rows(size_t *n)
{
    *n = sizeof rows / sizeof *rows;
    return rows;
}
