/* The night: from leads that are due to a batch whose id is stored. */
#include "workflow/rescore.h"

#include <stdio.h>

#include "agent/instant.h"
#include "agent/item_error.h"
#include "base/banned.h"
#include "obs/log.h"
#include "store/apart.h"
#include "store/records.h"
#include "store/seal.h"
#include "workflow/rescore_parts.h"

enum {
    LEASE_MS = 1800000,
    TOKEN_BYTES = 1024,
    BATCH_ARENA_BYTES = 64 << 20, /* of all questions: GUARD_BATCH_BYTES and what JSON adds */
    LEAD_ARENA_BYTES = 32 << 20,
    CHANGE_SLACK_US = 60000000, /* a score is stored within that time of its instant */
};

static const int64_t day_us = INT64_C(86400) * 1000000;

struct night {
    struct rescore *r;
    const TenantPolicy *policy;
    int64_t now_us, old_us; /* scores from before old_us are old */
    struct uuid *due;       /* [n_due <= RESCORE_LEADS_MAX] */
    size_t n_due, n_seen;
    char token[TOKEN_BYTES + 1];
    bool is_done;
    struct guard_batch batch;
    struct uuid *asked; /* [batch.n] */
    struct spend_hold hold;
    RescoreBatch *made;
};

void rescore_call(struct call *own, const struct call *c, size_t bytes)
{
    call_init(own, c->clock, bytes);
    own->principal = c->principal;
    own->deadline_ns = c->deadline_ns;
    own->cancelled = c->cancelled;
    own->is_background = true;
    own->reach = c->reach;
    own->trace = c->trace;
    own->method = c->method;
    own->rule = c->rule;
}

enum status rescore_failed(struct call *c, const struct call *own, enum status s)
{
    return call_fail_as(c, s, own->fault.reason, "%s", own->fault.why);
}

void rescore_key(int64_t tenant_id, struct uuid lead_id, char out[RESCORE_KEY_BYTES + 1])
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[SEAL_DIGEST_BYTES];
    char text[24 + UUID_TEXT_BYTES + 1], id[UUID_TEXT_BYTES + 1];

    uuid_format(lead_id, id);
    snprintf(text, sizeof text, "%lld %s", (long long)tenant_id, id);
    seal_sha256(str_of(text), digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[RESCORE_KEY_BYTES] = 0;
}

enum status rescore_put(struct tx *tx, const RescoreBatch *b, int64_t due_us)
{
    return tx_job_put(tx, &(struct job_put){.kind = STR(RESCORE_JOB_APPLY),
                                            .key = STR(RESCORE_KEY),
                                            .due_us = due_us,
                                            .message = &b->base,
                                            .rule = JOB_REPLACE});
}

/* Which leads? */

static bool is_due(const struct night *k, const Lead *lead)
{
    int64_t scored;

    if (lead->status != LEAD_STATUS_NEW && lead->status != LEAD_STATUS_QUALIFIED &&
        lead->status != LEAD_STATUS_NURTURE)
        return false;
    if (!lead->score || !lead->score->scored_at)
        return false; /* nobody has asked for its score yet */
    scored = instant_us(lead->score->scored_at);
    return scored < k->old_us ||
           (lead->update_time && instant_us(lead->update_time) > scored + CHANGE_SLACK_US) ||
           (lead->last_activity_time && instant_us(lead->last_activity_time) > scored);
}

static enum status page_unit(struct call *c, struct tx *tx, void *arg)
{
    struct night *k = arg;
    const size_t n_due = k->n_due;
    const struct list_query q = {
        .page_token = str_of(k->token), .page_size = PAGE_SIZE_MAX, .skips_damaged = true};
    struct list_page page;

    TRY(tx_list(tx, RECORD_LEAD, &q, &page));
    for (size_t i = 0; i < page.n_items && k->n_due < RESCORE_LEADS_MAX; i++) {
        const Lead *lead = (const Lead *)page.items[i];

        if (is_due(k, lead) && uuid_parse(str_of(lead->id), &k->due[k->n_due]))
            k->n_due++;
    }
    k->n_seen += page.n_items + page.n_damaged;
    if (strlen(page.next_page_token) > TOKEN_BYTES) {
        k->n_due = n_due;
        return call_fail(c, STATUS_INTERNAL, "a page token has %zu bytes",
                         strlen(page.next_page_token));
    }
    snprintf(k->token, sizeof k->token, "%s", page.next_page_token);
    k->is_done = !*k->token || k->n_due == RESCORE_LEADS_MAX || k->n_seen >= RESCORE_LOOK_MAX;
    return STATUS_OK;
}

