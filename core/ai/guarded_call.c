/* Each guard is a step that either passes or names the end; the steps run in the order of the
 * header, and whatever the end, the local provider is behind them. */
#include "ai/guarded_call.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "ai/guarded_send.h"
#include "ai/local.h"
#include "base/banned.h"
#include "base/buf.h"
#include "domain/compliance.h"
#include "obs/metrics.h"

enum { LEFT_LEAST_MS = 50, MS_NS = 1000000 };

static const struct {
    const char *name, *text;
    AnswerQuality quality;
} ends[] = {
#define X(id, name, quality, text) {name, text, ANSWER_QUALITY_##quality},
    GUARD_END_LIST(X)
#undef X
};

const char *guard_end_name(enum guard_end e)
{
    assert(e < GUARD_ENDS);
    return ends[e].name;
}

const char *guard_end_text(enum guard_end e)
{
    assert(e < GUARD_ENDS);
    return ends[e].text;
}

int32_t guard_adjustment_max(const TenantPolicy *policy)
{
    int32_t points = policy->ai ? policy->ai->max_adjustment_points : 0;

    return points > 0 ? points : GUARD_ADJUSTMENT_POINTS;
}

enum status guard_open(struct call *c, const struct guard_options *o, struct guard **out)
{
    struct guard *g = calloc(1, sizeof *g);

    *out = NULL;
    if (!g)
        return call_nomem(c);
    assert(o->n_prices <= BUDGET_PRICES_MAX);
    g->o = *o;
    for (size_t i = 0; i < o->n_prices; i++)
        g->prices[i] = o->prices[i];
    g->o.prices = g->prices;
    for (enum ai_task t = 0; o->metrics && t < AI_TASKS; t++)
        for (enum guard_end e = 0; e < GUARD_ENDS; e++)
            g->ended[t][e] = metrics_series(o->metrics, METRIC_AI_ANSWERS,
                                            (const char *[]){ai_task_name(t), ends[e].name});
    if (o->metrics)
        g->cost = metrics_series(o->metrics, METRIC_AI_COST, NULL);
    *out = g;
    return STATUS_OK;
}

void guard_close(struct guard *g)
{
    free(g);
}

/* May it? */

static bool is_switched_off(const struct guard_ask *ask)
{
    const AiPolicy *ai = ask->policy->ai;

    if (ask->mode == INSIGHT_MODE_OFF)
        return true;
    if (!ai)
        return false;
    switch (ask->purpose) {
    case GUARD_SCORING: return ai->scoring_disabled;
    case GUARD_DRAFTING: return ai->drafting_disabled;
    case GUARD_COACHING: return ai->coaching_disabled;
    case GUARD_FORECAST: return ai->forecast_disabled;
    }
    return true;
}

static enum guard_end may(struct guarding *k)
{
    const char *model = k->guard->o.models[k->ask->task];

    if (is_switched_off(k->ask))
        return GUARD_OFF;
    if (!compliance_allows(k->ask->policy, COMPLIANCE_EXTERNAL_AI))
        return GUARD_COMPLIANCE;
    k->price = budget_price(k->guard->prices, k->guard->o.n_prices, model);
    if (!k->guard->o.external || !k->price)
        return GUARD_UNCONFIGURED;
    if (!k->ask->policy->ai || !k->ask->policy->ai->monthly_budget_micro_usd)
        return GUARD_UNFUNDED;
    return GUARD_ANSWERED;
}

/* What of it? */

static enum status redact_inputs(struct guarding *k, struct prompt_values *out)
{
    struct arena *a = &k->call->arena;
    struct ai_input *list = NEW(a, struct ai_input, k->ask->n_inputs + 1);
    str words = str_of(k->ask->policy->ai ? k->ask->policy->ai->instructions : NULL);

    if (!list)
        return call_nomem(k->call);
    for (size_t i = 0; i < k->ask->n_inputs; i++) {
        list[i] = k->ask->inputs[i];
        if (list[i].kind != AI_TEXT || !list[i].text.n)
            continue;
        list[i].text = prompt_clean(a, list[i].text, REDACT_TEXT_BYTES);
        if (!list[i].text.p)
            return call_nomem(k->call);
        TRY(redact_text(&k->redaction, list[i].text, &list[i].text));
    }
    words = prompt_clean(a, words, REDACT_TEXT_BYTES);
    if (!words.p)
        return call_nomem(k->call);
    *out = (struct prompt_values){list, k->ask->n_inputs, {0}};
    return words.n ? redact_text(&k->redaction, words, &out->instructions) : STATUS_OK;
}

