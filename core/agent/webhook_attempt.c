/* Sign, post, and put a name to what happened. */
#include "agent/webhook_attempt.h"

#include <inttypes.h>

#include "agent/instant.h"
#include "domain/webhook_policy.h"
#include "domain/webhook_sign.h"
#include "integration/http.h"

#define SECOND_US INT64_C(1000000)

static bool put_key(ProtobufCBinaryData secret, WebhookSignature signature, struct webhook_key *out)
{
    bool is_private = signature == WEBHOOK_SIGNATURE_ED25519;

    *out = (struct webhook_key){.scheme = is_private ? WEBHOOK_PRIVATE : WEBHOOK_SHARED,
                                .n_bytes = secret.len};
    if (secret.len < WEBHOOK_SECRET_MIN || secret.len > WEBHOOK_SECRET_MAX)
        return false;
    memcpy(out->bytes, secret.data, secret.len);
    return true;
}

/* The new secret first, and the one before while both are good. */
static bool sign(const WebhookRecord *r, const struct webhook_message *m, int64_t now_us,
                 char out[WEBHOOK_SIGNATURE_BYTES + 1])
{
    struct webhook_key keys[2];
    size_t n_keys = 0;

    n_keys += put_key(r->secret, r->webhook->signature, &keys[n_keys]);
    if (now_us < instant_us(r->previous_end_time))
        n_keys += put_key(r->previous_secret, r->previous_signature, &keys[n_keys]);
    bool is_signed = webhook_sign(m, keys, n_keys, out);

    explicit_bzero(keys, sizeof keys);
    return is_signed;
}

struct posting {
    struct http_client *http;
    const WebhookRecord *r;
    const WebhookDeliveryRecord *d;
    int64_t now_us;
};

static enum status post(struct call *c, const struct posting *p, struct http_response *answer)
{
    const struct webhook_message m = {.id = str_of(p->d->delivery->event_id),
                                      .timestamp_s = p->now_us / SECOND_US,
                                      .body = {(const char *)p->d->body.data, p->d->body.len}};
    char *signature = arena_take(&c->arena, WEBHOOK_SIGNATURE_BYTES + 1);
    char *timestamp = arena_printf(&c->arena, "%" PRId64, m.timestamp_s);

    if (!signature || !timestamp)
        return call_nomem(c);
    if (!sign(p->r, &m, p->now_us, signature))
        return call_fail(c, STATUS_INTERNAL, "the delivery cannot be signed");
    const struct http_field fields[] = {{STR("Content-Type"), STR("application/json")},
                                        {STR("webhook-id"), m.id},
                                        {STR("webhook-timestamp"), str_of(timestamp)},
                                        {STR("webhook-signature"), str_of(signature)}};
    const struct http_request q = {.method = HTTP_POST,
                                   .url = str_of(p->r->webhook->url),
                                   .reach = HTTP_PUBLIC,
                                   .fields = fields,
                                   .n_fields = sizeof fields / sizeof *fields,
                                   .body = m.body,
                                   .body_max = WEBHOOK_ANSWER_BYTES,
                                   .timeout_ms = WEBHOOK_TIMEOUT_MS};

    return http_send(p->http, c, &q, answer);
}

static enum webhook_result result_of_answer(int http_status)
{
    switch (webhook_outcome_of(http_status)) {
    case WEBHOOK_DELIVERED: return WEBHOOK_RESULT_DELIVERED;
    case WEBHOOK_OVERLOADED: return WEBHOOK_RESULT_OVERLOADED;
    case WEBHOOK_GONE: return WEBHOOK_RESULT_GONE;
    case WEBHOOK_FAILED:
    default: return WEBHOOK_RESULT_REJECTED;
    }
}

/* There was no answer. */
static void explain(struct call *c, enum status s, struct webhook_attempt *out)
{
    bool in_time = s != STATUS_DEADLINE;

    out->http_status = in_time ? WEBHOOK_NO_ANSWER : WEBHOOK_NO_ANSWER_IN_TIME;
    out->result = !in_time             ? WEBHOOK_RESULT_TIMEOUT
                  : s == STATUS_DENIED ? WEBHOOK_RESULT_REFUSED
                                       : WEBHOOK_RESULT_UNREACHABLE;
    out->error = arena_cstr(&c->arena, str_of(c->fault.why));
    call_clear(c);
}

enum status webhook_attempt(struct call *c, struct http_client *http, const WebhookRecord *r,
                            const WebhookDeliveryRecord *d, struct webhook_attempt *out)
{
    struct http_response answer = {0};
    enum status s;

    *out = (struct webhook_attempt){.began_us = call_now_us(c), .error = ""};
    s = post(c, &(struct posting){http, r, d, out->began_us}, &answer);
    if (s == STATUS_CANCELLED)
        return s;
    out->took_ns = answer.took_ns;
    if (s != STATUS_OK) {
        explain(c, s, out);
    } else {
        out->http_status = answer.status;
        out->result = result_of_answer(answer.status);
        if (out->result != WEBHOOK_RESULT_DELIVERED) {
            out->retry_after_s = http_retry_after_s(&answer, call_now_us(c));
            out->error = arena_printf(&c->arena, "the address answered %d", answer.status);
        }
    }
    return out->error ? STATUS_OK : call_nomem(c);
}
