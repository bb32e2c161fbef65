/* The morning after: from a batch to scores. Results come in any order and may come again. */
#include "agent/item_error.h"
#include "base/banned.h"
#include "obs/log.h"
#include "schema/wire.h"
#include "store/seal.h"
#include "workflow/rescore_parts.h"

enum {
    LEASE_MS = 1800000,
    RESULTS_ARENA_BYTES = 256 << 20, /* most of RESCORE_LEADS_MAX answers of the longest kind */
    LEAD_ARENA_BYTES = 64 << 20,
    TEXT_BYTES = 64 << 10, /* of one answer; insights have 2 kB */
};

/* One lead, and what came for it. */
struct answer {
    struct uuid lead_id;
    char key[RESCORE_KEY_BYTES + 1];
    struct ai_cache_key question;
    struct ai_response response;
    bool has_come;
};

struct taking {
    struct rescore *r;
    struct call *call; /* of the job */
    struct job *job;
    RescoreBatch *batch;
    struct answer *answers; /* [n] */
    size_t n;
    struct arena arena; /* of what came */
    struct ai_batch_view view;
    int64_t cost_micro;
    size_t n_answered, n_failed;
};

static enum status read_items(struct taking *k)
{
    const RescoreBatch *b = k->batch;

    if (!(k->answers = NEW(&k->call->arena, struct answer, b->n_items + 1)))
        return call_nomem(k->call);
    for (size_t i = 0; i < b->n_items; i++) {
        struct answer *a = &k->answers[k->n++];

        if (b->items[i]->lead_id.len != sizeof a->lead_id.b ||
            b->items[i]->question_sha256.len != sizeof a->question.b)
            return call_fail(k->call, STATUS_DATA_LOSS, "a batch names no lead");
        memcpy(a->lead_id.b, b->items[i]->lead_id.data, sizeof a->lead_id.b);
        memcpy(a->question.b, b->items[i]->question_sha256.data, sizeof a->question.b);
        rescore_key(k->call->principal.tenant_id, a->lead_id, a->key);
    }
    return STATUS_OK;
}

static struct answer *find(struct taking *k, str key)
{
    for (size_t i = 0; i < k->n; i++)
        if (str_eq(key, str_of(k->answers[i].key)))
            return &k->answers[i];
    return NULL;
}

/* A copy that outlives the line; an answer that is too long is none. */
static bool keep(struct taking *k, const struct ai_batch_result *r, struct ai_response *out)
{
    *out = r->response;
    out->sent = out->message_id = out->request_id = (str){0};
    if (out->text.n > TEXT_BYTES || out->received.n > TEXT_BYTES) {
        out->error = AI_ERROR_OVERSIZE;
        out->text = out->received = (str){0};
    }
    out->text = arena_str(&k->arena, out->text);
    out->received = arena_str(&k->arena, out->received);
    out->model = arena_str(&k->arena, out->model);
    return out->text.p && out->received.p && out->model.p;
}

static enum status take(void *self, const struct ai_batch_result *r)
{
    struct taking *k = self;
    struct answer *a = find(k, r->key);

    if (!a || a->has_come)
        return STATUS_OK;
    if (!keep(k, r, &a->response))
        return call_nomem(k->call);
    a->has_come = true;
    k->n_answered += a->response.error == AI_OK;
    k->cost_micro +=
        guard_batch_cost_micro(k->r->agents->guard, AI_TASK_LEAD_INSIGHT, &r->response);
    return STATUS_OK;
}

/* The same of every attempt: what was qualified is not qualified again. */
static void name_attempt(const struct taking *k, const struct answer *a, struct call *own,
                         char id[UUID_TEXT_BYTES + 1])
{
    const str parts[] = {str_of(k->batch->batch_id),
                         {(const char *)a->lead_id.b, 16},
                         {(const char *)k->batch->hold_id.data, k->batch->hold_id.len}};
    unsigned char all[3 * SEAL_DIGEST_BYTES];
    struct uuid u;

    for (size_t i = 0; i < 3; i++)
        seal_sha256(parts[i], all + i * SEAL_DIGEST_BYTES);
    seal_sha256((str){(const char *)all, sizeof all}, own->request_sha256);
    memcpy(u.b, own->request_sha256, sizeof u.b);
    u.b[6] = (unsigned char)(0x80 | (u.b[6] & 15)); /* version 8: of our making */
    u.b[8] = (unsigned char)(0x80 | (u.b[8] & 63));
    uuid_format(u, id);
    own->request_id = id;
    own->method = RESCORE_JOB_APPLY;
}

static enum status apply(struct taking *k, const struct answer *a)
{
    const struct guard_given given = {.question = a->question,
                                      .response = a->has_come ? &a->response : NULL,
                                      .cost_micro = guard_batch_cost_micro(
                                          k->r->agents->guard, AI_TASK_LEAD_INSIGHT, &a->response)};
    bool is_answered = a->has_come && a->response.error == AI_OK;
    char id[UUID_TEXT_BYTES + 1], text[UUID_TEXT_BYTES + 1];
    const struct rescore_lead lead = {text, k->batch->create_us};
    struct call own;
    enum status s;

