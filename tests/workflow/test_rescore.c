/*
 * Nights: batches made and taken in through the real client against the stand-in, on both engines,
 * with the server killed at each of its commits.
 */
#define STORE_SUITE rescore
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/office.h"
#include "ai/anthropic.h"
#include "base/kill_point.h"
#include "internal/v1/records.h"
#include "sales/v1/sales_agent.h"
#include "storage/store_test.h"
#include "store/records.h"
#include "store/spend.h"
#include "support/standin.h"
#include "workflow/qualification.h"
#include "workflow/rescore.h"

enum { LEADS = 6, NO_AI = -1, NOT_APPLIED = -2, TURNS = 200, BUDGET_MICRO = 50000000, KILLED = 9 };

static const int64_t minute_us = INT64_C(60) * 1000000, day_us = INT64_C(86400) * 1000000;

#define MODEL "claude-sonnet-5-5"
#define GOOD                                                                                       \
    "<<standin:{\"insight\":\"Call Grace "                                                         \
    "Quux%d.\",\"adjustment\":3,\"confidence\":0.5,\"evidence\":[]}>>"
#define WILD "<<standin:{\"insight\":\"x\",\"adjustment\":99,\"confidence\":0.5,\"evidence\":[]}>>"

/* What lead i's question makes the stand-in do; NULL: GOOD. */
static const char *const steers[LEADS] = {
    [1] = "<<batch:errored>>", [2] = "<<batch:expired>>", [3] = WILD};

static int64_t ahead_us;

static int64_t later_now(const struct clock_ops *c)
{
    (void)c;
    return system_clock.now_us(&system_clock) + ahead_us;
}

static int64_t later_monotonic(const struct clock_ops *c)
{
    (void)c;
    return system_clock.monotonic_ns(&system_clock) + ahead_us * 1000;
}

static void random_of(const struct clock_ops *c, void *out, size_t n)
{
    (void)c;
    system_clock.random(&system_clock, out, n);
}

static const struct clock_ops later = {later_now, later_monotonic, random_of};

/* One server: opened and closed by each process that plays it. */
struct night_server {
    struct fixture *f;
    struct agents agents;
    struct guard_options options;
    struct guard *guard;
    struct rescore rescore;
    struct job_engine *engine;
    const char *key; /* of the account */
    int ends[LEADS]; /* enum guard_end, or NO_AI */
    int32_t adjustments[LEADS];
    int64_t costs[LEADS];
    char insights[LEADS][64];
    bool has_changed; /* facts of the last lead */
};

static struct standin standin;

/* The number in "Grace Quux3". */
static int number_of(const Lead *lead)
{
    int n = lead->full_name[strlen(lead->full_name) - 1] - '0';

    cr_assert(n >= 0 && n < LEADS);
    return n;
}

struct reading {
    str id;
    Lead *lead;
};

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *r = arg;

    (void)c;
    return tx_get_lead(tx, r->id, &r->lead);
}

static enum status ask(void *self, struct call *c, const struct rescore_lead *lead,
                       struct guard_ask *out)
{
    struct night_server *s = self;
    struct ai_input *in = NEW(&c->arena, struct ai_input, 5);
    str *name = NEW(&c->arena, str, 1);
    struct reading r = {.id = str_of(lead->id)};
    char *steer;
    int i;

    TRY(store_run(s->agents.store, c, STORE_READ_ONE, read_unit, &r));
    i = number_of(r.lead);
    steer = steers[i] ? arena_printf(&c->arena, "%s", steers[i]) : arena_printf(&c->arena, GOOD, i);
    *name = str_of(r.lead->full_name);
    in[0] = (struct ai_input){.name = "points", .kind = AI_NUMBER, .number = 62};
    in[1] = (struct ai_input){.name = "band", .text = STR("good")};
    in[2] = (struct ai_input){.name = "top_reason", .text = str_of(steer)};
    in[3] = (struct ai_input){.name = "max_adjustment", .kind = AI_NUMBER, .number = 10};
    in[4] = (struct ai_input){.name = "notes",
                              .text = s->has_changed && i == LEADS - 1 ? STR("she answered")
                                                                       : STR("Grace was here")};
    *out = (struct guard_ask){
        .task = AI_TASK_LEAD_INSIGHT, .inputs = in, .n_inputs = 5, .names = name, .n_names = 1};
    return STATUS_OK;
}

