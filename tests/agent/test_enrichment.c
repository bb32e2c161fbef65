/* Facts of scores, the job that asks for them, and what it may not do: against the stand-in over
 * real HTTP, on both engines. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "agent/enrichment_refresh.h"
#include "agent/instant.h"
#include "agent/lead.h"
#include "agent/office.h"
#include "integration/clearbit.h"
#include "storage/store_test.h"
#include "store/job.h"
#include "store/service.h"
#include "support/standin.h"

#define STORE_SUITE enrichment

#define SECOND_US   INT64_C(1000000)
#define MINUTE_US   (60 * SECOND_US)

enum { DEADLINE_MS = 300, TURNS_MAX = 20, MS = 1000000 };

static int64_t offset_us;

static int64_t shifted_now(const struct clock_ops *clock)
{
    (void)clock;
    return system_clock.now_us(&system_clock) + offset_us;
}

/* A tenant that allows it, a provider, an engine that runs the job when it is told to. */
struct bench {
    struct office office;
    struct standin standin;
    struct clock_ops clock;
    struct job_engine *engine;
    TenantRecord *tenant;
};

struct rules {
    bool hipaa, allowed;
};

static enum status policy_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct rules *r = arg;
    EnrichmentPolicy enrichment = ENRICHMENT_POLICY_INIT;
    TenantPolicy policy = TENANT_POLICY_INIT;
    Tenant tenant = TENANT_INIT;
    TenantRecord record = TENANT_RECORD_INIT, *old;

    enrichment.external_allowed = r->allowed;
    policy.enrichment = &enrichment;
    policy.hipaa_mode = r->hipaa;
    if (tx_find_tenant(tx, TENANT_BY_key, STR("acme"), &old) == STATUS_OK) {
        old->tenant->policy = &policy;
        return tx_update_tenant(tx, old);
    }
    call_clear(c);
    tenant.key = "acme";
    tenant.policy = &policy;
    record.tenant = &tenant;
    record.number = 1;
    return tx_insert_tenant(tx, &record);
}

static void set_policy(struct fixture *f, struct office *o, struct rules rules)
{
    cr_assert_eq(store_run_system(f->store, &f->call, STORE_WRITE, policy_unit, &rules), STATUS_OK,
                 "%s", f->call.fault.why);
    if (o)
        policy_forget(o->agents.policies, 1);
}

static void open_provider(struct bench *b)
{
    const struct secret_source key = {.text = "k"};
    struct enrich_provider *p;

    cr_assert_eq(clearbit_open(b->office.call,
                               &(struct clearbit_options){.http = b->standin.http,
                                                          .name = "standin",
                                                          .url = b->standin.url,
                                                          .company_url = "",
                                                          .key = &key,
                                                          .a_minute = 100000},
                               &p),
                 STATUS_OK);
    cr_assert_eq(enrichment_open(b->office.call,
                                 &(struct enrichment_options){
                                     .outside = p, .deadline_ms = DEADLINE_MS, .a_minute = 1000},
                                 &b->office.agents.enrichment),
                 STATUS_OK);
}

static void bench_open(struct bench *b, struct fixture *f, struct rules rules)
{
    *b = (struct bench){.clock = system_clock};
    offset_us = 0;
    b->clock.now_us = shifted_now;
    f->call.clock = &b->clock;
    set_policy(f, NULL, rules);
    sit_down(&b->office, f);
    standin_start(&b->standin);
    open_provider(b);
    const struct job_binding binding = {&enrichment_refresh_kind, &b->office.agents};

    cr_assert_eq(job_engine_open(b->office.call,
                                 &(struct job_engine_options){.store = f->store,
                                                              .clock = &b->clock,
                                                              .kinds = &binding,
                                                              .n_kinds = 1,
                                                              .n_workers = 1,
                                                              .poll_ms = 10},
                                 &b->engine),
                 STATUS_OK);
}

static void bench_close(struct bench *b)
{
    cr_assert_eq(job_engine_stop(b->engine, 0), STATUS_OK);
    job_engine_close(b->engine);
    enrichment_close(b->office.agents.enrichment);
    standin_stop(&b->standin);
    b->office.f->call.clock = &system_clock;
    stand_up(&b->office);
}

/* Runs what is due; returns how many jobs ran. */
static size_t run_jobs(struct bench *b)
{
    size_t n, all = 0;

    for (int i = 0; i < TURNS_MAX; i++) {
        cr_assert_eq(job_engine_turn(b->engine, &n), STATUS_OK);
        if (!n)
            return all;
        all += n;
    }
    cr_assert_fail("jobs go on and on");
    return all;
}

