/*
 * enrich: who can be asked about a lead, and how: the interface of a provider, and the chain that
 * asks several.
 *
 *     struct enrich_query q = {.subject = {.email = email}, .about = ENRICH_PERSON, .at_us = now};
 *     struct enrich_result r;
 *
 *     enrich_chain_ask(chain, c, ENRICH_OUTSIDE, &q, &r);
 *     if (r.answer == ENRICH_OK) use(r.facts, r.n_facts);
 *
 * Providers give facts, not records, so that what several of them say merges key by key
 * (domain/enrich_fact.h). To ask is never a failure of the call: what went wrong is an answer.
 * Neither an answer nor its reason holds anything of the subject.
 */
#ifndef INTEGRATION_ENRICH_H
#define INTEGRATION_ENRICH_H

#include "base/call.h"
#include "domain/enrich_offline.h"

enum {
    ENRICH_PROVIDERS_MAX = 4,
    ENRICH_PROVIDER_FACTS_MAX = 24, /* of one answer */
    ENRICH_DEADLINE_MS = 600,       /* of all providers together, where nothing is said */
};

/* What came of asking, the least useful first: of several providers that give no facts the last in
 * this order counts. Label, what it means. */
#define ENRICH_ANSWER_LIST(X)                                                                      \
    X(NOT_FOUND, "not_found") /* it knows nobody of this address: ask again tomorrow */            \
    X(DENIED, "denied")       /* no key, a wrong one, or none left of the plan: the same */        \
    X(FAILED, "failed")       /* no answer, or none that can be read: ask again soon */            \
    X(LIMITED, "limited")     /* too many questions: ask again in wait_ms; nothing may have been   \
                                 sent */                                                           \
    X(PENDING, "pending")     /* it is looking: ask again in wait_ms */                            \
    X(OK, "ok")               /* facts */

enum enrich_answer {
#define X(id, text) ENRICH_##id,
    ENRICH_ANSWER_LIST(X)
#undef X
        ENRICH_ANSWERS
};

enum enrich_about { ENRICH_PERSON = 1, ENRICH_COMPANY = 2 };

struct enrich_query {
    struct enrich_subject subject;
    unsigned about; /* bits of enum enrich_about: what may be sent and asked for */
    int64_t at_us;  /* observed_at of the facts */
};

struct enrich_result {
    enum enrich_answer answer;
    const char *reason; /* static, UPPER_SNAKE; "" with OK and NOT_FOUND */
    int64_t wait_ms;    /* of LIMITED and PENDING, > 0 */
    struct enrich_fact facts[ENRICH_PROVIDER_FACTS_MAX]; /* [n_facts], one per key, in the call's
                                                            arena or static */
    size_t n_facts;
};

struct enrich_provider;

struct enrich_provider_ops {
    /* Fills *out, zeroed before. Within the call's deadline; records no failure in the call.
     * Thread-safe. */
    void (*lookup)(struct enrich_provider *self, struct call *c, const struct enrich_query *q,
                   struct enrich_result *out);
    void (*close)(struct enrich_provider *self);
};

/* Where a provider is. */
enum enrich_where {
    ENRICH_INSIDE,  /* of the process: nothing is sent, nothing is waited for */
    ENRICH_OUTSIDE, /* of the server: only where the tenant's policy allows it */
};

struct enrich_provider {
    const struct enrich_provider_ops *ops;
    const char *name; /* source of its facts, label of metrics; borrowed */
    int priority;     /* the lowest is asked first */
    unsigned about;   /* what it knows of */
    enum enrich_where where;
};

/* The lists and guesses of domain/enrich_offline.h; always there, never to be closed. */
struct enrich_provider *enrich_offline_provider(void);

/* NULL is allowed. */
void enrich_provider_close(struct enrich_provider *p);

struct metrics;

struct enrich_chain {
    struct enrich_provider *providers[ENRICH_PROVIDERS_MAX]; /* [n], by priority */
    size_t n;
    int64_t deadline_ms;     /* 0: ENRICH_DEADLINE_MS */
    struct metrics *metrics; /* NULL: not counted. Set before providers are added */
};

/* Adds it where its priority puts it. At most ENRICH_PROVIDERS_MAX, else an assertion fails. */
void enrich_chain_add(struct enrich_chain *k, struct enrich_provider *p);

/*
 * Asks the providers of that place that know of what is asked, by priority, all within one
 * deadline: who has no time left is not asked (FAILED, ENRICH_DEADLINE). Of equal keys the better
 * fact stays (enrich_facts_merge).
 *
 *   out  answer OK when somebody had facts; NOT_FOUND also when there is nobody to ask
 */
void enrich_chain_ask(const struct enrich_chain *k, struct call *c, enum enrich_where where,
                      const struct enrich_query *q, struct enrich_result *out);

const char *enrich_answer_name(enum enrich_answer answer);

#endif