static enum status look_at(struct night_server *s, struct call *c, const struct rescore_lead *lead,
                           const struct guard_given *given)
{
    struct reading r = {.id = str_of(lead->id)};
    const TenantPolicy *policy;
    struct guard_answer a;
    struct guard_ask q;
    int i;

    TRY(store_run(s->agents.store, c, STORE_READ_ONE, read_unit, &r));
    i = number_of(r.lead);
    s->ends[i] = NO_AI;
    if (!given)
        return STATUS_OK;
    TRY(policy_get(c, s->agents.policies, &policy));
    TRY(ask(s, c, lead, &q));
    q.policy = policy;
    q.given = given;
    TRY(guarded_call(s->guard, c, &q, &a));
    s->ends[i] = (int)a.end;
    s->adjustments[i] = a.adjustment;
    s->costs[i] = (int64_t)a.calls[0]->cost_micro_usd;
    snprintf(s->insights[i], sizeof s->insights[i], STR_FMT,
             STR_ARG(schema_field(&a.fields, "insight")->text));
    return STATUS_OK;
}

/* The real qualification, which remembers the request id. */
static enum status apply(void *self, struct call *c, const struct rescore_lead *lead,
                         const struct guard_given *given)
{
    struct night_server *s = self;

    TRY(look_at(s, c, lead, given));
    return rescore_leads.apply(&s->agents, c, lead, NULL);
}

static const struct rescore_ops ops = {ask, apply};

static void open_guard(struct night_server *s)
{
    static const char *const models[] = {MODEL};
    static struct ai_price prices[BUDGET_PRICES_MAX];
    struct call *c = &s->f->call;
    struct redactor *redactor;
    struct prompts *prompts;

    cr_assert_eq(anthropic_open(c,
                                &(struct anthropic_options){.url = standin.url,
                                                            .version = "2026-10-21",
                                                            .key = {s->key, NULL},
                                                            .user_agent = "salesd/test",
                                                            .models = models,
                                                            .n_models = 1,
                                                            .in_flight_max = 20,
                                                            .queue_max = 100},
                                &s->options.external),
                 STATUS_OK, "%s", c->fault.why);
    cr_assert_eq(prompts_open(c, "", &prompts), STATUS_OK);
    cr_assert_eq(redactor_open(c, &redactor), STATUS_OK);
    s->options.prices = prices;
    cr_assert_eq(budget_prices_read(c, MODEL "=2/10", prices, &s->options.n_prices), STATUS_OK);
    s->options.store = s->f->store;
    s->options.prompts = prompts;
    s->options.redactor = redactor;
    s->options.models[AI_TASK_LEAD_INSIGHT] = MODEL;
    cr_assert_eq(guard_open(c, &s->options, &s->guard), STATUS_OK);
}

static void open_server(struct night_server *s, struct fixture *f, const char *key)
{
    const struct job_binding kinds[] = {{&rescore_night_kind, &s->rescore},
                                        {&rescore_apply_kind, &s->rescore}};

    *s = (struct night_server){.f = f, .key = key};
    f->call.clock = &later;
    for (int i = 0; i < LEADS; i++)
        s->ends[i] = NOT_APPLIED;
    if (!f->store)
        cr_assert_eq(fixture_reopen(f), STATUS_OK, "%s", f->call.fault.why);
    cr_assert_eq(agents_init(&f->call, &s->agents, f->store), STATUS_OK);
    open_guard(s);
    s->agents.guard = s->guard;
    s->rescore = (struct rescore){&s->agents, &ops, s};
    cr_assert_eq(job_engine_open(&f->call,
                                 &(struct job_engine_options){.store = f->store,
                                                              .clock = &later,
                                                              .kinds = kinds,
                                                              .n_kinds = 2,
                                                              .n_workers = 2,
                                                              .poll_ms = 1000},
                                 &s->engine),
                 STATUS_OK);
    cr_assert_eq(job_engine_plan(s->engine, &f->call), STATUS_OK, "%s", f->call.fault.why);
}

static void close_server(struct night_server *s)
{
    cr_assert_eq(job_engine_stop(s->engine, 1000), STATUS_OK);
    job_engine_close(s->engine);
    guard_close(s->guard);
    ai_close(s->options.external);
    prompts_close((struct prompts *)s->options.prompts);
    redactor_close((struct redactor *)s->options.redactor);
    agents_release(&s->agents);
}