/* The prompt without personal data; a text that cannot be searched is not sent. */
static enum status prepare(struct guarding *k, enum guard_end *end)
{
    const struct redact_options o = {k->ask->policy->hipaa_mode ? REDACT_STRICT : REDACT_NORMAL,
                                     k->ask->names, k->ask->n_names};
    struct prompt_values values;
    enum status s = redact_begin(&k->redaction, k->guard->o.redactor, k->call, &o);

    if (s == STATUS_OK)
        s = redact_inputs(k, &values);
    if (s == STATUS_INVALID) {
        call_clear(k->call);
        *end = GUARD_TEXT;
        return STATUS_OK;
    }
    TRY(s);
    return prompt_fill(k->prompt, k->call, &values, &k->filled);
}

/* Known? All that an answer depends on. */
static enum status make_key(struct guarding *k, struct ai_cache_key *out)
{
    char *head = arena_printf(&k->call->arena, "%" PRId64 " %s %d %d %d",
                              k->call->principal.tenant_id, k->guard->o.external->ops->name,
                              k->prompt->version, k->prompt->max_tokens, (int)k->prompt->effort);
    str parts[9] = {str_of(head),
                    str_of(k->prompt->name),
                    str_of(k->prompt->sha256),
                    str_of(k->price ? k->price->model : ""),
                    schema_dialect(k->prompt->schema),
                    k->filled.user};

    if (!head)
        return call_nomem(k->call);
    for (size_t i = 0; i < k->filled.n_system; i++)
        parts[6 + i] = k->filled.system[i];
    return ai_cache_key(k->call, parts, 6 + k->filled.n_system, out);
}

static enum status take_json(struct guarding *k, str json)
{
    struct schema_result r;

    TRY(schema_check(k->prompt->schema, k->call, json, &r));
    if (r.n_problems)
        return call_fail(k->call, STATUS_INTERNAL, "an answer that had passed does not");
    k->answer = r.answer;
    return STATUS_OK;
}

static enum status use_cached(struct guarding *k, str json)
{
    AiCall *entry = guarded_entry(k);

    if (!entry)
        return call_nomem(k->call);
    entry->provider = (char *)k->guard->o.external->ops->name;
    entry->model = arena_cstr(&k->call->arena, str_of(k->price->model));
    entry->response = (ProtobufCBinaryData){json.n, (uint8_t *)json.p};
    entry->from_cache = true;
    return entry->model ? take_json(k, json) : call_nomem(k->call);
}

/* The answer of a batch, when it is to this question. */
static enum status use_given(struct guarding *k, enum guard_end *end)
{
    const struct guard_given *given = k->ask->given;
    struct schema_result checked;
    struct ai_response r;
    struct ai_cache_key key;

    TRY(make_key(k, &key));
    *end = memcmp(key.b, given->question.b, sizeof key.b) == 0 ? GUARD_FAILED : GUARD_STALE;
    if (*end == GUARD_STALE || !given->response || given->response->error != AI_OK)
        return STATUS_OK;
    r = *given->response;
    r.sent = k->filled.user; /* word by word what was sent then */
    if (!guarded_entry(k))
        return call_nomem(k->call);
    TRY(guarded_note(k, &r, given->cost_micro));
    *end = GUARD_REFUSED;
    if (r.stop == AI_STOP_REFUSAL)
        return STATUS_OK;
    TRY(schema_check(k->prompt->schema, k->call, r.text, &checked));
    *end = checked.n_problems ? GUARD_INVALID : GUARD_BATCHED;
    if (!checked.n_problems)
        k->answer = checked.answer;
    return STATUS_OK;
}

/* Through the cache, or without. */
static enum status ask_model(struct guarding *k, enum guard_end *end)
{
    struct ai_cache *cache = k->guard->o.cache;
    struct ai_cache_key key;
    enum status s;
    str json;

