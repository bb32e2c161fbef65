/* A failure says what, why, and what would help. */
#include "ctl/explain.h"

#include "base/banned.h"
#include "base/buf.h"
#include "ctl/when.h"

enum { JSON_BYTES_MAX = 64 << 10 };

static const struct {
    enum exit_code code;
    const char *hint; /* NULL: the message says it all */
} classes[] = {
    [SALES_OK] = {CTL_OK, NULL},
    [SALES_CANCELLED] = {CTL_CANCELLED, NULL},
    [SALES_UNKNOWN] = {CTL_FAILED, NULL},
    [SALES_INVALID_ARGUMENT] = {CTL_INVALID, NULL},
    [SALES_DEADLINE_EXCEEDED] = {CTL_UNAVAILABLE, "give it more time: --timeout 2m"},
    [SALES_NOT_FOUND] = {CTL_NOT_FOUND, NULL},
    [SALES_ALREADY_EXISTS] = {CTL_REFUSED, NULL},
    [SALES_PERMISSION_DENIED] = {CTL_DENIED, "the API key's roles do not allow it"},
    [SALES_RESOURCE_EXHAUSTED] = {CTL_UNAVAILABLE, NULL},
    [SALES_FAILED_PRECONDITION] = {CTL_REFUSED, NULL},
    [SALES_ABORTED] = {CTL_REFUSED, "somebody else changed it: read it again, then repeat"},
    [SALES_OUT_OF_RANGE] = {CTL_INVALID, NULL},
    [SALES_UNIMPLEMENTED] = {CTL_FAILED, "this server does not do that yet"},
    [SALES_INTERNAL] = {CTL_FAILED, NULL},
    [SALES_UNAVAILABLE] = {CTL_UNAVAILABLE,
                           "is the server up? see --address and SALES_ADDRESS, or: ./dev serve"},
    [SALES_DATA_LOSS] = {CTL_FAILED, NULL},
    [SALES_UNAUTHENTICATED] = {CTL_DENIED, "see --api-key and SALES_API_KEY"},
};

enum { N_CLASSES = sizeof classes / sizeof *classes };

enum exit_code explain_code(enum sales_status s)
{
    return (unsigned)s < N_CLASSES ? classes[s].code : CTL_FAILED;
}

static const char *clean(struct ctl *ctl, const char *text)
{
    return text_clean(&ctl->arena, str_of(text), TERM_COLUMNS_PIPE);
}

static void print_list(struct ctl *ctl, const struct sales_error *e)
{
    FILE *f = ctl->err.file;

    for (size_t i = 0; i < e->n_violations; i++)
        fprintf(f, "  - %s%s%s: %s\n", term_ink(&ctl->err, INK_BOLD),
                clean(ctl, e->violations[i].field), term_ink(&ctl->err, INK_PLAIN),
                clean(ctl, e->violations[i].description));
    for (size_t i = 0; i < e->n_preconditions; i++) {
        const struct sales_precondition *p = &e->preconditions[i];
        fprintf(f, "  - %s%s%s%s%s%s: %s\n", term_ink(&ctl->err, INK_BOLD), clean(ctl, p->type),
                *p->subject ? " (" : "", clean(ctl, p->subject), *p->subject ? ")" : "",
                term_ink(&ctl->err, INK_PLAIN), clean(ctl, p->description));
    }
}

static void print_error(struct ctl *ctl, const struct sales_call *call)
{
    const struct sales_error *e = &call->error;
    const char *hint = (unsigned)e->status < N_CLASSES ? classes[e->status].hint : NULL;
    FILE *f = ctl->err.file;

    fprintf(f, "%s%s%s: %s", term_ink(&ctl->err, INK_BAD),
            *e->reason ? clean(ctl, e->reason) : sales_status_name(e->status),
            term_ink(&ctl->err, INK_PLAIN), clean(ctl, e->message));
    if (*e->reason && strcmp(e->reason, sales_status_name(e->status)) != 0)
        fprintf(f, " (%s)", sales_status_name(e->status));
    fputc('\n', f);
    print_list(ctl, e);
    for (size_t i = 0; i < e->n_metadata; i++)
        fprintf(f, "    %s = %s\n", clean(ctl, e->metadata[i].key),
                clean(ctl, e->metadata[i].value));
    if (e->retry_after_ms)
        fprintf(f, "  come back in %s\n", when_span_text(&ctl->arena, e->retry_after_ms * 1000));
    else if (hint && !e->n_violations && !e->n_preconditions)
        fprintf(f, "  %s\n", hint);
    if (call->n_attempts > 1)
        fprintf(f, "  after %u attempts\n", call->n_attempts);
    if (call->answer_id && *call->answer_id)
        fprintf(f, "  request %s\n", clean(ctl, call->answer_id));
}

static void put_member(struct buf *b, const char *name, const char *value)
{
    if (buf_str(b).n && buf_str(b).p[buf_str(b).n - 1] != '{')
        buf_putc(b, ',');
    buf_put_json(b, str_of(name));
    buf_putc(b, ':');
    buf_put_json(b, str_of(value));
}

static void print_json(struct ctl *ctl, const struct sales_call *call)
{
    const struct sales_error *e = &call->error;
    struct buf b;

    buf_init(&b, &ctl->arena, JSON_BYTES_MAX);
    buf_put(&b, STR("{\"error\":{"));
    put_member(&b, "status", sales_status_name(e->status));
    put_member(&b, "message", e->message);
    put_member(&b, "reason", e->reason);
    put_member(&b, "requestId", call->answer_id ? call->answer_id : "");
    buf_printf(&b, ",\"attempts\":%u,\"retryAfterMs\":%lld,\"violations\":[", call->n_attempts,
               (long long)e->retry_after_ms);
    for (size_t i = 0; i < e->n_violations; i++) {
        buf_put(&b, i ? STR(",{") : STR("{"));
        put_member(&b, "field", e->violations[i].field);
        put_member(&b, "description", e->violations[i].description);
        buf_putc(&b, '}');
    }
    buf_put(&b, STR("],\"preconditions\":["));
    for (size_t i = 0; i < e->n_preconditions; i++) {
        buf_put(&b, i ? STR(",{") : STR("{"));
        put_member(&b, "type", e->preconditions[i].type);
        put_member(&b, "subject", e->preconditions[i].subject);
        put_member(&b, "description", e->preconditions[i].description);
        buf_putc(&b, '}');
    }
    buf_put(&b, STR("]}}"));
    fprintf(ctl->err.file, "%s\n", buf_ok(&b) ? buf_str(&b).p : "{\"error\":{}}");
}

enum exit_code explain(struct ctl *ctl, const struct sales_call *call)
{
    if (ctl->json)
        print_json(ctl, call);
    else
        print_error(ctl, call);
    return explain_code(call->error.status);
}