    rescore_call(&own, k->call, LEAD_ARENA_BYTES);
    name_attempt(k, a, &own, id);
    uuid_format(a->lead_id, text);
    s = k->r->ops->apply(k->r->self, &own, &lead, is_answered ? &given : NULL);
    k->n_failed += s != STATUS_OK;
    if (s != STATUS_OK && item_error_is_own(s) && s != STATUS_CONFLICT)
        s = STATUS_OK;
    if (s != STATUS_OK)
        (void)!rescore_failed(k->call, &own, s);
    call_release(&own);
    return s;
}

static struct spend_hold hold_of(const RescoreBatch *b)
{
    struct spend_hold h = {.amount_micro = b->hold_micro_usd,
                           .until_us = b->hold_until_us,
                           .lines = {[SPEND_WORKFLOW] = {STR(""), 0, -1},
                                     [SPEND_USER_DAY] = {STR(""), 0, -1},
                                     [SPEND_MONTH] = {STR(""), b->hold_month, 0}}};

    if (b->hold_id.len == sizeof h.id.b)
        memcpy(h.id.b, b->hold_id.data, sizeof h.id.b);
    return h;
}

static enum status end_unit(struct call *c, struct tx *tx, void *arg)
{
    struct taking *k = arg;
    const struct spend_hold h = hold_of(k->batch);

    (void)c;
    TRY(tx_spend_settle(tx, &h, k->cost_micro));
    return tx_job_done(tx, k->job);
}

/* All leads with what has come, and the end. */
static enum status finish(struct taking *k)
{
    for (size_t i = 0; i < k->n; i++) {
        TRY(call_check(k->call));
        TRY(apply(k, &k->answers[i]));
    }
    TRY(store_run(k->r->agents->store, k->call, STORE_TAKE, end_unit, k));
    guard_batch_settled(k->r->agents->guard, k->cost_micro);
    log_info(k->call, LOG_EVENT_RESCORE_ENDED, F_INT("for_tenant", k->job->tenant_id),
             F_INT("leads", (int64_t)k->n), F_INT("answered", (int64_t)k->n_answered),
             F_INT("failed", (int64_t)k->n_failed), F_INT("cost_micro_usd", k->cost_micro));
    return STATUS_OK;
}

/* Nobody will ever know what became of it: the worst case is spent. */
static enum status lose(struct taking *k)
{
    k->cost_micro = k->batch->hold_micro_usd;
    return finish(k);
}

static enum status again_unit(struct call *c, struct tx *tx, void *arg)
{
    struct taking *k = arg;

    return tx_job_again(tx, k->job, call_now_us(c) + RESCORE_POLL_MS * INT64_C(1000));
}

static int64_t age_ms(const struct taking *k)
{
    return (call_now_us(k->call) - k->batch->create_us) / 1000;
}

static enum status wait(struct taking *k, struct ai_provider *p)
{
    if (age_ms(k) > RESCORE_GIVE_UP_MS)
        return lose(k);
    if (age_ms(k) > RESCORE_CANCEL_MS &&
        ai_batch_cancel(p, k->call, str_of(k->batch->batch_id), &k->view) != STATUS_OK)
        call_clear(k->call);
    return store_run(k->r->agents->store, k->call, STORE_WRITE, again_unit, k);
}

/* A failure is retried until the batch has been given up. */
static enum status fail(struct taking *k, enum status s)
{
    if (s == STATUS_CANCELLED || age_ms(k) <= RESCORE_GIVE_UP_MS)
        return s;
    call_clear(k->call);
    return lose(k);
}

static enum status take_batch(struct taking *k)
{
    struct ai_provider *p = guard_provider(k->r->agents->guard);
    str id = str_of(k->batch->batch_id);
    enum status s;

    if (!id.n)
        return k->batch->may_exist ? lose(k) : finish(k);
    if (!p || !ai_has_batches(p))
        return fail(k, call_fail(k->call, STATUS_UNAVAILABLE, "the provider has no batches"));
    s = ai_batch_look(p, k->call, id, &k->view);
    if (s == STATUS_UNAVAILABLE && str_eq(str_of(k->call->fault.reason), STR("AI_MODEL"))) {
        call_clear(k->call); /* the service does not know it any more */
        return lose(k);
    }
    if (s != STATUS_OK)
        return fail(k, s);
    if (k->view.state != AI_BATCH_ENDED)
        return wait(k, p);
    s = ai_batch_results(p, k->call, id, take, k);
    return s == STATUS_OK ? finish(k) : fail(k, s);
}

static enum status handle_apply(void *self, struct call *c, struct job *job)
{
    struct taking k = {.r = self, .call = c, .job = job};
    ProtobufCMessage *batch;
    enum status s;

    if (job->is_damaged)
        return call_fail_as(c, STATUS_DATA_LOSS, "JOB_PAYLOAD", "what is known of a batch is gone");
    TRY(wire_unpack(c, &c->arena, RESCORE_BATCH_DESCRIPTOR, job->payload, &batch));
    k.batch = (RescoreBatch *)batch;
    TRY(read_items(&k));
    arena_init(&k.arena, RESULTS_ARENA_BYTES);
    s = take_batch(&k);
    arena_release(&k.arena);
    return s;
}

const struct job_kind rescore_apply_kind = {.name = RESCORE_JOB_APPLY,
                                            .handle = handle_apply,
                                            .lease_ms = LEASE_MS,
                                            .attempts_max = 1000,
                                            .first_ms = 60000,
                                            .most_ms = 900000,
                                            .limit = 1};