    if (!cache)
        return guarded_send(k, end);
    TRY(make_key(k, &key));
    s = ai_cache_begin(cache, k->call, &key, &json);
    if (s == STATUS_DEADLINE || (s == STATUS_EXHAUSTED && k->call->fault.reason)) {
        call_clear(k->call);
        *end = GUARD_TIME;
        return STATUS_OK;
    }
    TRY(s);
    if (json.p) {
        *end = GUARD_CACHED;
        return use_cached(k, json);
    }
    s = guarded_send(k, end);
    ai_cache_end(cache, k->call, &key, s == STATUS_OK ? k->answer.json : (str){0});
    return s;
}

/* Personal data back into what the user sees. */
static enum status restore(struct guarding *k)
{
    for (size_t i = 0; i < k->answer.n_fields; i++) {
        struct schema_value *v = &k->answer.fields[i].value;
        str *texts = NEW(&k->call->arena, str, v->n_texts + 1);

        if (!texts)
            return call_nomem(k->call);
        if (v->text.n)
            TRY(redact_restore(&k->redaction, k->call, v->text, &v->text));
        for (size_t j = 0; j < v->n_texts; j++)
            TRY(redact_restore(&k->redaction, k->call, v->texts[j], &texts[j]));
        v->texts = texts;
    }
    return STATUS_OK;
}

/* Behind all others: sentences from the inputs, as they are, which never leave. */
static enum status ask_local(struct guarding *k)
{
    struct ai_message message = {AI_USER, STR("-")};
    struct ai_request q = {.task = k->ask->task,
                           .model = "local",
                           .messages = &message,
                           .n_messages = 1,
                           .inputs = k->ask->inputs,
                           .n_inputs = k->ask->n_inputs,
                           .max_tokens = k->prompt->max_tokens};
    struct ai_response r;

    TRY(ai_send(ai_local(), k->call, &q, &r));
    if (!guarded_entry(k))
        return call_nomem(k->call);
    TRY(guarded_note(k, &r, 0));
    return take_json(k, r.text);
}

static int32_t bounded(const struct guarding *k)
{
    const struct schema_value *v = schema_field(&k->answer, "adjustment");
    int32_t most = guard_adjustment_max(k->ask->policy);

    if (!v || !(v->number >= -most))
        return v ? -most : 0;
    return v->number > most ? most : (int32_t)v->number;
}

enum status guarded_prepare(struct guarding *k, enum guard_end *end, struct ai_cache_key *question)
{
    *end = may(k);
    if (*end == GUARD_ANSWERED)
        TRY(prepare(k, end));
    return *end == GUARD_ANSWERED ? make_key(k, question) : STATUS_OK;
}

static enum status run(struct guarding *k, enum guard_end *end)
{
    *end = may(k);
    if (*end == GUARD_ANSWERED)
        TRY(prepare(k, end));
    if (*end == GUARD_ANSWERED && k->ask->given)
        TRY(use_given(k, end));
    else if (*end == GUARD_ANSWERED &&
             call_left_ns(k->call, INT64_MAX) < (GUARD_MARGIN_MS + LEFT_LEAST_MS) * (int64_t)MS_NS)
        *end = GUARD_TIME;
    if (*end == GUARD_ANSWERED)
        TRY(ask_model(k, end));
    return k->answer.json.p ? restore(k) : ask_local(k);
}

enum status guarded_call(struct guard *g, struct call *c, const struct guard_ask *ask,
                         struct guard_answer *out)
{
    const struct prompt *p = prompts_get(g->o.prompts, ask->task);
    struct guarding k = {.guard = g, .call = c, .ask = ask, .prompt = p};
    enum guard_end end = GUARD_OFF;
    enum status s;

    assert(ask->policy);
    *out = (struct guard_answer){0};
    k.began_ns = call_monotonic_ns(c);
    if (!(k.calls = NEW(&c->arena, AiCall *, GUARD_CALLS_MAX + 1)))
        return call_nomem(c);
    s = run(&k, &end);
    redact_end(&k.redaction);
    TRY(s);
    *out = (struct guard_answer){.end = end,
                                 .quality = ends[end].quality,
                                 .fields = k.answer,
                                 .adjustment = bounded(&k),
                                 .prompt_id = p->name,
                                 .prompt_sha256 = p->sha256,
                                 .prompt_version = p->version,
                                 .calls = k.calls,
                                 .n_calls = k.n_calls};
    if (g->o.metrics)
        series_add(g->ended[ask->task][end], 1);
    return STATUS_OK;
}
