/*
 * What the stand-in answers, and every fault of it, through the real client over real HTTP. Each
 * row has a provider of its own, so that no breaker or pause carries over.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "integration/clearbit.h"
#include "support/standin.h"

enum { ARENA_BYTES = 8 << 20, JSON_BYTES = 512, MS = 1000000, DEADLINE_MS = 400 };

static int n_bad;

#define EXPECT(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            n_bad++;                                                                               \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
        }                                                                                          \
    } while (0)

/* clang-format off */
static const struct row {
    const char *name, *email, *domain, *fault, *key;
    enum enrich_answer answer;
    const char *reason;
    int64_t wait_least_ms, wait_most_ms;
    const char *fact, *value;
} rows[] = {
    /* name               email                    domain             fault   key       answer            reason          wait            a fact */
    {"person, company",   "ada.lovelace@acme.com", "",                "",     "k",      ENRICH_OK,        "",             0, 0,           "person.name", "Ada Lovelace"},
    {"with a tag",        "ada.lovelace+x&y@acme.com", "",            "",     "k",      ENRICH_OK,        "",             0, 0,           "company.name", "Acme"},
    {"company",           "",                      "acme.com",        "",     "k",      ENRICH_OK,        "",             0, 0,           "company.domain", "acme.com"},
    {"free mail",         "ada.lovelace@gmail.com", "",               "",     "k",      ENRICH_OK,        "",             0, 0,           "person.name", "Ada Lovelace"},
    {"nobody",            "unknown1@unknown.com",  "",                "",     "k",      ENRICH_NOT_FOUND, "",             0, 0,           "", ""},
    {"no company",        "",                      "unknown.com",     "",     "k",      ENRICH_NOT_FOUND, "",             0, 0,           "", ""},
    {"no address",        "nonsense",              "",                "",     "k",      ENRICH_NOT_FOUND, "",             0, 0,           "", ""},
    {"nothing to ask by", "",                      "",                "",     "k",      ENRICH_NOT_FOUND, "",             0, 0,           "", ""},
    {"over plan",         "overquota@acme.com",    "",                "",     "k",      ENRICH_DENIED,    "ENRICH_PLAN",  0, 0,           "", ""},
    {"401",               "ada@acme.com",          "",                "401",  "k",      ENRICH_DENIED,    "ENRICH_KEY",   0, 0,           "", ""},
    {"403",               "ada@acme.com",          "",                "403",  "k",      ENRICH_DENIED,    "ENRICH_KEY",   0, 0,           "", ""},
    {"429",               "ada@acme.com",          "",                "429",  "k",      ENRICH_LIMITED,   "ENRICH_RATE",  60000, 60000,   "", ""},
    {"429, said",         "ada@acme.com",          "",                "429;retry-after=7", "k", ENRICH_LIMITED, "ENRICH_RATE", 7000, 7000, "", ""},
    {"429, for ever",     "ada@acme.com",          "",                "429;retry-after=99999999", "k", ENRICH_LIMITED, "ENRICH_RATE", 3600000, 3600000, "", ""},
    {"500",               "ada@acme.com",          "",                "500",  "k",      ENRICH_FAILED,    "ENRICH_STATUS", 0, 0,          "", ""},
    {"503",               "ada@acme.com",          "",                "503",  "k",      ENRICH_FAILED,    "ENRICH_STATUS", 0, 0,          "", ""},
    {"hangs",             "ada@acme.com",          "",                "hang", "k",      ENRICH_FAILED,    "HTTP_TIMEOUT", 0, 0,           "", ""},
    {"too slow",          "ada@acme.com",          "",                "slow;ms=3000", "k", ENRICH_FAILED, "HTTP_TIMEOUT", 0, 0,           "", ""},
    {"drips",             "ada@acme.com",          "",                "drip;ms=50", "k", ENRICH_FAILED,   "HTTP_TIMEOUT", 0, 0,           "", ""},
    {"slow",              "ada.lovelace@acme.com", "",                "slow;ms=50", "k", ENRICH_OK,       "",             0, 0,           "company.name", "Acme"},
    {"malformed",         "ada@acme.com",          "",                "malformed", "k", ENRICH_FAILED,    "ENRICH_BODY",  0, 0,           "", ""},
    {"a proxy's page",    "ada@acme.com",          "",                "html", "k",      ENRICH_FAILED,    "ENRICH_STATUS", 0, 0,          "", ""},
    {"empty",             "ada@acme.com",          "",                "empty", "k",     ENRICH_FAILED,    "ENRICH_BODY",  0, 0,           "", ""},
    {"reset",             "ada@acme.com",          "",                "reset", "k",     ENRICH_FAILED,    "HTTP_ANSWER",  0, 0,           "", ""},
    {"reset within",      "ada@acme.com",          "",                "reset-mid", "k", ENRICH_FAILED,    "HTTP_ANSWER",  0, 0,           "", ""},
    {"short",             "ada@acme.com",          "",                "short", "k",     ENRICH_FAILED,    "HTTP_ANSWER",  0, 0,           "", ""},
};
/* clang-format on */

static struct standin standin;

static struct enrich_provider *open_provider(struct call *c, const char *key,
                                             enum clearbit_auth auth)
{
    struct enrich_provider *p = NULL;
    const struct secret_source source = {.text = key};

