/*
 * redact: personal data and secrets out of texts that go to a provider, and back into its answer.
 *
 *     struct redaction r;
 *
 *     TRY(redact_begin(&r, redactor, c, &options));
 *     TRY(redact_text(&r, note, &sent));       // "Call Ada at +44..." -> "Call [PERSON_1] at
 * [PHONE_1]"
 *     ... ask the model with `sent` ...
 *     TRY(redact_restore(&r, c, answer, &shown));   // for the user's eyes only
 *     redact_end(&r);                          // wiped: what was sent cannot be undone any more
 *
 * Within one redaction equal values have the same placeholder, in all its texts. Names come from
 * the record (nothing here guesses who is a person, beyond titles and greetings); the rest is
 * patterns with checks of form: Luhn, ISO 7064, ranges of SSN and IP. See redact.def. Recall and
 * precision:
 * ./dev eval redact.
 */
#ifndef AI_REDACT_H
#define AI_REDACT_H

#include "base/call.h"

enum {
    REDACT_TEXT_BYTES = 64 << 10, /* of one text; a prompt's slots have 8 kB */
    REDACT_HITS_MAX = 2000,       /* in one text; more: INVALID, it is a table and no prose */
    REDACT_VALUES_MAX = 1000,     /* different values in one redaction */
    REDACT_NAMES_MAX = 256,       /* names given */
    REDACT_WORDS_MAX = 1024,      /* words of them */
};

/* clang-format off */
#define REDACT_LABEL_LIST(X)                                                                       \
    X(TEXT) X(SECRET) X(URL) X(EMAIL) X(IBAN) X(CARD) X(SSN) X(ID) X(IP) X(BIRTH) X(DATE)          \
    X(ADDRESS) X(PHONE) X(PERSON)
/* clang-format on */

enum redact_label {
#define X(label) REDACT_##label,
    REDACT_LABEL_LIST(X)
#undef X
        REDACT_LABELS
};

/* "EMAIL" */
const char *redact_label_name(enum redact_label l);

enum redact_mode {
    REDACT_NORMAL,
    REDACT_STRICT, /* HIPAA: dates and addresses of the web as well, names in any spelling */
};

struct redactor; /* compiled patterns: immutable, thread-safe, one per process */

/* INTERNAL: a pattern does not compile, which a test finds. */
MUST_CHECK enum status redactor_open(struct call *c, struct redactor **out);
void redactor_close(struct redactor *r); /* NULL is allowed */

struct redact_options {
    enum redact_mode mode;
    const str *names; /* [n_names <= REDACT_NAMES_MAX] of people, as the record has them */
    size_t n_names;
};

/* One redaction; lives in the call's arena until redact_end. */
struct redaction {
    const struct redactor *redactor;
    struct call *call;
    enum redact_mode mode;
    struct redact_word *words; /* [n_words] folded parts of the names, sorted */
    size_t n_words;
    struct redact_value *values; /* [n_values] in the order found */
    size_t n_values;
    unsigned found[REDACT_LABELS]; /* hits by label */
};

/* INVALID: more names or words than the limits. EXHAUSTED: the arena. */
MUST_CHECK enum status redact_begin(struct redaction *r, const struct redactor *redactor,
                                    struct call *c, const struct redact_options *o);

/*
 * *out is `in` with placeholders. A text that looks like a placeholder becomes one itself, so that
 * nobody can have another value put into an answer by naming its placeholder.
 *
 * INVALID, AI_TEXT: not UTF-8, over a limit above, or too hard for a pattern: nothing of it may be
 * sent then.
 */
MUST_CHECK enum status redact_text(struct redaction *r, str in, str *out);

/* *out is `in` with the values again, in c->arena; placeholders that were never given out stay. */
MUST_CHECK enum status redact_restore(const struct redaction *r, struct call *c, str in, str *out);

/* Wipes every value. Zeroed and ended redactions are allowed. */
void redact_end(struct redaction *r);

/* The part of a text that was found, in bytes. For tests and ./dev eval redact. */
struct redact_span {
    size_t at, n;
    enum redact_label label;
};

/* The spans that redact_text would replace, in order, apart; room for REDACT_HITS_MAX. */
MUST_CHECK enum status redact_find(struct redaction *r, str in, struct redact_span *out,
                                   size_t *n_out);

#endif