static enum status find_due(struct call *c, struct night *k)
{
    if (!(k->due = NEW(&c->arena, struct uuid, RESCORE_LEADS_MAX)))
        return call_nomem(c);
    while (!k->is_done) {
        TRY(call_check(c));
        TRY(store_run_apart(k->r->agents->store, c, CALL_ARENA_BYTES, page_unit, k, STORE_READ));
    }
    return STATUS_OK;
}

/* What to ask? */

static enum status ask_lead(struct night *k, struct call *own, struct uuid id, enum guard_end *end)
{
    char text[UUID_TEXT_BYTES + 1], key[RESCORE_KEY_BYTES + 1];
    struct guard_ask ask = {0};

    uuid_format(id, text);
    rescore_key(own->principal.tenant_id, id, key);
    TRY(k->r->ops->ask(k->r->self, own, &(struct rescore_lead){text, k->now_us}, &ask));
    ask.policy = k->policy; /* of the whole batch */
    return guard_batch_add(&k->batch, own, key, &ask, end);
}

/* Its room, a switch or the mode stop the batch; texts that cannot be redacted, the lead alone. */
static bool is_over(enum guard_end end)
{
    return end != GUARD_ANSWERED && end != GUARD_TEXT;
}

static enum status ask_all(struct call *c, struct night *k)
{
    enum guard_end end = GUARD_ANSWERED;

    for (size_t i = 0; i < k->n_due && !is_over(end); i++) {
        size_t n = k->batch.n;
        struct call own;
        enum status s;

        rescore_call(&own, c, LEAD_ARENA_BYTES);
        s = ask_lead(k, &own, k->due[i], &end);
        if (s != STATUS_OK && !item_error_is_own(s))
            (void)!rescore_failed(c, &own, s);
        call_release(&own);
        if (c->fault.status != STATUS_OK)
            return c->fault.status;
        if (k->batch.n > n)
            k->asked[n] = k->due[i];
    }
    return STATUS_OK;
}

/* The money, and what is to happen if we die now. */

static enum status describe(struct call *c, struct night *k, size_t n)
{
    RescoreItem *items = NEW(&c->arena, RescoreItem, n);
    RescoreBatch *b = k->made = NEW(&c->arena, RescoreBatch, 1);

    if (!items || !b || !(b->items = NEW(&c->arena, RescoreItem *, n)))
        return call_nomem(c);
    RescoreItem **list = b->items;

    *b = (RescoreBatch)RESCORE_BATCH_INIT;
    b->items = list;
    b->n_items = n;
    for (size_t i = 0; i < n; i++) {
        items[i] = (RescoreItem)RESCORE_ITEM_INIT;
        items[i].lead_id = (ProtobufCBinaryData){sizeof k->asked[i].b, k->asked[i].b};
        items[i].question_sha256 =
            (ProtobufCBinaryData){CACHE_KEY_BYTES, k->batch.questions[i].question.b};
        list[i] = &items[i];
    }
    b->may_exist = true;
    b->create_us = k->now_us;
    b->hold_id = (ProtobufCBinaryData){sizeof k->hold.id.b, k->hold.id.b};
    b->hold_micro_usd = k->hold.amount_micro;
    b->hold_until_us = k->hold.until_us;
    b->hold_month = k->hold.lines[SPEND_MONTH].period;
    return STATUS_OK;
}

static enum status hold_unit(struct call *c, struct tx *tx, void *arg)
{
    struct night *k = arg;

    TRY(tx_spend_hold(tx, &k->hold));
    return rescore_put(tx, k->made, call_now_us(c) + RESCORE_MARK_MS * INT64_C(1000));
}

/* As many as the budget has room for; *n 0: none. */
static enum status hold(struct call *c, struct night *k, size_t *n)
{
    struct budget_ask ask = {.policy = k->policy->ai, .lease_ms = RESCORE_HOLD_MS};
    enum status s = STATUS_OK;

    for (*n = k->batch.n; *n; *n /= 2) {
        ask.amount_micro = guard_batch_worst_micro(&k->batch, *n);
        k->hold = budget_hold_of(c, &ask);
        TRY(describe(c, k, *n));
        s = store_run(k->r->agents->store, c, STORE_TAKE, hold_unit, k);
        if (s != STATUS_EXHAUSTED || !str_eq(str_of(c->fault.reason), STR("AI_BUDGET")))
            return s;
        call_clear(c);
    }
    return STATUS_OK;
}

