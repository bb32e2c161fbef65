/* A call and its repair are the same thing twice: held, asked, settled, noted, checked. */
#include "ai/guarded_send.h"

#include <assert.h>

#include "ai/retry.h"
#include "base/banned.h"
#include "base/buf.h"
#include "base/encode.h"
#include "google/protobuf/duration.h"
#include "obs/log.h"
#include "store/seal.h"

enum { ATTEMPTS = 1 + RETRY_MAX, MS_NS = 1000000, REPAIR_BYTES = 4096 };

AiCall *guarded_entry(struct guarding *k)
{
    AiCall *entry = NEW(&k->call->arena, AiCall, 1);

    assert(k->n_calls <= GUARD_CALLS_MAX);
    if (!entry)
        return NULL;
    *entry = (AiCall)AI_CALL_INIT;
    k->calls[k->n_calls++] = entry;
    return entry;
}

static Duration *duration_new(struct arena *a, int64_t ns)
{
    Duration *d = NEW(a, Duration, 1);

    if (!d)
        return NULL;
    *d = (Duration)DURATION_INIT;
    d->seconds = ns / 1000000000;
    d->nanos = (int32_t)(ns % 1000000000);
    return d;
}

static const char *model_of(const struct guarding *k, const struct ai_response *r)
{
    return r->is_local || !k->price ? "" : k->price->model;
}

/* What left the server and what came back. The local provider's inputs never leave, and they are
 * not redacted: they stay out of the ledger. */
static enum status note_texts(struct guarding *k, AiCall *e, const struct ai_response *r)
{
    unsigned char digest[SEAL_DIGEST_BYTES];

    seal_sha256(r->sent, digest);
    e->request_sha256 = hex_encode(&k->call->arena, digest, sizeof digest);
    e->request = (ProtobufCBinaryData){r->sent.n, (uint8_t *)r->sent.p};
    e->response = (ProtobufCBinaryData){r->received.n, (uint8_t *)r->received.p};
    return e->request_sha256 ? STATUS_OK : call_nomem(k->call);
}

enum status guarded_note(struct guarding *k, const struct ai_response *r, int64_t cost_micro)
{
    struct arena *a = &k->call->arena;
    AiCall *e = k->calls[k->n_calls - 1];

    e->provider = r->is_local ? "local" : (char *)k->guard->o.external->ops->name;
    e->model = arena_cstr(a, r->model.n && !r->is_local ? r->model : str_of(model_of(k, r)));
    e->input_tokens = (uint64_t)(r->usage.input > 0 ? r->usage.input : 0);
    e->output_tokens = (uint64_t)(r->usage.output > 0 ? r->usage.output : 0);
    e->cached_tokens = (uint64_t)(r->usage.cache_read > 0 ? r->usage.cache_read : 0);
    e->cost_micro_usd = (uint64_t)cost_micro;
    e->latency = duration_new(a, r->took_ns);
    if (!e->model || !e->latency)
        return call_nomem(k->call);
    return r->is_local ? STATUS_OK : note_texts(k, e, r);
}

/* What tenant and user are called to the provider: it sees neither. */
static const char *user_hash(struct guarding *k)
{
    char *text = arena_printf(&k->call->arena, "%lld %s", (long long)k->call->principal.tenant_id,
                              k->call->principal.subject);
    unsigned char digest[SEAL_DIGEST_BYTES];

    if (!text)
        return NULL;
    seal_sha256(str_of(text), digest);
    return hex_encode(&k->call->arena, digest, sizeof digest);
}

static int64_t timeout_ms(const struct guarding *k)
{
    int64_t most = k->ask->timeout_ms ? k->ask->timeout_ms : GUARD_TIMEOUT_MS;
    int64_t used = (call_monotonic_ns(k->call) - k->began_ns) / MS_NS;
    int64_t left = call_left_ns(k->call, INT64_MAX) / MS_NS - GUARD_MARGIN_MS;

    most -= used;
    return left < most ? left : most;
}

/* A failed attempt may be billed when the service had begun to answer or nobody knows; refusals by
 * HTTP status are not. */
static bool may_be_billed(enum ai_error e)
{
    switch (e) {
    case AI_OK:
    case AI_ERROR_PEER_TIMEOUT:
    case AI_ERROR_CONNECTION:
    case AI_ERROR_CUT:
    case AI_ERROR_ANSWER:
    case AI_ERROR_OVERSIZE:
    case AI_ERROR_DEADLINE:
    case AI_ERROR_CANCELLED:
    case AI_ERROR_CLOSED: return true;
    case AI_ERROR_REQUEST:
    case AI_ERROR_KEY:
    case AI_ERROR_BILLING:
    case AI_ERROR_PERMISSION:
    case AI_ERROR_MODEL:
    case AI_ERROR_CONFLICT:
    case AI_ERROR_TOO_LARGE:
    case AI_ERROR_RATE:
    case AI_ERROR_SPENT:
    case AI_ERROR_SERVER:
    case AI_ERROR_OVERLOADED:
    case AI_ERROR_BREAKER:
    case AI_ERROR_BUSY:
    case AI_ERROR_MEMORY:
    case AI_ERRORS: break;
    }
    return false;
}

/* What counts against the budget: attempts before the last one may have been billed as well, and
 * their answers, if any, are lost; each counts as much as the last. */
static int64_t cost_of(const struct guarding *k, const struct ai_response *r, int64_t worst)
{
    int64_t one = 0;

    if (r->error == AI_OK)
        one = budget_cost_micro(k->price, &r->usage);
    else if (may_be_billed(r->error))
        one = worst / ATTEMPTS;
    return one * r->n_attempts < worst ? one * r->n_attempts : worst;
}

