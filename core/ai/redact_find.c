/* Each row of the table goes over the text once, compiled to machine code; names go between the
 * rows. A byte belongs to the first that claims it. */
#include "ai/redact_find.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <assert.h>
#include <pcre2.h>
#include <stdlib.h>

#include "base/banned.h"

enum {
    MATCH_STEPS_MAX = 1000000, /* of one match: some ms; ours take a few thousand at most */
    MODE_ALWAYS = REDACT_NORMAL,
    MODE_STRICT = REDACT_STRICT,
};

#define redact_check_NONE  NULL
#define redact_check_URL   redact_check_url
#define redact_check_IBAN  redact_check_iban
#define redact_check_CARD  redact_check_card
#define redact_check_DIGIT redact_check_digit
#define redact_check_IP    redact_check_ip
#define redact_check_PHONE redact_check_phone

/* clang-format off */
static const struct rule {
    enum redact_label label;
    enum redact_mode mode; /* the least strict one that uses it */
    redact_check_fn check;
    const char *pattern; /* NULL: here the names are looked for */
} rules[] = {
#define X(label, mode, check, pattern) {REDACT_##label, (enum redact_mode)MODE_##mode, redact_check_##check, pattern},
#define NAMES {REDACT_PERSON, REDACT_NORMAL, NULL, NULL},
#include "ai/redact.def"
#undef X
#undef NAMES
};
/* clang-format on */

enum { RULES = sizeof rules / sizeof *rules };

struct redactor {
    pcre2_code *codes[RULES];
    pcre2_match_context *limits;
};

enum status redactor_open(struct call *c, struct redactor **out)
{
    struct redactor *r = calloc(1, sizeof *r);

    *out = NULL;
    if (!r || !(r->limits = pcre2_match_context_create(NULL))) {
        free(r);
        return call_nomem(c);
    }
    pcre2_set_match_limit(r->limits, MATCH_STEPS_MAX);
    for (size_t i = 0; i < RULES; i++) {
        PCRE2_SIZE at;
        int error;

        if (!rules[i].pattern)
            continue;
        r->codes[i] =
            pcre2_compile((PCRE2_SPTR)rules[i].pattern, PCRE2_ZERO_TERMINATED,
                          PCRE2_UTF | PCRE2_EXTENDED | PCRE2_NEVER_BACKSLASH_C, &error, &at, NULL);
        if (!r->codes[i]) {
            redactor_close(r);
            return call_fail(c, STATUS_INTERNAL, "pattern %zu of redact.def: error %d at %zu", i,
                             error, (size_t)at);
        }
        (void)pcre2_jit_compile(r->codes[i], PCRE2_JIT_COMPLETE); /* without: slower, the same */
    }
    *out = r;
    return STATUS_OK;
}

void redactor_close(struct redactor *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < RULES; i++)
        pcre2_code_free(r->codes[i]);
    pcre2_match_context_free(r->limits);
    free(r);
}

enum status redact_take(struct call *c, struct redact_spans *s, struct redact_span hit)
{
    size_t end = hit.at + hit.n;

    for (size_t i = hit.at; i < end; i++) {
        size_t from = i;

        while (i < end && !s->taken[i])
            s->taken[i++] = (unsigned char)(1 + hit.label);
        if (i == from)
            continue;
        if (s->n == REDACT_HITS_MAX)
            return call_fail_as(c, STATUS_INVALID, "AI_TEXT",
                                "a text with more than %d pieces of personal data",
                                REDACT_HITS_MAX);
        s->list[s->n++] = (struct redact_span){from, i - from, hit.label};
    }
    return STATUS_OK;
}

/* One row over the whole text. */
static enum status run_rule(struct redaction *r, size_t row, str in, struct redact_spans *s)
{
    const struct rule *rule = &rules[row];
    pcre2_match_data *data = pcre2_match_data_create(1, NULL);
    enum status status = data ? STATUS_OK : call_nomem(r->call);
    size_t from = 0;

    while (status == STATUS_OK && from < in.n) {
        int rc = pcre2_match(r->redactor->codes[row], (PCRE2_SPTR)in.p, in.n, from,
                             PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY, data, r->redactor->limits);
        const PCRE2_SIZE *v = pcre2_get_ovector_pointer(data);
        size_t n;

        if (rc == PCRE2_ERROR_NOMATCH)
            break;
        if (rc < 0) {
            status = call_fail_as(r->call, STATUS_INVALID, "AI_TEXT",
                                  "a text that takes too long to look through");
            break;
        }
        n = v[1] - v[0];
        if (rule->check)
            n = rule->check((str){in.p + v[0], n});
        if (n)
            status = redact_take(r->call, s, (struct redact_span){v[0], n, rule->label});
        from = n ? v[0] + n : v[1];
    }
    pcre2_match_data_free(data);
    return status;
}

static int by_place(const void *a, const void *b)
{
    const struct redact_span *x = a, *y = b;

    return (x->at > y->at) - (x->at < y->at);
}

enum status redact_find(struct redaction *r, str in, struct redact_span *out, size_t *n_out)
{
    struct redact_spans s = {.list = out};

    *n_out = 0;
    if (in.n > REDACT_TEXT_BYTES || !str_is_text(in))
        return call_fail_as(r->call, STATUS_INVALID, "AI_TEXT",
                            "a text that is not UTF-8 or longer than %d bytes", REDACT_TEXT_BYTES);
    if (!(s.taken = NEW(&r->call->arena, unsigned char, in.n + 1)))
        return call_nomem(r->call);
    for (size_t i = 0; i < RULES; i++) {
        if (rules[i].mode > r->mode)
            continue;
        TRY(rules[i].pattern ? run_rule(r, i, in, &s) : redact_names_find(r, in, &s));
    }
    qsort(s.list, s.n, sizeof *s.list, by_place);
    *n_out = s.n;
    return STATUS_OK;
}
