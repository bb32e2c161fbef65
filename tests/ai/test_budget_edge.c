/*
 * The guarded path at the edge of a budget: a thousand calls of one instant, on both engines,
 * against the stand-in over real HTTP. What the stand-in served is what was paid for, and no limit
 * is passed.
 */
#define STORE_SUITE ai_budget_edge
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "ai/anthropic.h"
#include "ai/guarded_call.h"
#include "storage/store_test.h"
#include "support/standin.h"

enum { CALLS = 1000, STACK_BYTES = 512 << 10, ARENA_BYTES = 64 << 20, LIMIT_MS = 120000 };

static const int64_t ms_ns = 1000000;

#define MODEL "claude-sonnet-5-5"

static struct guard *guard;
static AiPolicy ai = AI_POLICY_INIT;
static TenantPolicy policy = TENANT_POLICY_INIT;
static pthread_barrier_t gate;

struct one {
    int number;
    enum guard_end end;
    int64_t cost_micro;
};

static void *ask(void *arg)
{
    struct one *o = arg;
    struct guard_answer a;
    struct call c;

    call_init(&c, NULL, ARENA_BYTES);
    c.principal.tenant_id = 1;
    snprintf(c.principal.subject, sizeof c.principal.subject, "rep-%d", o->number % 2);
    const struct ai_input in[] = {
        {.name = "points", .kind = AI_NUMBER, .number = 62},
        {.name = "band", .text = STR("good")},
        {.name = "top_reason",
         .text = str_of(arena_printf(&c.arena,
                                     "case %d <<standin:{\"insight\":\"Call.\",\"adjustment\":1,"
                                     "\"confidence\":0.5,\"evidence\":[]}>>",
                                     o->number))},
        {.name = "max_adjustment", .kind = AI_NUMBER, .number = 10}};
    const struct guard_ask q = {.task = AI_TASK_LEAD_INSIGHT,
                                .policy = &policy,
                                .inputs = in,
                                .n_inputs = sizeof in / sizeof *in,
                                .timeout_ms = LIMIT_MS};

    pthread_barrier_wait(&gate);
    c.deadline_ns = call_monotonic_ns(&c) + LIMIT_MS * ms_ns;
    cr_assert_eq(guarded_call(guard, &c, &q, &a), STATUS_OK, "%s", c.fault.why);
    o->end = a.end;
    for (size_t i = 0; i < a.n_calls; i++)
        o->cost_micro += (int64_t)a.calls[i]->cost_micro_usd;
    call_release(&c);
    return NULL;
}

struct look {
    enum spend_scope scope;
    struct spend_line line;
    struct spend_sum sum;
};

static enum status look_unit(struct call *c, struct tx *tx, void *arg)
{
    struct look *l = arg;

    (void)c;
    return tx_spend_get(tx, l->scope, &l->line, &l->sum);
}

static struct spend_sum sum_of(struct fixture *f, enum spend_scope scope, const char *name)
{
    int64_t now = call_now_us(&f->call);
    struct look l = {
        scope, {str_of(name), scope == SPEND_MONTH ? spend_month(now) : now / 86400000000, 0}, {0}};

    RUN(f, STORE_READ, look_unit, &l, STATUS_OK);
    return l.sum;
}

static long served(struct fixture *f, struct standin *s)
{
    str text = standin_admin(s, &f->call, "/requests?provider=anthropic", NULL);
    const char what[] = "\"path\":\"/v1/messages\"";
    long n = 0;

    for (const char *p = text.p;
         (p = memmem(p, text.n - (size_t)(p - text.p), what, sizeof what - 1)) != NULL; p++)
        n++;
    return n;
}

/* All at once; how many ended how, and what they say they cost. */
static int64_t storm(int n[GUARD_ENDS])
{
    static struct one ones[CALLS];
    static pthread_t threads[CALLS];
    pthread_attr_t attr;
    int64_t cost = 0;

    pthread_barrier_init(&gate, NULL, CALLS);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    for (int i = 0; i < CALLS; i++) {
        ones[i] = (struct one){.number = i};
        cr_assert_eq(pthread_create(&threads[i], &attr, ask, &ones[i]), 0);
    }
    for (int i = 0; i < CALLS; i++) {
        pthread_join(threads[i], NULL);
        n[ones[i].end]++;
        cost += ones[i].cost_micro;
    }
    pthread_attr_destroy(&attr);
    pthread_barrier_destroy(&gate);
    return cost;
}

