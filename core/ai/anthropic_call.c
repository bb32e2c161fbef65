/* Bytes of an attempt go three ways: some are kept as they are, a stream is read as it comes, and
 * anything else is collected and read at its end. */
#include "ai/anthropic_call.h"

#include <stdlib.h>

#include "ai/anthropic_body.h"
#include "base/banned.h"

enum {
    CALL_BYTES = 8 << 20,    /* the request, while it is written */
    ATTEMPT_BYTES = 8 << 20, /* an answer: two of its texts, the event, what is kept */
    BODY_BYTES = 4 << 20,    /* a request of AI_SENT_BYTES with its escapes */
    WHOLE_BYTES = 2 << 20,   /* an answer of AI_TEXT_BYTES with its escapes, and thinking */
    BYTES_PER_TOKEN = 3,     /* at least, of text in English or German: to estimate */
};
#define NS_PER_MS INT64_C(1000000)

static int64_t deadline_of(const struct call *c, const struct ai_request *q, int64_t now_ns)
{
    int64_t ms = q->timeout_ms > 0 ? q->timeout_ms : AI_TIMEOUT_MS;

    if (q->timeout_ms <= 0 && c->deadline_ns)
        return c->deadline_ns;
    return now_ns + call_left_ns(c, ms * NS_PER_MS);
}

struct anthropic_call *anthropic_call_new(const struct call *c, const struct ai_request *q,
                                          const struct ai_watch *watch)
{
    struct anthropic_call *a = calloc(1, sizeof *a);
    struct buf body;

    if (!a)
        return NULL;
    call_init(&a->call, c->clock, CALL_BYTES);
    arena_init(&a->arena, ATTEMPT_BYTES);
    a->call.trace = c->trace;
    a->call.principal = c->principal;
    a->call.principal.teams = NULL;
    a->call.principal.n_teams = 0;
    a->watch = *watch;
    a->began_ns = call_monotonic_ns(c);
    a->deadline_ns = deadline_of(c, q, a->began_ns);
    buf_init(&body, &a->call.arena, BODY_BYTES);
    anthropic_put_body(&body, q);
    a->body = buf_str(&body);
    a->model = arena_cstr(&a->call.arena, str_of(q->model));
    a->need = (struct limiter_need){(int64_t)a->body.n / BYTES_PER_TOKEN, q->max_tokens};
    anthropic_call_clear(a);
    if (a->body.n && a->model)
        return a;
    anthropic_call_free(a);
    return NULL;
}

void anthropic_call_free(struct anthropic_call *a)
{
    if (!a)
        return;
    arena_release(&a->arena);
    call_release(&a->call);
    free(a);
}

void anthropic_call_clear(struct anthropic_call *a)
{
    arena_reset(&a->arena);
    a->http_status = 0;
    a->is_stream = a->is_over = false;
    a->ask = (struct retry_ask){0};
    a->n_request_id = a->n_received = 0;
    a->first_ns = 0;
    buf_init(&a->raw, &a->arena, AI_RAW_BYTES);
    buf_init(&a->whole, &a->arena, WHOLE_BYTES);
    sse_init(&a->sse, &a->arena);
    anthropic_message_init(&a->message, &a->arena);
}

void anthropic_call_status(void *self, int status)
{
    struct anthropic_call *a = self;

    a->http_status = status;
}

void anthropic_call_field(struct anthropic_call *a, str name, str value)
{
    if (str_eq_nocase(name, STR("request-id"))) {
        a->n_request_id = value.n < AI_ID_BYTES ? value.n : AI_ID_BYTES;
        if (value.n)
            memcpy(a->request_id, value.p, a->n_request_id);
    } else if (str_eq_nocase(name, STR("content-type"))) {
        str type = value;

        a->is_stream = str_eq_nocase(str_trim(str_cut(&type, ';')), STR("text/event-stream"));
    } else {
        retry_field(&a->ask, name, value, call_now_us(&a->call));
    }
}

static bool take_event(void *self, str name, str data)
{
    struct anthropic_call *a = self;
    str piece;

    (void)name; /* the data says its type */
    if (!anthropic_message_event(&a->message, data, &piece))
        return false;
    if (piece.n && a->watch.piece) {
        a->has_piece = true;
        a->watch.piece(a->watch.self, piece);
    }
    return true;
}

bool anthropic_call_body(void *self, str bytes)
{
    struct anthropic_call *a = self;

    if (!a->first_ns)
        a->first_ns = call_monotonic_ns(&a->call) - a->began_ns;
    a->n_received += bytes.n;
    buf_put(&a->raw, str_sub(bytes, 0, AI_RAW_BYTES - a->raw.n));
    if (a->http_status == 200 && a->is_stream)
        return sse_feed(&a->sse, bytes, take_event, a);
    buf_put(&a->whole, bytes);
    a->is_over = !buf_ok(&a->whole);
    return !a->is_over;
}

static enum ai_error outcome_of_stream(const struct anthropic_call *a, enum http_end end)
{
    if (a->message.is_whole)
        return AI_OK;
    if (a->message.error)
        return a->message.error;
    return end == HTTP_END_REFUSED ? AI_ERROR_OVERSIZE : AI_ERROR_CUT;
}

static enum ai_error outcome_of_end(const struct anthropic_call *a, enum http_end end)
{
    if (end == HTTP_END_TIMEOUT)
        return call_monotonic_ns(&a->call) + NS_PER_MS < a->deadline_ns ? AI_ERROR_CONNECTION
                                                                        : AI_ERROR_DEADLINE;
    if (end == HTTP_END_REFUSED)
        return AI_ERROR_OVERSIZE;
    return end == HTTP_END_BROKEN && a->http_status == 200 ? AI_ERROR_CUT : AI_ERROR_CONNECTION;
}

enum ai_error anthropic_call_outcome(struct anthropic_call *a, enum http_end end)
{
    str body = buf_str(&a->whole);

    if (end == HTTP_END_TIMEOUT)
        return outcome_of_end(a, end);
    if (a->http_status && a->http_status != 200)
        return anthropic_error(a->http_status, body); /* whether or not all of it came */
    if (a->is_stream)
        return outcome_of_stream(a, end);
    if (end != HTTP_END_WHOLE)
        return outcome_of_end(a, end);
    return anthropic_message_read(&a->message, body) ? AI_OK : a->message.error;
}

void anthropic_call_tell(struct anthropic_call *a, enum ai_error e, struct ai_response *out)
{
    const struct anthropic_message *m = &a->message;

    *out = (struct ai_response){.error = e,
                                .request_id = {a->request_id, a->n_request_id},
                                .sent = str_sub(a->body, 0, AI_RAW_BYTES),
                                .is_sent_cut = a->body.n > AI_RAW_BYTES,
                                .received = {a->raw.p, a->raw.n},
                                .is_received_cut = a->n_received > a->raw.n,
                                .http_status = a->http_status,
                                .n_attempts = a->n_attempts,
                                .took_ns = call_monotonic_ns(&a->call) - a->began_ns,
                                .first_ns = a->first_ns};
    out->usage = m->usage; /* of a stream that broke: what was said before, and may be billed */
    out->message_id = m->id;
    out->model = m->model;
    if (!e) {
        out->stop = m->stop;
        out->text = (str){m->text.p, m->text.n};
    }
    a->watch.done(a->watch.self, out);
}