static enum status tenant_unit(struct call *c, struct tx *tx, void *arg)
{
    TenantPolicy policy = TENANT_POLICY_INIT;
    Tenant tenant = TENANT_INIT;
    TenantRecord record = TENANT_RECORD_INIT;

    (void)c;
    policy.ai = arg;
    tenant.key = "acme";
    tenant.policy = &policy;
    record.tenant = &tenant;
    record.number = 1;
    return tx_insert_tenant(tx, &record);
}

/* Leads that have been scored today. */
static void open_leads(struct fixture *f, bool is_on, uint64_t budget_micro)
{
    AiPolicy ai = AI_POLICY_INIT;
    struct office o;

    ahead_us = 0;
    f->call.clock = &later;
    standin_start(&standin);
    (void)standin_admin(&standin, &f->call, "/anthropic/batch", "{\"ms\":10}");
    ai.nightly_rescoring = is_on;
    ai.monthly_budget_micro_usd = budget_micro;
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, tenant_unit, &ai), STATUS_OK,
                 "%s", f->call.fault.why);
    sit_down(&o, f);
    for (int i = 0; i < LEADS; i++) {
        QualifyLeadRequest in = QUALIFY_LEAD_REQUEST_INIT;
        QualifyLeadResponse out = QUALIFY_LEAD_RESPONSE_INIT;
        Lead *lead = create_lead(&o, arena_printf(&f->call.arena, "Grace Quux%d", i),
                                 arena_printf(&f->call.arena, "grace%d@quux.example", i), "");

        in.id = lead->id;
        o.call->answer = (str){0};
        cr_assert_eq(qualification_run(o.call, &o.agents, &in, &out), STATUS_OK, "%s",
                     o.call->fault.why);
    }
    stand_up(&o);
}

static long long applying(struct fixture *f)
{
    return fixture_number(f, "SELECT count(*) FROM job WHERE kind = 'rescore.apply'");
}

static long long qualified(struct fixture *f)
{
    return fixture_number(f, "SELECT count(*) FROM outbox WHERE type = 'sales.lead.qualified'");
}

static int batches(struct fixture *f)
{
    static const char path[] = "\"path\":\"/v1/messages/batches\"";
    str seen = standin_admin(&standin, &f->call, "/requests?provider=anthropic", NULL);
    int n = 0;

    for (const char *p = seen.p;
         (p = memmem(p, seen.n - (size_t)(p - seen.p), path, sizeof path - 1)) != NULL; p++)
        n++;
    return n;
}

static void turn(struct night_server *s)
{
    size_t n;

    cr_assert_eq(job_engine_turn(s->engine, &n), STATUS_OK);
}

/* From the next night on, until nothing is under way. The clock goes on. */
static void play(struct night_server *s)
{
    turn(s); /* puts the jobs of tenants, spread over a minute */
    ahead_us += 2 * minute_us;
    turn(s);
    for (int i = 0; i < TURNS && applying(s->f); i++) {
        usleep(20000);
        ahead_us += RESCORE_POLL_MS * INT64_C(1000) + minute_us;
        turn(s);
    }
    cr_assert_eq(applying(s->f), 0, "it goes on for ever");
}

struct look {
    struct spend_line line;
    struct spend_sum sum;
};

static enum status look_unit(struct call *c, struct tx *tx, void *arg)
{
    struct look *l = arg;

    (void)c;
    return tx_spend_get(tx, SPEND_MONTH, &l->line, &l->sum);
}

static struct spend_sum sum_of(struct fixture *f, int64_t at_us)
{
    struct look l = {.line = {STR(""), spend_month(at_us), 0}};

    RUN(f, STORE_READ, look_unit, &l, STATUS_OK);
    return l.sum;
}

/* A month later all scores are old. */
static int64_t next_night(void)
{
    ahead_us += 32 * day_us;
    return later_now(&later);
}

