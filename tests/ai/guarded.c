/*
 * Every guard against the stand-in, over real HTTP and a real store: the table of guarded.def, and
 * what is no row: personal data, cache, budget at its edge, switches, a store that is gone.
 */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "ai/desk.h"
#include "ai/guarded_call.h"
#include "base/buf.h"
#include "sqlite/sqlite_store.h"

enum { TENANT = 1, AT_ONCE = 100, DAY_MS = 86400000, MS_NS = 1000000 };

#define MODEL "claude-sonnet-5-5"

static struct standin standin;
static struct guard_options options;
static struct guard *guard;
static struct sql_fault store_fault = {.error = SQL_ERROR_IO};
static struct ai_price prices[BUDGET_PRICES_MAX];
static AiPolicy ai = AI_POLICY_INIT;
static TenantPolicy policy = TENANT_POLICY_INIT;
static const str names[] = {{"Ada Lovelace", 12}};

struct row {
    const char *name, *steer, *fault;
    int times;
    const char *reply, *notes;
    enum guard_end end;
    int asked, adjustment;
};

#define STEER_(n)                                                                                  \
    "<<standin:{\"insight\":\"Call Ada Lovelace.\",\"adjustment\":" #n                             \
    ",\"confidence\":0.5,\"evidence\":[]}>>"
