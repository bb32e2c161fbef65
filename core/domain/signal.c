/* The signal table, and what its evaluators share. */
#include <assert.h>
#include <math.h>
#include <openssl/sha.h>

#include "domain/moment.h"
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

const AttributeValue *signal_attribute(const struct scene *s, str key)
{
    for (size_t i = 0; i < s->lead->n_attributes; i++)
        if (str_eq(str_of(s->lead->attributes[i]->key), key))
            return s->lead->attributes[i]->value;
    return NULL;
}

bool signal_attribute_number(const AttributeValue *v, double *out)
{
    if (!v || v->kind_case != SALES__V1__ATTRIBUTE_VALUE__KIND_NUMBER_VALUE ||
        !(fabs(v->number_value) <= SIGNAL_NUMBER_MAX)) /* NaN is not either */
        return false;
    *out = v->number_value;
    return true;
}

bool signal_attribute_time(const AttributeValue *v, int64_t *us_out)
{
    if (!v || v->kind_case != SALES__V1__ATTRIBUTE_VALUE__KIND_TIME_VALUE || !v->time_value)
        return false;
    *us_out = moment_us(v->time_value, INT64_MIN);
    return signal_is_date(*us_out);
}

static const struct signal rows[] = {
#define X(name, group, type, unit, basis, missing, points, weight, field, eval, a, b, c, text,     \
          words)                                                                                   \
    {#name,          SIGNAL_GROUP_##group,                                                         \
     SIGNAL_##type,  unit,                                                                         \
     SIGNAL_##basis, SIGNAL_##missing,                                                             \
     points,         weight,                                                                       \
     field,          eval_##eval,                                                                  \
     (int)(a),       (int)(b),                                                                     \
     (int)(c),       text,                                                                         \
     words,          #eval "(" #a ", " #b ", " #c ")"},
#include "domain/signal.def"
#undef X
};

const struct signal *signal_rows(size_t *n)
{
    *n = sizeof rows / sizeof *rows;
    return rows;
}

void signal_digest(unsigned char digest[SIGNAL_DIGEST_BYTES], str line)
{
    unsigned char both[SIGNAL_DIGEST_BYTES + SIGNAL_LINE_BYTES];

    assert(line.n < SIGNAL_LINE_BYTES);
    memcpy(both, digest, SIGNAL_DIGEST_BYTES);
    memcpy(both + SIGNAL_DIGEST_BYTES, line.p, line.n);
    SHA256(both, SIGNAL_DIGEST_BYTES + line.n, digest);
}
