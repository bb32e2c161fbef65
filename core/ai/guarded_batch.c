/* The steps are those of guarded_call.c; what they give is copied, for the call of each ends. */
#include "ai/guarded_batch.h"

#include <assert.h>

#include "ai/guarded_send.h"
#include "base/banned.h"

static const struct ai_price *price_of(const struct guard *g, enum ai_task task)
{
    return budget_price(g->prices, g->o.n_prices, g->o.models[task]);
}

bool guard_has_batches(const struct guard *g, enum ai_task task)
{
    return g->o.external && ai_has_batches(g->o.external) && price_of(g, task);
}

static bool keep_str(struct arena *a, str *s)
{
    *s = arena_str(a, *s);
    return s->p != NULL;
}

/* A copy of the request that outlives its call; what is the prompt's or the price's stays. */
static bool keep(struct arena *a, const struct ai_request *q, struct ai_request *out)
{
    struct ai_message *m = NEW(a, struct ai_message, 1);
    str *system = NEW(a, str, q->n_system + 1);
    bool ok = m && system;

    *out = *q;
    for (size_t i = 0; ok && i < q->n_system; i++) {
        system[i] = q->system[i];
        ok = keep_str(a, &system[i]);
    }
    if (!ok)
        return false;
    *m = q->messages[0];
    out->system = system;
    out->messages = m;
    out->inputs = NULL; /* for providers without prose, which have no batches */
    out->n_inputs = 0;
    out->user = arena_cstr(a, str_of(q->user));
    return keep_str(a, &m->text) && out->user;
}

static int64_t part_of(int64_t micro)
{
    return (micro + GUARD_BATCH_PART - 1) / GUARD_BATCH_PART;
}

static enum status add(struct guard_batch *b, struct guarding *k, const char *key,
                       enum guard_end *end)
{
    struct guard_question *q = &b->questions[b->n];
    struct ai_message message;
    struct ai_request request;

    TRY(guarded_prepare(k, end, &q->question));
    if (*end != GUARD_ANSWERED)
        return STATUS_OK;
    TRY(guarded_request(k, &message, &request));
    q->bytes = guarded_bytes(&request);
    if (b->bytes + q->bytes > GUARD_BATCH_BYTES) {
        *end = GUARD_TIME;
        return STATUS_OK;
    }
    q->worst_micro = part_of(budget_worst_micro(k->price, q->bytes, request.max_tokens));
    q->item.key = arena_cstr(b->arena, str_of(key));
    if (!q->item.key || !keep(b->arena, &request, &q->item.request))
        return call_nomem(k->call);
    b->bytes += q->bytes;
    b->n++;
    return STATUS_OK;
}

enum status guard_batch_add(struct guard_batch *b, struct call *c, const char *key,
                            const struct guard_ask *ask, enum guard_end *end)
{
    struct guarding k = {.guard = b->guard,
                         .call = c,
                         .ask = ask,
                         .prompt = prompts_get(b->guard->o.prompts, ask->task)};
    enum status s;

    *end = GUARD_TIME;
    if (b->n == b->n_max)
        return STATUS_OK;
    s = add(b, &k, key, end);
    redact_end(&k.redaction);
    return s;
}

int64_t guard_batch_worst_micro(const struct guard_batch *b, size_t n)
{
    int64_t sum = 0;

    assert(n <= b->n);
    for (size_t i = 0; i < n; i++)
        sum += b->questions[i].worst_micro;
    return sum;
}

enum status guard_batch_create(const struct guard_batch *b, struct call *c, size_t n, str *id_out)
{
    struct ai_batch_item *items = NEW(&c->arena, struct ai_batch_item, n + 1);

    *id_out = (str){0};
    if (!items)
        return call_nomem(c);
    for (size_t i = 0; i < n; i++)
        items[i] = b->questions[i].item;
    return ai_batch_create(b->guard->o.external, c, items, n, id_out);
}

int64_t guard_batch_cost_micro(const struct guard *g, enum ai_task task,
                               const struct ai_response *r)
{
    const struct ai_price *price = price_of(g, task);

    return price && r->error == AI_OK ? part_of(budget_cost_micro(price, &r->usage)) : 0;
}

void guard_batch_settled(const struct guard *g, int64_t micro)
{
    if (g->o.metrics)
        series_add(g->cost, micro);
}

struct ai_provider *guard_provider(const struct guard *g)
{
    return g->o.external;
}