#define STEER(n) STEER_(n)
/* clang-format off */
static const struct row rows[] = {
#define X(name, steer, fault, times, reply, notes, end, asked, adj) \
    {name, steer, fault, times, reply, notes, GUARD_##end, asked, adj},
#include "ai/guarded.def"
#undef X
};
/* clang-format on */

static void die(const char *what, const struct call *c)
{
    fprintf(stderr, "guarded: %s: %s\n", what, c->fault.why);
    exit(1);
}

static void start_call(struct call *c)
{
    call_init(c, NULL, DESK_ARENA);
    c->principal.tenant_id = TENANT;
    memcpy(c->principal.subject, "rep-1", 6);
}

/* One question; `about` makes it different from others. */
static enum status ask(struct call *c, const char *about, const char *notes, int64_t timeout_ms,
                       struct guard_answer *out)
{
    struct ai_input *in = NEW(&c->arena, struct ai_input, 6);
    const struct guard_ask a = {.task = AI_TASK_LEAD_INSIGHT,
                                .policy = &policy,
                                .inputs = in,
                                .n_inputs = 6,
                                .names = names,
                                .n_names = 1,
                                .timeout_ms = timeout_ms};

    in[0] = (struct ai_input){.name = "points", .kind = AI_NUMBER, .number = 62};
    in[1] = (struct ai_input){.name = "band", .text = STR("good")};
    in[2] = (struct ai_input){.name = "top_reason", .text = str_of(about)};
    in[3] = (struct ai_input){.name = "max_adjustment", .kind = AI_NUMBER, .number = 10};
    in[4] = (struct ai_input){.name = "notes", .text = str_of(notes)};
    in[5] = (struct ai_input){.name = "person_name", .text = STR("Ada Lovelace")};
    return guarded_call(guard, c, &a, out);
}

static char *about(struct call *c, const char *name, const char *steer)
{
    return arena_printf(&c->arena, "case-%s. %s", name, steer);
}

/* Requests that the stand-in has had since its last reset, and their texts. */
static str requests(struct call *c)
{
    return standin_admin(&standin, c, "/requests?provider=anthropic", NULL);
}

static int count(str text, const char *what)
{
    int n = 0;

    for (const char *p = text.p; p; n++)
        if (!(p = memmem(p, text.n - (size_t)(p - text.p), what, strlen(what))))
            return n;
        else
            p++;
    return n;
}

static bool holds(const ProtobufCBinaryData *bytes, const char *what)
{
    return bytes->len && memmem(bytes->data, bytes->len, what, strlen(what));
}

static void prepare(struct call *c, const struct row *r)
{
    (void)standin_admin(&standin, c, "/reset", "{}");
    if (*r->fault)
        (void)standin_admin(&standin, c, "/faults",
                            arena_printf(&c->arena,
                                         "{\"provider\":\"anthropic\",\"match\":\"/v1/messages\","
                                         "\"fault\":\"%s\",\"times\":%d}",
                                         r->fault, r->times));
    if (*r->reply) {
        struct buf b;

        buf_init(&b, &c->arena, 4096);
        buf_printf(&b, "{\"match\":\"case-%s\",\"times\":1,\"reply\":{\"text\":", r->name);
        buf_put_json(&b, str_of(r->reply));
        buf_put(&b, STR("}}"));
        (void)standin_admin(&standin, c, "/anthropic/script", buf_str(&b).p);
    }
}

static struct spend_sum spent(struct call *c);

static void check(struct call *c, const struct row *r, const struct guard_answer *a)
{
    bool degraded = a->quality == ANSWER_QUALITY_DEGRADED;
    const struct schema_value *insight = schema_field(&a->fields, "insight");
    str seen = requests(c);

    EXPECT(a->end == r->end, "%s: %s", r->name, guard_end_name(a->end));
    EXPECT(a->adjustment == r->adjustment, "%s: adjustment %d", r->name, (int)a->adjustment);
    EXPECT(degraded == (a->end != GUARD_ANSWERED && a->end != GUARD_REPAIRED), "%s", r->name);
    EXPECT(insight && insight->text.n, "%s: an answer in any case", r->name);
    EXPECT(degraded || str_eq(insight->text, STR("Call Ada Lovelace.")), "%s: " STR_FMT, r->name,
           STR_ARG(insight->text));
    EXPECT(count(seen, "\"path\":\"/v1/messages\"") == r->asked, "%s: %d requests", r->name,
           count(seen, "\"path\":\"/v1/messages\""));
    EXPECT(!count(seen, "Lovelace") && !count(seen, "ada@") && !count(seen, "7946") &&
               !count(seen, "4111"),
           "%s: personal data left the server", r->name);
    EXPECT(!strcmp(a->calls[a->n_calls - 1]->provider, degraded ? "local" : "anthropic"), "%s",
           r->name);
    for (size_t i = 0; i < a->n_calls; i++)
        EXPECT(!holds(&a->calls[i]->request, "Lovelace") &&
                   !holds(&a->calls[i]->response, "Lovelace"),
               "%s: personal data in the ledger", r->name);
    EXPECT(spent(c).held_micro == 0, "%s: %lld are still held", r->name,
           (long long)spent(c).held_micro);
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

static struct spend_sum spent(struct call *c)
{
    struct look l = {.line = {STR(""), spend_month(call_now_us(c)), 0}};

    if (store_run(options.store, c, STORE_READ, look_unit, &l) != STATUS_OK)
        die("look", c);
    return l.sum;
}

/* A provider of its own per row: the breaker of one must not decide the next. */
static void run_row(const struct row *r)
{
    const struct anthropic_options o = desk_options(standin.url);
    int64_t began, most = !strcmp(r->fault, "hang") ? 1500 : 15000;
    struct guard_answer a;
    struct call c;

    options.external = desk_open(&o);
    start_call(&c);
    if (guard_open(&c, &options, &guard) != STATUS_OK)
        die("guard", &c);
    prepare(&c, r);
    began = call_monotonic_ns(&c);
    c.deadline_ns = began + most * MS_NS;
    if (ask(&c, about(&c, r->name, r->steer), r->notes, 0, &a) != STATUS_OK)
        die(r->name, &c);
    EXPECT(call_monotonic_ns(&c) - began <= most * MS_NS, "%s: past the deadline", r->name);
    c.deadline_ns = 0;
    check(&c, r, &a);
    guard_close(guard);
    ai_close(options.external);
    call_release(&c);
}

/* What is no row. */

static void equal_questions_are_asked_once(void)
{
    struct guard_answer a, b;
    struct call c;

    start_call(&c);
    (void)standin_admin(&standin, &c, "/reset", "{}");
    EXPECT(ask(&c, about(&c, "cache", STEER(2)), "n", 0, &a) == STATUS_OK, "%s", c.fault.why);
    EXPECT(ask(&c, about(&c, "cache", STEER(2)), "n", 0, &b) == STATUS_OK, "%s", c.fault.why);
    EXPECT(b.end == GUARD_CACHED && b.adjustment == 2 && b.calls[0]->from_cache &&
               b.calls[0]->cost_micro_usd == 0 && a.calls[0]->cost_micro_usd > 0,
           "%s", guard_end_name(b.end));
    EXPECT(str_eq(a.fields.json, b.fields.json), "another answer");
    c.principal.tenant_id = TENANT + 1;
    EXPECT(ask(&c, about(&c, "cache", STEER(2)), "n", 0, &b) == STATUS_OK, "%s", c.fault.why);
    EXPECT(b.end == GUARD_ANSWERED, "another tenant was given it: %s", guard_end_name(b.end));
    call_release(&c);
}

struct change {
    const char *name;
    TenantPolicy policy;
    AiPolicy ai;
    enum guard_end end;
};

/* Nothing may reach the provider. */
static void switches_hold(void)
{
    struct change changes[] = {
        {"scoring", policy, ai, GUARD_OFF},         {"external", policy, ai, GUARD_COMPLIANCE},
        {"hipaa", policy, ai, GUARD_COMPLIANCE},    {"no budget", policy, ai, GUARD_UNFUNDED},
        {"small budget", policy, ai, GUARD_BUDGET}, {"user budget", policy, ai, GUARD_BUDGET},
    };
    const TenantPolicy was = policy;
    struct guard_answer a;
    struct call c;

    start_call(&c);
    changes[0].ai.scoring_disabled = true;
    changes[1].ai.external_disabled = true;
    changes[2].policy.hipaa_mode = true;
    changes[3].ai.monthly_budget_micro_usd = 0;
    changes[4].ai.monthly_budget_micro_usd = 1;
    changes[5].ai.user_daily_budget_micro_usd = 1;
    (void)standin_admin(&standin, &c, "/reset", "{}");
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        policy = changes[i].policy;
        policy.ai = &changes[i].ai;
        EXPECT(ask(&c, about(&c, changes[i].name, STEER(2)), "n", 0, &a) == STATUS_OK, "%s",
               c.fault.why);
        EXPECT(a.end == changes[i].end, "%s: %s", changes[i].name, guard_end_name(a.end));
        EXPECT(a.adjustment == 0, "%s", changes[i].name);
    }
    policy = was;
    EXPECT(!count(requests(&c), "/v1/messages"), "something was sent");
    call_release(&c);
}

/* With an agreement, and then without dates, addresses of the web and names in small letters. */
static void hipaa_is_strict(void)
{
    const TenantPolicy was = policy;
    struct guard_answer a;
    struct call c;
    str seen;

    start_call(&c);
    (void)standin_admin(&standin, &c, "/reset", "{}");
    policy.hipaa_mode = true;
    ai.external_under_hipaa = true;
    EXPECT(ask(&c, about(&c, "hipaa", STEER(2)), "ada, seen 2026-11-20, www.clinic.example", 0,
               &a) == STATUS_OK,
           "%s", c.fault.why);
    EXPECT(a.end == GUARD_ANSWERED, "%s", guard_end_name(a.end));
    seen = requests(&c);
    EXPECT(count(seen, "[PERSON_1]") && count(seen, "[DATE_1]") && count(seen, "[URL_1]"), "%s",
           "not redacted");
    EXPECT(!count(seen, "2026-11-20, ") && !count(seen, "www.clinic"), "it left the server");
    policy = was;
    ai.external_under_hipaa = false;
    call_release(&c);
}

/* A store that is gone: nothing is spent, and there is an answer. */
static void without_a_store_nothing_is_asked(void)
{
    struct guard_answer a;
    struct call c;

    start_call(&c);
    (void)standin_admin(&standin, &c, "/reset", "{}");
    atomic_store(&store_fault.countdown, 1);
    EXPECT(ask(&c, about(&c, "store", STEER(2)), "n", 0, &a) == STATUS_OK, "%s", c.fault.why);
    EXPECT(a.end == GUARD_STORE && a.quality == ANSWER_QUALITY_DEGRADED, "%s",
           guard_end_name(a.end));
    EXPECT(!count(requests(&c), "/v1/messages"), "something was sent");
    call_release(&c);
}

static void *ask_one(void *arg)
{
    static atomic_int n;
    struct guard_answer a;
    struct call c;

    start_call(&c);
    c.principal.tenant_id = TENANT + 2;
    if (ask(&c, arena_printf(&c.arena, "edge-%d. %s", atomic_fetch_add(&n, 1), STEER(1)), "n", 0,
            &a) != STATUS_OK)
        die("edge", &c);
    *(enum guard_end *)arg = a.end;
    call_release(&c);
    return NULL;
}

/* A budget for a few of many calls of one instant: what is spent stays within it. */
static void the_edge_of_a_budget_holds(void)
{
    const uint64_t budget = ai.monthly_budget_micro_usd;
    enum guard_end got[AT_ONCE];
    pthread_t threads[AT_ONCE];
    struct spend_sum sum;
    struct call c;
    int n[GUARD_ENDS] = {0};

    start_call(&c);
    ai.monthly_budget_micro_usd = 400000;
    for (int i = 0; i < AT_ONCE; i++)
        if (pthread_create(&threads[i], NULL, ask_one, &got[i]) != 0)
            die("thread", &c);
    for (int i = 0; i < AT_ONCE; i++) {
        pthread_join(threads[i], NULL);
        n[got[i]]++;
    }
    c.principal.tenant_id = TENANT + 2;
    sum = spent(&c);
    EXPECT(n[GUARD_ANSWERED] > 0 && n[GUARD_BUDGET] > 0 &&
               n[GUARD_ANSWERED] + n[GUARD_BUDGET] == AT_ONCE,
           "%d answered, %d without budget", n[GUARD_ANSWERED], n[GUARD_BUDGET]);
    EXPECT(sum.spent_micro > 0 && sum.spent_micro <= 400000 && sum.held_micro == 0,
           "%lld spent, %lld held", (long long)sum.spent_micro, (long long)sum.held_micro);
    ai.monthly_budget_micro_usd = budget;
    call_release(&c);
}

static void rest(void)
{
    const struct anthropic_options o = desk_options(standin.url);
    struct call c;

    start_call(&c);
    options.external = desk_open(&o);
    if (ai_cache_open(&c, &(struct ai_cache_options){0}, &options.cache) != STATUS_OK ||
        guard_open(&c, &options, &guard) != STATUS_OK)
        die("guard", &c);
    equal_questions_are_asked_once();
    switches_hold();
    the_edge_of_a_budget_holds();
    hipaa_is_strict();
    without_a_store_nothing_is_asked();
    guard_close(guard);
    ai_close(options.external);
    ai_cache_close(options.cache);
    call_release(&c);
}

int main(void)
{
    char directory[] = "/tmp/guarded.XXXXXX", path[64], command[64];
    struct redactor *redactor = NULL;
    struct prompts *prompts = NULL;
    struct call c;

    start_call(&c);
    if (!mkdtemp(directory))
        die("directory", &c);
    snprintf(path, sizeof path, "%s/store.db", directory);
    standin_start(&standin);
    ai.monthly_budget_micro_usd = 1000000000;
    policy.ai = &ai;
    if (sqlite_store_open(&c, &(struct sqlite_options){.path = path, .fault = &store_fault},
                          &options.store) != STATUS_OK ||
        prompts_open(&c, "", &prompts) != STATUS_OK || redactor_open(&c, &redactor) != STATUS_OK ||
        budget_prices_read(&c, MODEL "=2/10", prices, &options.n_prices) != STATUS_OK)
        die("open", &c);
    options.prompts = prompts;
    options.redactor = redactor;
    options.prices = prices;
    options.models[AI_TASK_LEAD_INSIGHT] = MODEL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        run_row(&rows[i]);
    rest();
    standin_stop(&standin);
    store_close(options.store);
    prompts_close(prompts);
    redactor_close(redactor);
    call_release(&c);
    snprintf(command, sizeof command, "rm -r %s", directory);
    (void)!system(command); // NOLINT(cert-env33-c): a name of our own
    printf("guarded: %zu rows, %d bad\n", sizeof rows / sizeof *rows, atomic_load(&desk_n_bad));
    return atomic_load(&desk_n_bad) ? 1 : 0;
}