/* The service said no, or was not reached: there is no batch. */
static bool is_refusal(const struct call *c)
{
    static const char *const reasons[] = {
        "AI_REQUEST",  "AI_KEY",       "AI_BILLING",   "AI_RATE",  "AI_PERMISSION", "AI_MODEL",
        "AI_CONFLICT", "AI_TOO_LARGE", "HTTP_CONNECT", "AI_SPENT", "AI_OVERLOADED"};

    for (size_t i = 0; c->fault.reason && i < sizeof reasons / sizeof *reasons; i++)
        if (!strcmp(c->fault.reason, reasons[i]))
            return true;
    return false;
}

static enum status made_unit(struct call *c, struct tx *tx, void *arg)
{
    struct night *k = arg;

    return rescore_put(tx, k->made,
                       call_now_us(c) + (*k->made->batch_id ? RESCORE_POLL_MS * INT64_C(1000) : 0));
}

static enum status create(struct call *c, struct night *k, size_t n)
{
    enum status s;
    str id;

    s = guard_batch_create(&k->batch, c, n, &id);
    if (s == STATUS_CANCELLED)
        return s; /* the server stops: what is put already takes it for lost */
    if (s != STATUS_OK) {
        log_warn(c, LOG_EVENT_AI_FAILED, F_WHY(&c->fault), F_STR("reason", c->fault.reason));
        k->made->may_exist = !is_refusal(c);
        call_clear(c);
    } else if (!(k->made->batch_id = arena_cstr(&c->arena, id))) {
        return call_nomem(c);
    }
    return store_run(k->r->agents->store, c, STORE_WRITE, made_unit, k);
}

static enum status exists_unit(struct call *c, struct tx *tx, void *arg)
{
    struct night *k = arg;
    struct job job;
    enum status s = tx_job_get(tx, STR(RESCORE_JOB_APPLY), STR(RESCORE_KEY), &job);

    k->is_done = s == STATUS_OK;
    if (s == STATUS_NOT_FOUND)
        call_clear(c);
    return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static enum status run(struct call *c, struct night *k)
{
    size_t n;

    TRY(store_run(k->r->agents->store, c, STORE_READ, exists_unit, k));
    if (k->is_done) /* a batch is under way: perhaps this night's, begun before somebody died */
        return STATUS_OK;
    TRY(find_due(c, k));
    TRY(ask_all(c, k));
    TRY(hold(c, k, &n));
    log_info(c, LOG_EVENT_RESCORE_ASKED, F_INT("for_tenant", c->principal.tenant_id),
             F_INT("due", (int64_t)k->n_due), F_INT("asked", (int64_t)n));
    return n ? create(c, k, n) : STATUS_OK;
}

static bool is_wanted(const struct rescore *r, const TenantPolicy *policy)
{
    return policy->ai && policy->ai->nightly_rescoring && r->agents->guard &&
           guard_has_batches(r->agents->guard, AI_TASK_LEAD_INSIGHT);
}

static enum status handle_night(void *self, struct call *c, struct job *job)
{
    struct night k = {.r = self, .now_us = call_now_us(c)};
    struct arena arena;
    enum status s;
    int32_t days;

    (void)job;
    TRY(policy_get(c, k.r->agents->policies, &k.policy));
    if (!is_wanted(k.r, k.policy))
        return STATUS_OK;
    days = k.policy->ai->rescore_after_days;
    k.old_us = k.now_us - (days > 0 ? days : RESCORE_AFTER_DAYS) * day_us;
    k.asked = NEW(&c->arena, struct uuid, RESCORE_LEADS_MAX);
    k.batch =
        (struct guard_batch){.guard = k.r->agents->guard,
                             .arena = &arena,
                             .questions = NEW(&c->arena, struct guard_question, RESCORE_LEADS_MAX),
                             .n_max = RESCORE_LEADS_MAX};
    if (!k.asked || !k.batch.questions)
        return call_nomem(c);
    arena_init(&arena, BATCH_ARENA_BYTES);
    s = run(c, &k);
    arena_release(&arena);
    return s;
}

const struct job_kind rescore_night_kind = {.name = "rescore.night",
                                            .handle = handle_night,
                                            .lease_ms = LEASE_MS,
                                            .attempts_max = 5,
                                            .first_ms = 60000,
                                            .most_ms = 1800000,
                                            .limit = 1,
                                            .every_ms = 86400000,
                                            .scope = JOB_OF_TENANTS};