STORE_TEST(each_lead_gets_its_answer_or_none)
{
    static const int ends[LEADS] = {GUARD_BATCHED, NO_AI,         NO_AI,
                                    GUARD_INVALID, GUARD_BATCHED, GUARD_STALE};
    struct night_server s;
    struct spend_sum sum;
    long long before;
    int64_t at;
    str seen;

    open_leads(f, true, BUDGET_MICRO);
    before = qualified(f);
    open_server(&s, f, "sk-ant-test-key-1");
    ahead_us += 2 * day_us;
    turn(&s);
    cr_assert_eq(batches(f), 0, "scores of the day before yesterday are not old");
    at = next_night();
    turn(&s);
    cr_assert_eq(batches(f), 1);
    cr_assert_eq(applying(f), 1);
    cr_assert_gt(sum_of(f, at).held_micro, 0);
    s.has_changed = true;
    play(&s);
    for (int i = 0; i < LEADS; i++)
        cr_assert_eq(s.ends[i], ends[i], "lead %d: %d", i, s.ends[i]);
    cr_assert(s.adjustments[0] == 3 && s.adjustments[3] == 0 && s.adjustments[5] == 0);
    cr_assert_str_eq(s.insights[4], "Call Grace Quux4.");
    cr_assert_eq(qualified(f) - before, LEADS);
    seen = standin_admin(&standin, &f->call, "/requests?provider=anthropic", NULL);
    cr_assert_null(memmem(seen.p, seen.n, "Grace", 5), "a name left the server");
    sum = sum_of(f, at);
    cr_assert(sum.held_micro == 0 && s.costs[0] > 0 && sum.spent_micro > 3 * s.costs[0] &&
                  sum.spent_micro < 6 * s.costs[0],
              "%lld spent, one cost %lld", (long long)sum.spent_micro, (long long)s.costs[0]);
    play(&s);
    cr_assert_eq(batches(f), 1, "fresh scores are asked for again");
    close_server(&s);
    standin_stop(&standin);
}

STORE_TEST(switch_and_budget_decide_what_is_asked)
{
    struct night_server s;
    long long before;

    open_leads(f, false, BUDGET_MICRO);
    before = qualified(f);
    open_server(&s, f, "sk-ant-test-key-1");
    (void)next_night();
    play(&s);
    cr_assert_eq(batches(f), 0, "it is off");
    cr_assert_eq(qualified(f), before);
    close_server(&s);
    standin_stop(&standin);
}

STORE_TEST(a_budget_for_some_is_spent_on_some)
{
    struct night_server s;
    struct spend_sum sum;
    long long before;
    int64_t at;

    open_leads(f, true, 80000);
    before = qualified(f);
    open_server(&s, f, "sk-ant-test-key-1");
    at = next_night();
    play(&s);
    cr_assert_eq(batches(f), 1);
    cr_assert(qualified(f) - before > 0 && qualified(f) - before < LEADS, "%lld leads",
              qualified(f) - before);
    sum = sum_of(f, at);
    cr_assert(sum.held_micro == 0 && sum.spent_micro <= 80000);
    close_server(&s);
    standin_stop(&standin);
}

STORE_TEST(a_service_that_refuses_leaves_the_rules)
{
    struct night_server s;
    struct spend_sum sum;
    long long before;
    int64_t at;

    open_leads(f, true, BUDGET_MICRO);
    before = qualified(f);
    open_server(&s, f, "invalid");
    at = next_night();
    play(&s);
    cr_assert_eq(qualified(f) - before, LEADS);
    for (int i = 0; i < LEADS; i++)
        cr_assert_eq(s.ends[i], NO_AI);
    sum = sum_of(f, at);
    cr_assert(sum.held_micro == 0 && sum.spent_micro == 0, "%lld", (long long)sum.spent_micro);
    close_server(&s);
    standin_stop(&standin);
}

/* As in the server, but that the answers are looked at. */
static enum status apply_real(void *self, struct call *c, const struct rescore_lead *lead,
                              const struct guard_given *given)
{
    const struct qualify_given in = {lead->id, lead->asked_us, given};
    QualifyLeadResponse out = QUALIFY_LEAD_RESPONSE_INIT;
    struct night_server *s = self;
    int i;

    TRY(qualification_given(c, &s->agents, &in, &out));
    i = number_of(out.lead);
    s->ends[i] = (int)out.score->quality;
    snprintf(s->insights[i], sizeof s->insights[i], "%.60s", out.score->insight);
    return STATUS_OK;
}

static enum status ask_real(void *self, struct call *c, const struct rescore_lead *lead,
                            struct guard_ask *out)
{
    struct night_server *s = self;