static struct guard_options open_guard(struct fixture *f, struct standin *s)
{
    static const char *const models[] = {MODEL};
    static struct ai_price prices[BUDGET_PRICES_MAX];
    struct guard_options o = {.store = f->store, .prices = prices};
    struct prompts *prompts;
    struct redactor *redactor;

    cr_assert_eq(anthropic_open(&f->call,
                                &(struct anthropic_options){.url = s->url,
                                                            .version = "2026-10-21",
                                                            .key = {"sk-ant-test-key-1", NULL},
                                                            .user_agent = "salesd/test",
                                                            .models = models,
                                                            .n_models = 1,
                                                            .in_flight_max = 20,
                                                            .queue_max = 2000},
                                &o.external),
                 STATUS_OK, "%s", f->call.fault.why);
    cr_assert_eq(prompts_open(&f->call, "", &prompts), STATUS_OK);
    cr_assert_eq(redactor_open(&f->call, &redactor), STATUS_OK);
    cr_assert_eq(budget_prices_read(&f->call, MODEL "=2/10", prices, &o.n_prices), STATUS_OK);
    o.prompts = prompts;
    o.redactor = redactor;
    o.models[AI_TASK_LEAD_INSIGHT] = MODEL;
    cr_assert_eq(guard_open(&f->call, &o, &guard), STATUS_OK);
    policy.ai = &ai;
    return o;
}

static void close_guard(struct guard_options *o)
{
    guard_close(guard);
    ai_close(o->external);
    prompts_close((struct prompts *)o->prompts);
    redactor_close((struct redactor *)o->redactor);
}

/* A thousand calls within these limits, of which some were spent before. */
static void storm_within(struct fixture *f, struct standin *s, int64_t month, int64_t day)
{
    const int64_t before = sum_of(f, SPEND_MONTH, "").spent_micro;
    int n[GUARD_ENDS] = {0};
    struct spend_sum sum;
    int64_t cost;

    (void)standin_admin(s, &f->call, "/reset", "{}");
    ai.monthly_budget_micro_usd = (uint64_t)month;
    ai.user_daily_budget_micro_usd = (uint64_t)day;
    cost = storm(n);
    sum = sum_of(f, SPEND_MONTH, "");
    fprintf(stderr, "%s: %d answered, %d without budget; %ld served, %lld of %lld spent\n",
            engine_names[f->engine], n[GUARD_ANSWERED], n[GUARD_BUDGET], served(f, s),
            (long long)sum.spent_micro, (long long)month);
    cr_assert_eq(n[GUARD_ANSWERED] + n[GUARD_BUDGET], CALLS, "%d without the store, %d failed",
                 n[GUARD_STORE], n[GUARD_FAILED]);
    cr_assert(n[GUARD_ANSWERED] > 0 && n[GUARD_BUDGET] > 100, "this is not the edge");
    cr_assert_eq(n[GUARD_ANSWERED], served(f, s), "somebody was asked without a hold");
    cr_assert_eq(sum.spent_micro, before + cost, "not all was settled");
    cr_assert_eq(sum.held_micro, 0, "%lld are held for ever", (long long)sum.held_micro);
    cr_assert_leq(sum.spent_micro, month, "paid for more than the month's budget");
    for (int i = 0; i < 2; i++)
        cr_assert_leq(sum_of(f, SPEND_USER_DAY, i ? "rep-1" : "rep-0").spent_micro, day);
}

STORE_TEST(a_thousand_calls_at_once_pass_no_limit)
{
    struct guard_options o;
    struct standin standin;
    int64_t spent;

    standin_start(&standin);
    o = open_guard(f, &standin);
    storm_within(f, &standin, 9000000, 6000000); /* hundreds fit */
    spent = sum_of(f, SPEND_MONTH, "").spent_micro;
    storm_within(f, &standin, spent + 200000, spent + 200000); /* a few at a time, and then none */
    close_guard(&o);
    standin_stop(&standin);
}