    EXPECT(clearbit_open(c,
                         &(struct clearbit_options){.http = standin.http,
                                                    .name = "standin",
                                                    .url = standin.url,
                                                    .company_url = "",
                                                    .auth = auth,
                                                    .key = &source,
                                                    .a_minute = 100000},
                         &p) == STATUS_OK,
           "%s", c->fault.why);
    return p;
}

static void ask(struct enrich_provider *p, struct call *c, const char *email, const char *domain,
                struct enrich_result *out)
{
    struct enrich_chain chain = {.deadline_ms = DEADLINE_MS};

    enrich_chain_add(&chain, p);
    enrich_chain_ask(&chain, c, ENRICH_OUTSIDE,
                     &(struct enrich_query){
                         .subject = {.email = str_of(email), .company_domain = str_of(domain)},
                         .about = ENRICH_PERSON | ENRICH_COMPANY,
                         .at_us = 1},
                     out);
}

static void queue_fault(struct call *c, const char *fault)
{
    char json[JSON_BYTES];

    /* twice: a connection that was kept and breaks is opened anew */
    snprintf(json, sizeof json, "{\"provider\":\"clearbit\",\"fault\":\"%s\",\"times\":2}", fault);
    if (*fault)
        standin_admin(&standin, c, "/faults", json);
}

static bool says(const struct enrich_result *r, const char *key, const char *value)
{
    for (size_t i = 0; i < r->n_facts; i++)
        if (strcmp(r->facts[i].key, key) == 0)
            return strcmp(r->facts[i].value, value) == 0;
    return !*key;
}

static void run(const struct row *row)
{
    struct enrich_provider *p;
    struct enrich_result r;
    struct call c;

    call_init(&c, NULL, ARENA_BYTES);
    queue_fault(&c, row->fault);
    p = open_provider(&c, row->key, CLEARBIT_BEARER);
    int64_t began_ns = call_monotonic_ns(&c);

    ask(p, &c, row->email, row->domain, &r);
    int64_t took_ms = (call_monotonic_ns(&c) - began_ns) / MS;

    EXPECT(r.answer == row->answer, "%s: %s %s", row->name, enrich_answer_name(r.answer), r.reason);
    EXPECT(strcmp(r.reason, row->reason) == 0, "%s: %s", row->name, r.reason);
    EXPECT(r.wait_ms >= row->wait_least_ms && r.wait_ms <= row->wait_most_ms, "%s: %lld", row->name,
           (long long)r.wait_ms);
    EXPECT(says(&r, row->fact, row->value), "%s: %s", row->name, row->fact);
    EXPECT(r.answer == ENRICH_OK || !r.n_facts, "%s", row->name);
    EXPECT(c.fault.status == STATUS_OK, "%s: the call has not failed", row->name);
    EXPECT(took_ms < DEADLINE_MS + 300, "%s: %lld ms", row->name, (long long)took_ms);
    standin_admin(&standin, &c, "/reset", "{}");
    enrich_provider_close(p);
    call_release(&c);
}

/* 202 first, then the record; what is asked shows the key in the way that was chosen. */
static void queued_then_known(enum clearbit_auth auth)
{
    const char *domain = auth == CLEARBIT_BASIC ? "queued-basic.com" : "queued-bearer.com";
    struct enrich_provider *p;
    struct enrich_result r;
    struct call c;

    call_init(&c, NULL, ARENA_BYTES);
    p = open_provider(&c, "secret", auth);
    ask(p, &c, "", domain, &r);
    EXPECT(r.answer == ENRICH_PENDING && r.wait_ms == CLEARBIT_PENDING_MS, "%s %lld",
           enrich_answer_name(r.answer), (long long)r.wait_ms);
    ask(p, &c, "", domain, &r);
    EXPECT(r.answer == ENRICH_OK && says(&r, "company.domain", domain), "%s",
           enrich_answer_name(r.answer));
    enrich_provider_close(p);
    call_release(&c);
}

/* A provider that wants no more questions gets none, and neither does one that fails. */
static void is_left_alone(const char *fault, int n_faults, const char *reason)
{
    struct enrich_provider *p;
    struct enrich_result r;
    struct call c;

    call_init(&c, NULL, ARENA_BYTES);
    p = open_provider(&c, "k", CLEARBIT_BEARER);
    for (int i = 0; i < n_faults; i++) {
        queue_fault(&c, fault);
        ask(p, &c, "ada@acme.com", "", &r);
    }
    standin_admin(&standin, &c, "/reset", "{}");
    ask(p, &c, "ada@acme.com", "", &r);
    EXPECT(r.answer == ENRICH_LIMITED && strcmp(r.reason, reason) == 0, "%s: %s %s", fault,
           enrich_answer_name(r.answer), r.reason);
    EXPECT(r.wait_ms > 0, "it says for how long");
    str seen = standin_admin(&standin, &c, "/requests?provider=clearbit", NULL);

    EXPECT(!memmem(seen.p, seen.n, "/v2/", 4), "%s: nothing was sent: " STR_FMT, fault,
           STR_ARG(seen));
    enrich_provider_close(p);
    call_release(&c);
}

int main(void)
{
    alarm(100);
    standin_start(&standin);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        run(&rows[i]);
    queued_then_known(CLEARBIT_BEARER);
    queued_then_known(CLEARBIT_BASIC);
    is_left_alone("429;retry-after=30", 1, "ENRICH_PAUSED");
    is_left_alone("500", 10, "ENRICH_BREAKER");
    standin_stop(&standin);
    return n_bad > 0;
}
