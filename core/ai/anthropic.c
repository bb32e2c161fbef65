/* The loop's tick takes in new calls and looks at each open one: is it over, may it begin? All that
 * a call goes through happens on that thread, so nothing of it needs the lock but the way in. */
#include <assert.h>
#include <stdlib.h>

#include "ai/anthropic_internal.h"
#include "base/banned.h"
#include "obs/log.h"

#define NS_PER_MS   INT64_C(1000000)
#define PATIENCE_NS (5000 * NS_PER_MS) /* a service that is silent for longer has failed */

enum { TEXT_BYTES = 64 << 10 };

static int64_t now_ns(const struct anthropic *p)
{
    return p->clock->monotonic_ns(p->clock);
}

static void log_end(const struct anthropic_call *a, const struct ai_response *r)
{
    const struct ai_error_row *row = r->error ? ai_error_row(r->error) : NULL;

    if (!row || r->error == AI_ERROR_CANCELLED)
        return;
    log_write(&a->call, row->is_alert ? LOG_ERROR : LOG_WARN, LOG_EVENT_AI_FAILED,
              (const struct log_field[]){F_STR("error", row->reason),
                                         F_ID("model", a->model),
                                         F_INT("http_status", r->http_status),
                                         F_INT("attempts", r->n_attempts),
                                         F_NS("took", r->took_ns),
                                         {.kind = LOG_END}});
}

/* Tells the end and forgets the call, which is in no list any more. */
static void finish(struct anthropic *p, struct anthropic_call *a, enum ai_error e)
{
    struct ai_response r;

    pthread_mutex_lock(&p->lock);
    for (struct anthropic_call **at = &p->index; *at; at = &(*at)->next_open)
        if (*at == a) {
            *at = a->next_open;
            break;
        }
    p->n_open--;
    pthread_mutex_unlock(&p->lock);
    anthropic_call_tell(a, e, &r);
    meter_ended(&p->meter, a->model, &r);
    log_end(a, &r);
    anthropic_call_free(a);
}

static void unlink_call(struct anthropic *p, const struct anthropic_call *a)
{
    struct anthropic_call **at = &p->calls;

    while (*at != a)
        at = &(*at)->next;
    *at = a->next;
}

/* What an attempt's end means for those that come after it. */
static void learn(struct anthropic *p, const struct anthropic_call *a, enum ai_error e)
{
    int64_t now = now_ns(p);
    enum breaker_state before = p->breaker.state;

    limiter_end(&p->limiter, e == AI_OK);
    if (e == AI_ERROR_RATE || e == AI_ERROR_OVERLOADED)
        limiter_refused(&p->limiter, now, a->ask.has_after ? now + a->ask.after_ms * NS_PER_MS : 0);
    if (e == AI_ERROR_DEADLINE && now - a->attempt_ns < PATIENCE_NS)
        breaker_forget(&p->breaker, a->pass); /* the caller's haste says nothing of the service */
    else
        breaker_tell(&p->breaker, a->pass, e ? ai_error_row(e)->breaker : 0, now);
    if (p->breaker.state != before)
        log_warn(NULL, LOG_EVENT_AI_BREAKER_MOVED, F_STR("target", p->base.ops->name),
                 F_STR("state", p->breaker.state == BREAKER_OPEN ? "open" : "closed"));
}

/* Whether the call waits for another attempt. */
static bool is_repeated(struct anthropic *p, struct anthropic_call *a, enum ai_error e)
{
    uint32_t random;

    if (!e || a->has_piece || !retry_may(e, &a->ask, a->n_attempts))
        return false;
    p->clock->random(p->clock, &random, sizeof random);
    a->not_before_ns = now_ns(p) + retry_wait_ms(e, &a->ask, a->n_attempts, random) * NS_PER_MS;
    if (a->not_before_ns >= a->deadline_ns)
        return false;
    meter_retried(&p->meter, e);
    return true;
}

static void take_end(void *self, enum http_end end)
{
    struct anthropic_call *a = self;
    struct anthropic *p = a->provider;
    enum ai_error e = anthropic_call_outcome(a, end);

    a->transfer = NULL;
    learn(p, a, e);
    if (is_repeated(p, a, e))
        return;
    unlink_call(p, a);
    finish(p, a, e);
}

static void take_field(void *self, str name, str value)
{
    struct anthropic_call *a = self;
    struct anthropic *p = a->provider;

    anthropic_call_field(a, name, value);
    limiter_field(&p->limiter, name, value, now_ns(p), p->clock->now_us(p->clock));
}