    return rescore_leads.ask(&s->agents, c, lead, out);
}

STORE_TEST(the_questions_of_qualification_find_their_answers_hours_later)
{
    static const struct rescore_ops real = {ask_real, apply_real};
    struct night_server s;
    long long before;
    str seen;

    open_leads(f, true, BUDGET_MICRO);
    before = qualified(f);
    (void)standin_admin(&standin, &f->call, "/anthropic/script",
                        "{\"match\":\"points\",\"times\":99,\"reply\":{\"text\":"
                        "\"{\\\"insight\\\":\\\"Ask [PERSON_1].\\\",\\\"adjustment\\\":2,"
                        "\\\"confidence\\\":0.5,\\\"evidence\\\":[]}\"}}");
    open_server(&s, f, "sk-ant-test-key-1");
    s.rescore.ops = &real;
    (void)next_night();
    play(&s);
    cr_assert_eq(batches(f), 1);
    cr_assert_eq(qualified(f) - before, LEADS);
    for (int i = 0; i < LEADS; i++) {
        char want[64];

        snprintf(want, sizeof want, "Ask Grace Quux%d.", i);
        cr_assert_neq(s.ends[i], ANSWER_QUALITY_DEGRADED, "lead %d: %s", i, s.insights[i]);
        cr_assert_str_eq(s.insights[i], want);
    }
    seen = standin_admin(&standin, &f->call, "/requests?provider=anthropic", NULL);
    cr_assert_null(memmem(seen.p, seen.n, "Grace", 5), "a name left the server");
    close_server(&s);
    standin_stop(&standin);
}

static atomic_int countdown;
static enum kill_point killer;

static void kill_at(enum kill_point at)
{
    if (at == killer && atomic_fetch_sub(&countdown, 1) == 1)
        _exit(KILLED);
}

/* A server that dies at the n-th commit; false: it got through the night before that. */
static bool dies(struct fixture *f, enum kill_point at, int n)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        struct night_server s;

        open_server(&s, f, "sk-ant-test-key-1");
        killer = at;
        atomic_store(&countdown, n);
        kill_hook = kill_at;
        play(&s);
        _exit(0);
    }
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == KILLED),
              "%x", status);
    return WEXITSTATUS(status) == KILLED;
}

/* The night goes on with another server, after all leases. */
static void take_over(struct fixture *f)
{
    struct night_server s;

    ahead_us += 61 * minute_us;
    open_server(&s, f, "sk-ant-test-key-1");
    play(&s);
    close_server(&s);
}

static void kill_everywhere(struct fixture *f, enum kill_point at)
{
    bool has_died = true;
    int n = 0;

    while (has_died) {
        long long before = qualified(f);
        struct spend_sum old, sum;
        int64_t began;

        cr_assert_lt(++n, 100);
        began = next_night();
        old = sum_of(f, began);
        (void)standin_admin(&standin, &f->call, "/reset", "{}");
        (void)standin_admin(&standin, &f->call, "/anthropic/batch", "{\"ms\":10}");
        store_close(f->store);
        f->store = NULL;
        has_died = dies(f, at, n);
        take_over(f);
        sum = sum_of(f, began);
        cr_assert_eq(qualified(f) - before, LEADS, "%s %d: %lld qualifications",
                     kill_point_name(at), n, qualified(f) - before);
        cr_assert_leq(batches(f), 1, "%s %d: %d batches", kill_point_name(at), n, batches(f));
        cr_assert(sum.held_micro == 0 && sum.spent_micro > old.spent_micro,
                  "%s %d: %lld held, %lld spent", kill_point_name(at), n, (long long)sum.held_micro,
                  (long long)(sum.spent_micro - old.spent_micro));
    }
    cr_assert_gt(n, 8, "%s: only %d commits", kill_point_name(at), n);
    fprintf(stderr, "%s: killed at each of %d %s\n", engine_names[f->engine], n - 1,
            kill_point_name(at));
}

STORE_TEST(a_kill_at_any_commit_doubles_and_loses_nothing)
{
    open_leads(f, true, 2000000000);
    kill_everywhere(f, KILL_COMMIT_AFTER);
    kill_everywhere(f, KILL_COMMIT_BEFORE);
    standin_stop(&standin);
}