struct reading {
    struct bench *bench;
    const Lead *lead;
    struct enrichment_ask ask;
    struct enrichment_found *found;
};

static enum status facts_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *r = arg;

    (void)c;
    return enrichment_facts(tx, &r->ask, r->lead, r->found);
}

/* As a score asks: back: seconds before now; 0: it may put jobs. */
static void score(struct bench *b, const Lead *lead, int64_t back_s, struct enrichment_found *out)
{
    struct office *o = &b->office;
    struct reading r = {.bench = b, .lead = lead, .found = out};

    r.ask = (struct enrichment_ask){.agents = &o->agents,
                                    .as_of_us = call_now_us(o->call) - back_s * SECOND_US,
                                    .refreshes = !back_s};
    cr_assert_eq(policy_get(o->call, o->agents.policies, &r.ask.policy), STATUS_OK);
    cr_assert_eq(
        store_run(o->agents.store, o->call, back_s ? STORE_READ : STORE_WRITE, facts_unit, &r),
        STATUS_OK, "%s", o->call->fault.why);
}

static const struct enrich_fact *fact(const struct enrichment_found *found, const char *key)
{
    for (size_t i = 0; i < found->n; i++)
        if (strcmp(found->items[i].key, key) == 0)
            return &found->items[i];
    return NULL;
}

static size_t asked(struct bench *b)
{
    str seen = standin_admin(&b->standin, b->office.call, "/requests?provider=clearbit", NULL);
    size_t n = 0;

    for (size_t i = 0; i + 8 <= seen.n; i++)
        n += memcmp(seen.p + i, "find?", 5) == 0 || memcmp(seen.p + i, "/find\"", 6) == 0;
    return n;
}

static long long count(struct bench *b, const char *table)
{
    char sql[100];

    snprintf(sql, sizeof sql, "SELECT COUNT(*) FROM %s", table);
    return fixture_number(b->office.f, sql);
}

static Lead *lead_of(struct bench *b, char *mail)
{
    return create_lead(&b->office, "Ada Lovelace", mail, "");
}

STORE_TEST(a_score_asks_once_and_the_next_one_knows)
{
    struct enrichment_found found;
    struct bench b;
    Lead *lead, *twin;

    bench_open(&b, f, (struct rules){.allowed = true});
    lead = lead_of(&b, "ada.lovelace@acme.com");
    twin = lead_of(&b, "Ada.Lovelace+x@acme.com");
    score(&b, lead, 0, &found);
    cr_assert_not_null(fact(&found, "email.kind"), "offline facts are there at once");
    cr_assert_null(fact(&found, "company.employees"));
    score(&b, lead, 0, &found);
    score(&b, twin, 0, &found);
    cr_assert_eq(count(&b, "enrichment"), 1, "one record of a mailbox, however it is spelled");
    cr_assert_eq(count(&b, "job"), 1, "one look-up under way");
    cr_assert_eq(asked(&b), 0, "a score does not ask");
    cr_assert_eq(run_jobs(&b), 1);
    cr_assert_eq(asked(&b), 1);
    score(&b, twin, 0, &found);
    cr_assert_not_null(fact(&found, "company.employees"));
    cr_assert_str_eq(fact(&found, "company.employees")->source, "standin");
    cr_assert_str_eq(fact(&found, "person.name")->value, "Ada Lovelace");
    cr_assert_str_eq(fact(&found, "company.name")->source, "standin", "better than a guess");
    score(&b, lead, 3600, &found);
    cr_assert_null(fact(&found, "company.employees"), "an hour ago nobody knew");
    cr_assert_eq(run_jobs(&b), 0);
    bench_close(&b);
}

STORE_TEST(facts_age_in_place_until_they_are_asked_for_again)
{
    struct enrichment_found found;
    struct bench b;
    Lead *lead;

    bench_open(&b, f, (struct rules){.allowed = true});
    lead = lead_of(&b, "ada.lovelace@acme.com");
    score(&b, lead, 0, &found);
    run_jobs(&b);
    offset_us = ENRICHMENT_KNOWN_US - MINUTE_US;
    score(&b, lead, 0, &found);
    cr_assert_eq(run_jobs(&b), 0, "still fresh");
    offset_us = ENRICHMENT_KNOWN_US + MINUTE_US;
    score(&b, lead, 0, &found);
    cr_assert_not_null(fact(&found, "company.employees"), "old facts count meanwhile");
    cr_assert_lt(fact(&found, "company.employees")->observed_at_us,
                 call_now_us(b.office.call) - ENRICHMENT_KNOWN_US);
    cr_assert_eq(run_jobs(&b), 1);
    score(&b, lead, 0, &found);
    cr_assert_gt(fact(&found, "company.employees")->observed_at_us,
                 call_now_us(b.office.call) - MINUTE_US);
    bench_close(&b);
}

