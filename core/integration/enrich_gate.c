/* The quota is asked last: what the others refuse costs none of it. */
#include "integration/enrich_gate.h"

#include <assert.h>

#define NS_PER_MS     INT64_C(1000000)
#define NS_PER_MINUTE (INT64_C(60000) * NS_PER_MS)

enum { BURST_PART = 10 };

void enrich_rate_init(struct enrich_rate *r, int64_t a_minute)
{
    assert(a_minute > 0);
    *r = (struct enrich_rate){.interval_ns = NS_PER_MINUTE / a_minute};
    r->burst_ns = a_minute / BURST_PART * r->interval_ns;
}

int64_t enrich_rate_take(struct enrich_rate *r, int64_t now_ns)
{
    int64_t due_ns = r->next_ns > now_ns ? r->next_ns : now_ns;

    if (due_ns - now_ns > r->burst_ns)
        return due_ns - now_ns - r->burst_ns;
    r->next_ns = due_ns + r->interval_ns;
    return 0;
}

void enrich_gate_init(struct enrich_gate *g, int64_t a_minute)
{
    *g = (struct enrich_gate){.not_before_ns = 0};
    pthread_mutex_init(&g->lock, NULL);
    enrich_rate_init(&g->quota, a_minute);
}

void enrich_gate_release(struct enrich_gate *g)
{
    pthread_mutex_destroy(&g->lock);
}

/* With the lock held. */
static enum breaker_pass enter(struct enrich_gate *g, int64_t now_ns, int64_t *wait_ns,
                               const char **reason)
{
    enum breaker_pass pass = BREAKER_REFUSED;

    if ((*wait_ns = g->not_before_ns - now_ns) > 0) {
        *reason = "ENRICH_PAUSED";
        return BREAKER_REFUSED;
    }
    pass = breaker_ask(&g->breaker, now_ns);
    if (pass == BREAKER_REFUSED) {
        *wait_ns = g->breaker.until_ns - now_ns;
        *reason = "ENRICH_BREAKER";
        return pass;
    }
    *wait_ns = enrich_rate_take(&g->quota, now_ns);
    if (!*wait_ns)
        return pass;
    *reason = "ENRICH_QUOTA";
    breaker_forget(&g->breaker, pass);
    return BREAKER_REFUSED;
}

enum breaker_pass enrich_gate_enter(struct enrich_gate *g, int64_t now_ns, int64_t *wait_ms_out,
                                    const char **reason_out)
{
    enum breaker_pass pass;
    int64_t wait_ns = 0;

    pthread_mutex_lock(&g->lock);
    pass = enter(g, now_ns, &wait_ns, reason_out);
    pthread_mutex_unlock(&g->lock);
    *wait_ms_out = wait_ns > 0 ? wait_ns / NS_PER_MS + 1 : ENRICH_PAUSE_MIN_MS;
    return pass;
}

void enrich_gate_leave(struct enrich_gate *g, enum breaker_pass pass, int64_t now_ns,
                       const struct enrich_result *r)
{
    int64_t until_ns = now_ns + r->wait_ms * NS_PER_MS;

    pthread_mutex_lock(&g->lock);
    breaker_tell(&g->breaker, pass, r->answer == ENRICH_FAILED, now_ns);
    if (r->answer == ENRICH_LIMITED && until_ns > g->not_before_ns)
        g->not_before_ns = until_ns;
    pthread_mutex_unlock(&g->lock);
}

enum breaker_state enrich_gate_state(struct enrich_gate *g)
{
    enum breaker_state state;

    pthread_mutex_lock(&g->lock);
    state = g->breaker.state;
    pthread_mutex_unlock(&g->lock);
    return state;
}