size_t guarded_bytes(const struct ai_request *q)
{
    size_t n = q->schema.n;

    for (size_t i = 0; i < q->n_system; i++)
        n += q->system[i].n;
    for (size_t i = 0; i < q->n_messages; i++)
        n += q->messages[i].text.n;
    return n < AI_SENT_BYTES / 2 ? 2 * n : AI_SENT_BYTES; /* JSON may escape */
}

/* Held, asked, settled. *end: why there is no answer. */
static enum status send_once(struct guarding *k, const struct ai_request *q, struct ai_response *r,
                             enum guard_end *end)
{
    int64_t worst = ATTEMPTS * budget_worst_micro(k->price, guarded_bytes(q), q->max_tokens), cost;
    const struct budget_ask ask = {.policy = k->ask->policy->ai,
                                   .user = str_of(k->call->principal.subject),
                                   .workflow = k->ask->workflow,
                                   .workflow_limit_micro = k->ask->workflow_limit_micro,
                                   .amount_micro = worst};
    struct spend_hold hold;
    enum status s = budget_hold(k->guard->o.store, k->call, &ask, &hold);

    if (s == STATUS_CANCELLED)
        return s;
    if (s != STATUS_OK) {
        bool is_budget = k->call->fault.reason && !strcmp(k->call->fault.reason, "AI_BUDGET");

        *end = is_budget ? GUARD_BUDGET : s == STATUS_DEADLINE ? GUARD_TIME : GUARD_STORE;
        call_clear(k->call);
        return STATUS_OK;
    }
    s = ai_send(k->guard->o.external, k->call, q, r);
    cost = cost_of(k, r, worst);
    if (budget_settle(k->guard->o.store, k->call, &hold, cost) != STATUS_OK)
        log_warn(k->call, LOG_EVENT_AI_UNSETTLED, F_INT("cost_micro_usd", cost));
    if (k->guard->o.metrics)
        series_add(k->guard->cost, cost);
    if (s == STATUS_CANCELLED)
        return s;
    if (s != STATUS_OK) {
        *end = s == STATUS_DEADLINE ? GUARD_TIME : GUARD_FAILED;
        call_clear(k->call);
    }
    if (!guarded_entry(k))
        return call_nomem(k->call);
    return guarded_note(k, r, r->error == AI_OK ? budget_cost_micro(k->price, &r->usage) : cost);
}

/* The question again, with what was wrong: in words of ours, nothing of the answer. */
static enum status repair_text(struct guarding *k, const struct schema_result *wrong, str *out)
{
    struct buf b;

    buf_init(&b, &k->call->arena, PROMPT_FILLED_BYTES + REPAIR_BYTES);
    buf_put(&b, k->filled.user);
    buf_put(&b, STR("\nAn answer to this was not accepted:\n"));
    for (size_t i = 0; i < wrong->n_problems; i++)
        buf_printf(&b, "- %s %s\n",
                   *wrong->problems[i].path ? wrong->problems[i].path : "the answer",
                   wrong->problems[i].rule);
    buf_put(&b, STR("Answer again: one JSON object of the schema, within its bounds, complete.\n"));
    *out = buf_str(&b);
    return buf_ok(&b) ? STATUS_OK : call_nomem(k->call);
}

enum status guarded_request(struct guarding *k, struct ai_message *m, struct ai_request *out)
{
    *m = (struct ai_message){AI_USER, k->filled.user};
    *out = (struct ai_request){.task = k->ask->task,
                               .model = k->price->model,
                               .system = k->filled.system,
                               .n_system = k->filled.n_system,
                               .n_stable = k->filled.n_system,
                               .messages = m,
                               .n_messages = 1,
                               .inputs = k->filled.inputs,
                               .n_inputs = k->filled.n_inputs,
                               .schema = schema_dialect(k->prompt->schema),
                               .max_tokens = k->prompt->max_tokens,
                               .effort = k->prompt->effort,
                               .user = user_hash(k)};
    return out->user ? STATUS_OK : call_nomem(k->call);
}

static enum status ask_once(struct guarding *k, str question, struct schema_result *result,
                            enum guard_end *end)
{
    struct ai_message message;
    struct ai_request q;
    struct ai_response r = {0};

    *result = (struct schema_result){0};
    TRY(guarded_request(k, &message, &q));
    message.text = question;
    q.timeout_ms = timeout_ms(k);
    if (q.timeout_ms <= 0)
        *end = GUARD_TIME;
    else
        TRY(send_once(k, &q, &r, end));
    if (*end != GUARD_ANSWERED)
        return STATUS_OK;
    if (r.stop == AI_STOP_REFUSAL)
        *end = GUARD_REFUSED;
    else
        TRY(schema_check(k->prompt->schema, k->call, r.text, result));
    return STATUS_OK;
}

enum status guarded_send(struct guarding *k, enum guard_end *end)
{
    struct schema_result first, second;
    str again;

    TRY(ask_once(k, k->filled.user, &first, end));
    k->answer = first.answer;
    if (*end != GUARD_ANSWERED || !first.n_problems)
        return STATUS_OK;
    TRY(repair_text(k, &first, &again));
    TRY(ask_once(k, again, &second, end));
    k->answer = second.answer;
    if (*end == GUARD_ANSWERED)
        *end = second.n_problems ? GUARD_INVALID : GUARD_REPAIRED;
    return STATUS_OK;
}