bool anthropic_fields(struct anthropic *p, struct http_field out[ANTHROPIC_FIELDS], char **bearer)
{
    static const char WORD[] = "Bearer ";
    char *key = secret_take(&p->key);
    size_t n = key ? sizeof WORD + strlen(key) : 0;

    *bearer = key ? malloc(n) : NULL;
    if (*bearer)
        snprintf(*bearer, n, "%s%s", WORD, key);
    secret_drop(key);
    out[0] = (struct http_field){STR("Content-Type"), STR("application/json")};
    out[1] = (struct http_field){STR("anthropic-version"), str_of(p->version)};
    out[2] = (struct http_field){STR("Authorization"), str_of(*bearer)};
    return *bearer != NULL;
}

static bool begin(struct anthropic *p, struct anthropic_call *a, int64_t now)
{
    struct http_sink sink = {a, anthropic_call_status, take_field, anthropic_call_body, take_end};
    struct http_field fields[ANTHROPIC_FIELDS];
    char *bearer;

    anthropic_call_clear(a);
    a->n_attempts++;
    a->attempt_ns = now;
    if (anthropic_fields(p, fields, &bearer))
        a->transfer =
            http_loop_begin(p->loop,
                            &(struct http_transfer_request){
                                HTTP_POST, p->messages_url, fields, ANTHROPIC_FIELDS, a->body,
                                (a->deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS},
                            &sink);
    secret_drop(bearer);
    return a->transfer != NULL;
}

/* Begins the next attempt, if it may. *again_ns: when to look again. Returns how the call ended;
 * AI_OK: it has not. */
static enum ai_error try_begin(struct anthropic *p, struct anthropic_call *a, int64_t now,
                               int64_t *again_ns)
{
    if (now < a->not_before_ns) {
        *again_ns = a->not_before_ns;
        return AI_OK;
    }
    if (p->breaker.state == BREAKER_OPEN && now < p->breaker.until_ns)
        return AI_ERROR_BREAKER;
    if (!limiter_begin(&p->limiter, &a->need, now, again_ns))
        return *again_ns > a->deadline_ns ? AI_ERROR_RATE : AI_OK;
    a->pass = breaker_ask(&p->breaker, now);
    if (a->pass != BREAKER_REFUSED && begin(p, a, now))
        return AI_OK;
    limiter_end(&p->limiter, false);
    if (a->pass == BREAKER_REFUSED)
        return AI_ERROR_BREAKER;
    breaker_forget(&p->breaker, a->pass);
    return AI_ERROR_MEMORY;
}

/* Looks at one open call. Returns how it ended, AI_OK: it goes on. */
static enum ai_error look_at(struct anthropic *p, struct anthropic_call *a, bool is_closing,
                             int64_t *again_ns)
{
    int64_t now = now_ns(p);
    enum ai_error e = is_closing                              ? AI_ERROR_CLOSED
                      : atomic_load(&a->is_cancelled)         ? AI_ERROR_CANCELLED
                      : !a->transfer && now >= a->deadline_ns ? AI_ERROR_DEADLINE
                                                              : AI_OK;

    if (e && a->transfer) {
        http_loop_stop(p->loop, a->transfer);
        a->transfer = NULL;
        limiter_end(&p->limiter, false);
        breaker_forget(&p->breaker, a->pass);
    }
    *again_ns = 0;
    return e || a->transfer ? e : try_begin(p, a, now, again_ns);
}

/* Appends what came in since. */
static bool take_inbox(struct anthropic *p)
{
    struct anthropic_call **end = &p->calls;

    while (*end)
        end = &(*end)->next;
    pthread_mutex_lock(&p->lock);
    *end = p->inbox;
    p->inbox = NULL;
    p->inbox_end = &p->inbox;
    bool is_closing = p->is_closing;

    pthread_mutex_unlock(&p->lock);
    return is_closing;
}

static int64_t wait_ms(int64_t until_ns, int64_t now)
{
    int64_t ms = (until_ns - now + NS_PER_MS - 1) / NS_PER_MS;

    return ms < 0 ? 0 : ms > HTTP_LOOP_IDLE_MS ? HTTP_LOOP_IDLE_MS : ms;
}

static int64_t tick(void *self)
{
    struct anthropic *p = self;
    bool is_closing = take_inbox(p);
    int64_t soonest = INT64_MAX, again_ns;
    int n_waiting = 0;

    for (struct anthropic_call **at = &p->calls, *a; (a = *at);) {
        enum ai_error e = look_at(p, a, is_closing, &again_ns);

        if (e) {
            *at = a->next;
            finish(p, a, e);
            continue;
        }
        at = &a->next;
        if (a->transfer)
            continue;
        n_waiting++;
        if (!again_ns || again_ns > a->deadline_ns)
            again_ns = a->deadline_ns;
        soonest = again_ns < soonest ? again_ns : soonest;
    }
    meter_state(&p->meter, p->limiter.in_flight, n_waiting, (int)p->breaker.state);
    if (is_closing && !p->calls)
        return -1;
    return soonest == INT64_MAX ? HTTP_LOOP_IDLE_MS : wait_ms(soonest, now_ns(p));
}

/* From here on the loop may have ended and freed it. */
static enum ai_error put_inbox(struct anthropic *p, struct anthropic_call *a, uint64_t *ticket)
{
    enum ai_error e = AI_OK;

    pthread_mutex_lock(&p->lock);
    if (p->is_closing) {
        e = AI_ERROR_CLOSED;
    } else if (p->n_open >= p->queue_max) {
        e = AI_ERROR_BUSY;
    } else {
        a->ticket = *ticket = ++p->n_tickets;
        a->next_open = p->index;
        p->index = a;
        p->n_open++;
        *p->inbox_end = a;
        p->inbox_end = &a->next;
    }
    pthread_mutex_unlock(&p->lock);
    return e;
}

static enum status start(struct ai_provider *base, struct call *c, const struct ai_request *q,
                         const struct ai_watch *watch, uint64_t *ticket)
{
    struct anthropic *p = (struct anthropic *)base;
    struct anthropic_call *a = anthropic_call_new(c, q, watch);

    if (!a)
        return ai_fail(c, AI_ERROR_MEMORY);
    a->provider = p;
    enum ai_error e = put_inbox(p, a, ticket);

    if (e) {
        anthropic_call_free(a);
        return ai_fail(c, e);
    }
    http_loop_wake(p->loop);
    return STATUS_OK;
}

static void cancel(struct ai_provider *base, uint64_t ticket)
{
    struct anthropic *p = (struct anthropic *)base;

    pthread_mutex_lock(&p->lock);
    for (struct anthropic_call *a = p->index; a; a = a->next_open)
        if (a->ticket == ticket)
            atomic_store(&a->is_cancelled, true);
    pthread_mutex_unlock(&p->lock);
    http_loop_wake(p->loop);
}

static void release(struct anthropic *p)
{
    http_client_close(p->http);
    secret_close(&p->key);
    pthread_mutex_destroy(&p->lock);
    arena_release(&p->texts);
    free(p);
}

static void close_provider(struct ai_provider *base)
{
    struct anthropic *p = (struct anthropic *)base;

    pthread_mutex_lock(&p->lock);
    p->is_closing = true;
    pthread_mutex_unlock(&p->lock);
    http_loop_wake(p->loop);
    http_loop_close(p->loop);
    release(p);
}

static const struct ai_provider_ops OPS = {
    .name = "anthropic", .start = start, .cancel = cancel, .close = close_provider};

static bool copy_texts(struct anthropic *p, const struct anthropic_options *o)
{
    bool is_full = false;

    p->url = arena_cstr(&p->texts, str_of(o->url));
    p->version = arena_cstr(&p->texts, str_of(o->version));
    p->user_agent = arena_cstr(&p->texts, str_of(o->user_agent));
    p->messages_url = arena_printf(&p->texts, "%s/v1/messages", o->url);
    for (size_t i = 0; i < o->n_models && i < ANTHROPIC_MODELS_MAX; i++) {
        p->models[p->n_models] = arena_cstr(&p->texts, str_of(o->models[i]));
        is_full |= !p->models[p->n_models++];
    }
    return !is_full && p->url && p->version && p->user_agent && p->messages_url;
}

static enum status open_parts(struct call *c, struct anthropic *p,
                              const struct anthropic_options *o)
{
    if (!copy_texts(p, o))
        return call_nomem(c);
    TRY(secret_open(c, &p->key, &o->key));
    p->http = http_client_open(
        &(struct http_options){.user_agent = o->user_agent, .ca_file = o->ca_file});
    if (!p->http)
        return call_nomem(c);
    TRY(http_check_url(p->http, c, str_of(p->messages_url), HTTP_OPERATOR));
    meter_open(&p->meter, o->metrics, OPS.name, p->models, p->n_models);
    p->loop = http_loop_open(&(struct http_loop_options){.user_agent = p->user_agent,
                                                         .ca_file = o->ca_file,
                                                         .connections_max = o->in_flight_max,
                                                         .tick = tick,
                                                         .self = p});
    return p->loop ? STATUS_OK : call_nomem(c);
}

enum status anthropic_open(struct call *c, const struct anthropic_options *o,
                           struct ai_provider **out)
{
    struct anthropic *p = calloc(1, sizeof *p);

    *out = NULL;
    assert(o->in_flight_max > 0);
    assert(o->queue_max > 0);
    if (!p)
        return call_nomem(c);
    p->base = (struct ai_provider){.ops = &OPS, .batch = &anthropic_batch_ops};
    p->clock = o->clock ? o->clock : &system_clock;
    p->queue_max = o->queue_max;
    p->inbox_end = &p->inbox;
    arena_init(&p->texts, TEXT_BYTES);
    pthread_mutex_init(&p->lock, NULL);
    limiter_init(&p->limiter, o->in_flight_max);
    enum status s = open_parts(c, p, o);

    if (s == STATUS_OK)
        *out = &p->base;
    else
        release(p);
    return s;
}
