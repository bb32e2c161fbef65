/* One loop over providers; a deadline of its own is put on the call and taken off again. */
#include "integration/enrich.h"

#include <assert.h>

#include "obs/metrics.h"

enum { NS_PER_MS = 1000000, FACTS_MERGED_MAX = 2 * ENRICH_PROVIDER_FACTS_MAX };

static_assert((int)FACTS_MERGED_MAX <= (int)ENRICH_FACTS_MAX, "two answers merge");

const char *enrich_answer_name(enum enrich_answer answer)
{
    static const char *const names[ENRICH_ANSWERS] = {
#define X(id, text) text,
        ENRICH_ANSWER_LIST(X)
#undef X
    };

    assert(answer >= 0 && answer < ENRICH_ANSWERS);
    return names[answer];
}

static void offline_lookup(struct enrich_provider *self, struct call *c,
                           const struct enrich_query *q, struct enrich_result *out)
{
    (void)self;
    static_assert((int)ENRICH_OFFLINE_FACTS_MAX <= (int)ENRICH_PROVIDER_FACTS_MAX, "they fit");
    if (enrich_offline(&c->arena, &q->subject, q->at_us, out->facts, &out->n_facts) != STATUS_OK) {
        out->n_facts = 0;
        out->answer = ENRICH_FAILED;
        out->reason = "ENRICH_MEMORY";
        return;
    }
    out->answer = out->n_facts ? ENRICH_OK : ENRICH_NOT_FOUND;
}

struct enrich_provider *enrich_offline_provider(void)
{
    static const struct enrich_provider_ops ops = {.lookup = offline_lookup};
    static struct enrich_provider offline = {.ops = &ops,
                                             .name = "offline",
                                             .priority = 100,
                                             .about = ENRICH_PERSON | ENRICH_COMPANY,
                                             .where = ENRICH_INSIDE};

    return &offline;
}

void enrich_provider_close(struct enrich_provider *p)
{
    if (p && p->ops->close)
        p->ops->close(p);
}

void enrich_chain_add(struct enrich_chain *k, struct enrich_provider *p)
{
    size_t at = k->n;

    assert(k->n < ENRICH_PROVIDERS_MAX);
    for (; at > 0 && k->providers[at - 1]->priority > p->priority; at--)
        k->providers[at] = k->providers[at - 1];
    k->providers[at] = p;
    k->n++;
}

/* Registering a series takes a lock: only what goes outside is counted, and that takes longer. */
static void count(const struct enrich_chain *k, const struct enrich_provider *p,
                  enum enrich_answer answer, int64_t took_ns)
{
    if (!k->metrics || p->where == ENRICH_INSIDE)
        return;
    series_add(metrics_series(k->metrics, METRIC_ENRICH_LOOKUPS,
                              (const char *[]){p->name, enrich_answer_name(answer)}),
               1);
    series_observe(metrics_series(k->metrics, METRIC_ENRICH_SECONDS, &p->name), took_ns);
}

static void ask_one(const struct enrich_chain *k, struct call *c, struct enrich_provider *p,
                    const struct enrich_query *q, struct enrich_result *out)
{
    int64_t began_ns = call_monotonic_ns(c);

    *out = (struct enrich_result){.reason = ""};
    if (c->deadline_ns && began_ns >= c->deadline_ns) {
        out->answer = ENRICH_FAILED;
        out->reason = "ENRICH_DEADLINE";
    } else {
        p->ops->lookup(p, c, q, out);
    }
    assert(out->n_facts <= ENRICH_PROVIDER_FACTS_MAX);
    count(k, p, out->answer, call_monotonic_ns(c) - began_ns);
}

/* Facts of both, the better of each key; what is over the most of one answer is left out. */
static void add_facts(struct enrich_result *out, const struct enrich_result *more, int64_t at_us)
{
    struct enrich_fact both[FACTS_MERGED_MAX];
    size_t n = 0;

    for (size_t i = 0; i < out->n_facts; i++)
        both[n++] = out->facts[i];
    for (size_t i = 0; i < more->n_facts; i++)
        both[n++] = more->facts[i];
    n = enrich_facts_merge(both, n, at_us);
    out->n_facts = n < ENRICH_PROVIDER_FACTS_MAX ? n : ENRICH_PROVIDER_FACTS_MAX;
    for (size_t i = 0; i < out->n_facts; i++)
        out->facts[i] = both[i];
}

void enrich_chain_ask(const struct enrich_chain *k, struct call *c, enum enrich_where where,
                      const struct enrich_query *q, struct enrich_result *out)
{
    int64_t most_ns = (k->deadline_ms ? k->deadline_ms : ENRICH_DEADLINE_MS) * NS_PER_MS;
    int64_t deadline_ns = c->deadline_ns;

    *out = (struct enrich_result){.reason = ""};
    c->deadline_ns = call_monotonic_ns(c) + call_left_ns(c, most_ns);
    for (size_t i = 0; i < k->n; i++) {
        struct enrich_result one;

        if (k->providers[i]->where != where || !(k->providers[i]->about & q->about))
            continue;
        ask_one(k, c, k->providers[i], q, &one);
        add_facts(out, &one, q->at_us);
        if (one.answer <= out->answer)
            continue;
        out->answer = one.answer;
        out->reason = one.reason;
        out->wait_ms = one.wait_ms;
    }
    c->deadline_ns = deadline_ns;
}