/* What the provider answers, and when it is asked again. */
/* clang-format off */
static const struct answer { const char mail[32], fault[24]; int64_t quiet_us, again_us; size_t jobs_left; bool known_then; } answers[] = {
    /* mail                    fault     not before         again by                    waits  then known */
    {"unknown1@unknown.com",  "",       23 * 60 * MINUTE_US, ENRICHMENT_UNKNOWN_US + MINUTE_US, 0, false},
    {"queued1@acme.com",      "",       9 * MINUTE_US,       11 * MINUTE_US,                    1, true},
    {"overquota1@acme.com",   "",       23 * 60 * MINUTE_US, ENRICHMENT_UNKNOWN_US + MINUTE_US, 0, false},
    {"ada@acme.com",          "401",    23 * 60 * MINUTE_US, ENRICHMENT_UNKNOWN_US + MINUTE_US, 0, true},
    {"ada@acme.com",          "500",    SECOND_US,           MINUTE_US,                         1, true},
    {"ada@acme.com",          "malformed", SECOND_US,        MINUTE_US,                         1, true},
    {"ada@acme.com",          "hang",   SECOND_US,           MINUTE_US,                         1, true},
};
/* clang-format on */

static void check_answer(struct fixture *f, const struct answer *row)
{
    struct enrichment_found found;
    char json[200], mail[32];
    struct bench b;
    Lead *lead;

    bench_open(&b, f, (struct rules){.allowed = true});
    snprintf(mail, sizeof mail, "%s", row->mail);
    snprintf(json, sizeof json, "{\"provider\":\"clearbit\",\"fault\":\"%s\",\"times\":1}",
             row->fault);
    if (*row->fault)
        standin_admin(&b.standin, b.office.call, "/faults", json);
    lead = lead_of(&b, mail);
    score(&b, lead, 0, &found);
    cr_assert_eq(run_jobs(&b), 1);
    cr_assert_eq(count(&b, "job"), (long long)row->jobs_left, "%s %s", row->mail, row->fault);
    offset_us = row->quiet_us;
    score(&b, lead, 0, &found);
    cr_assert_null(fact(&found, "company.employees"));
    cr_assert_eq(run_jobs(&b), 0, "%s %s: too soon", row->mail, row->fault);
    offset_us = row->again_us;
    score(&b, lead, 0, &found);
    cr_assert_eq(run_jobs(&b), 1, "%s %s: asked again", row->mail, row->fault);
    score(&b, lead, 0, &found);
    cr_assert_eq(fact(&found, "company.employees") != NULL, row->known_then, "%s %s", row->mail,
                 row->fault);
    bench_close(&b);
}

STORE_TEST(every_answer_has_its_time)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        check_answer(f, &answers[i]);
        fixture_sql(f, "DELETE FROM enrichment");
        fixture_sql(f, "DELETE FROM job");
    }
}

STORE_TEST(a_provider_that_fails_again_and_again_is_given_up_not_parked)
{
    struct enrichment_found found;
    struct bench b;
    Lead *lead;

    bench_open(&b, f, (struct rules){.allowed = true});
    standin_admin(&b.standin, b.office.call, "/faults",
                  "{\"provider\":\"clearbit\",\"fault\":\"500\",\"times\":100}");
    lead = lead_of(&b, "ada@acme.com");
    score(&b, lead, 0, &found);
    for (int i = 0; i < ENRICHMENT_ATTEMPTS; i++, offset_us += 30 * MINUTE_US)
        cr_assert_eq(run_jobs(&b), 1, "attempt %d", i);
    cr_assert_eq(count(&b, "job"), 0);
    cr_assert_eq(asked(&b), ENRICHMENT_ATTEMPTS);
    score(&b, lead, 0, &found);
    cr_assert_eq(run_jobs(&b), 0, "left alone for a day");
    bench_close(&b);
}

