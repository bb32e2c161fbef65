/* Placeholders: given out in the order in which values are found, kept in the arena of the call. */
#include "ai/redact.h"

#include <assert.h>
#include <stdio.h>

#include "ai/redact_find.h"
#include "base/banned.h"
#include "base/buf.h"

enum { OUT_BYTES = 4 * REDACT_TEXT_BYTES };

struct redact_value {
    enum redact_label label;
    unsigned number; /* within its label, from 1 */
    char *text;      /* [n_text] a copy that only we have */
    size_t n_text;
};

static const char *const label_names[] = {
#define X(label) #label,
    REDACT_LABEL_LIST(X)
#undef X
};

const char *redact_label_name(enum redact_label l)
{
    assert(l < REDACT_LABELS);
    return label_names[l];
}

enum status redact_begin(struct redaction *r, const struct redactor *redactor, struct call *c,
                         const struct redact_options *o)
{
    *r = (struct redaction){.redactor = redactor, .call = c, .mode = o->mode};
    if (!(r->values = NEW(&c->arena, struct redact_value, REDACT_VALUES_MAX)))
        return call_nomem(c);
    return redact_names_read(r, o);
}

/* The value's entry, a new one if need be; NULL after a failure. */
static const struct redact_value *value_of(struct redaction *r, enum redact_label label, str text)
{
    struct redact_value *v;
    unsigned number = 1;

    for (size_t i = 0; i < r->n_values; i++) {
        v = &r->values[i];
        if (v->label != label)
            continue;
        number = v->number + 1;
        if (str_eq_nocase((str){v->text, v->n_text}, text))
            return v;
    }
    if (r->n_values == REDACT_VALUES_MAX) {
        (void)call_fail_as(r->call, STATUS_INVALID, "AI_TEXT",
                           "texts with more than %d pieces of personal data", REDACT_VALUES_MAX);
        return NULL;
    }
    v = &r->values[r->n_values];
    *v = (struct redact_value){label, number, arena_cstr(&r->call->arena, text), text.n};
    if (!v->text) {
        (void)call_nomem(r->call);
        return NULL;
    }
    r->n_values++;
    return v;
}

static enum status replace(struct redaction *r, str in, const struct redact_span *spans, size_t n,
                           str *out)
{
    struct buf b;
    size_t at = 0;

    buf_init(&b, &r->call->arena, OUT_BYTES);
    for (size_t i = 0; i < n; i++) {
        const struct redact_value *v =
            value_of(r, spans[i].label, str_sub(in, spans[i].at, spans[i].n));

        if (!v)
            return r->call->fault.status;
        buf_put(&b, str_sub(in, at, spans[i].at - at));
        buf_printf(&b, "[%s_%u]", label_names[v->label], v->number);
        r->found[v->label]++;
        at = spans[i].at + spans[i].n;
    }
    buf_put(&b, str_sub(in, at, in.n));
    *out = buf_str(&b);
    return buf_ok(&b) ? STATUS_OK : call_nomem(r->call);
}

enum status redact_text(struct redaction *r, str in, str *out)
{
    struct redact_span *spans = NEW(&r->call->arena, struct redact_span, REDACT_HITS_MAX);
    size_t n;

    *out = (str){0};
    if (!spans)
        return call_nomem(r->call);
    TRY(redact_find(r, in, spans, &n));
    return replace(r, in, spans, n, out);
}

/* The value whose placeholder text begins with, and how long that is. */
static const struct redact_value *given(const struct redaction *r, str text, size_t *n_out)
{
    char placeholder[32];

    for (size_t i = 0; i < r->n_values; i++) {
        const struct redact_value *v = &r->values[i];
        int n =
            snprintf(placeholder, sizeof placeholder, "[%s_%u]", label_names[v->label], v->number);

        if (n > 0 && str_starts(text, (str){placeholder, (size_t)n})) {
            *n_out = (size_t)n;
            return v;
        }
    }
    return NULL;
}

enum status redact_restore(const struct redaction *r, struct call *c, str in, str *out)
{
    struct buf b;
    size_t at = 0, n = 0;

    buf_init(&b, &c->arena, OUT_BYTES);
    while (at < in.n) {
        const char *open = memchr(in.p + at, '[', in.n - at);
        size_t to = open ? (size_t)(open - in.p) : in.n;
        const struct redact_value *v = open ? given(r, str_sub(in, to, in.n), &n) : NULL;

        buf_put(&b, str_sub(in, at, to - at));
        if (v)
            buf_put(&b, (str){v->text, v->n_text});
        else if (open)
            buf_putc(&b, '[');
        at = to + (v ? n : 1);
    }
    *out = buf_str(&b);
    return buf_ok(&b) ? STATUS_OK
                      : call_fail_as(c, STATUS_INVALID, "AI_TEXT", "an answer that is too long");
}

void redact_end(struct redaction *r)
{
    for (size_t i = 0; i < r->n_values; i++)
        explicit_bzero(r->values[i].text, r->values[i].n_text);
    r->n_values = 0;
}