/* A score with a provider that hangs, and jobs that wait for it, is as fast as any. */
STORE_TEST(a_score_does_not_wait_for_a_provider_that_hangs)
{
    struct enrichment_found found;
    struct bench b;
    int64_t began_ns, took_ns;
    Lead *lead;

    bench_open(&b, f, (struct rules){.allowed = true});
    standin_admin(&b.standin, b.office.call, "/faults",
                  "{\"provider\":\"clearbit\",\"fault\":\"hang\",\"times\":100}");
    lead = lead_of(&b, "ada@acme.com");
    began_ns = call_monotonic_ns(b.office.call);
    for (int i = 0; i < 10; i++)
        score(&b, lead, 0, &found);
    took_ns = call_monotonic_ns(b.office.call) - began_ns;
    cr_assert_eq(asked(&b), 0, "the unit asked nobody");
    cr_assert_lt(took_ns, 10 * (int64_t)DEADLINE_MS * MS, "%lld ms", (long long)(took_ns / MS));
    began_ns = call_monotonic_ns(b.office.call);
    cr_assert_eq(run_jobs(&b), 1);
    took_ns = call_monotonic_ns(b.office.call) - began_ns;
    cr_assert_geq(took_ns, (int64_t)DEADLINE_MS * MS, "the job did wait");
    cr_assert_lt(took_ns, 10 * (int64_t)DEADLINE_MS * MS, "and not for long");
    bench_close(&b);
}

static const struct rules forbidden[] = {{false, false}, {true, false}, {true, true}};

STORE_TEST(where_it_is_not_allowed_nothing_is_sent)
{
    struct enrichment_found found;

    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden; i++) {
        struct bench b;

        bench_open(&b, f, forbidden[i]);
        score(&b, lead_of(&b, "ada.lovelace@acme.com"), 0, &found);
        cr_assert_not_null(fact(&found, "email.kind"), "offline facts are there");
        cr_assert_eq(run_jobs(&b), 0);
        cr_assert_eq(count(&b, "enrichment"), 0);
        cr_assert_eq(asked(&b), 0);
        bench_close(&b);
    }
}

STORE_TEST(what_is_forbidden_meanwhile_is_not_sent_and_not_kept)
{
    struct enrichment_found found;
    struct bench b;

    bench_open(&b, f, (struct rules){.allowed = true});
    score(&b, lead_of(&b, "ada.lovelace@acme.com"), 0, &found);
    cr_assert_eq(count(&b, "job"), 1);
    set_policy(f, &b.office, (struct rules){.hipaa = true});
    cr_assert_eq(run_jobs(&b), 1);
    cr_assert_eq(asked(&b), 0);
    cr_assert_eq(count(&b, "enrichment"), 0);
    cr_assert_eq(count(&b, "job"), 0);
    bench_close(&b);
}

/* Functions and throw-away addresses are no people: of a function the company is asked about. */
STORE_TEST(a_function_is_not_looked_up_as_a_person)
{
    struct enrichment_found found;
    struct bench b;

    bench_open(&b, f, (struct rules){.allowed = true});
    score(&b, lead_of(&b, "info@acme.com"), 0, &found);
    score(&b, lead_of(&b, "x@mailinator.com"), 0, &found);
    run_jobs(&b);
    str seen = standin_admin(&b.standin, b.office.call, "/requests?provider=clearbit", NULL);

    cr_assert_eq(asked(&b), 1);
    cr_assert_not_null(memmem(seen.p, seen.n, "companies/find", 14));
    cr_assert_null(memmem(seen.p, seen.n, "info@", 5));
    cr_assert_null(memmem(seen.p, seen.n, "info%40", 7));
    bench_close(&b);
}

STORE_TEST(what_was_said_goes_with_the_person_also_while_it_is_being_asked)
{
    struct enrichment_found found;
    EraseSubjectResponse out;
    Subject who = by_mail(MAIL);
    struct bench b;

    bench_open(&b, f, (struct rules){.allowed = true});
    score(&b, create_lead(&b.office, NAME, MAIL, PHONE), 0, &found);
    run_jobs(&b);
    cr_assert_eq(count(&b, "enrichment"), 1);
    cr_assert_eq(erase(&b.office, &who, &out), STATUS_OK, "%s", b.office.call->fault.why);
    cr_assert_eq(erased_of(&out, "enrichment"), 1);
    cr_assert_eq(count(&b, "enrichment"), 0);
    score(&b, create_lead(&b.office, NAME, MAIL, PHONE), 0, &found);
    cr_assert_eq(erase(&b.office, &who, &out), STATUS_OK, "%s", b.office.call->fault.why);
    cr_assert_eq(erased_of(&out, "enrichment"), 1);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM job WHERE kind = 'enrichment.refresh'"),
                 0);
    run_jobs(&b);
    cr_assert_eq(asked(&b), 1, "nothing was asked about the erased");
    bench_close(&b);
}
