/*
 * A pool of connections that are made on demand, and a breaker in front of it. One lock guards
 * both; nothing is sent or awaited while it is held, but for a free connection.
 */
#include "cache/redis.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "base/secret.h"
#include "cache/link.h"
#include "cache/reply.h"

enum {
    NS_PER_MS = 1000000,
    READ_BYTES = 16 << 10,
    REQUEST_BYTES_MAX = 16 << 20, /* all commands of a run; far above what any caller batches */
    DOUBLINGS_MAX = 16,
};

struct slot {
    struct link *link; /* NULL: to be made */
    uint64_t id;
    bool is_taken;
};

struct redis {
    struct target target; /* at the start */
    struct secret url;    /* as it is now */
    struct link_tls *tls; /* NULL: plain */
    int64_t timeout_ms;
    size_t n_slots;
    pthread_cond_t freed;
    pthread_mutex_t lock; /* guards what follows, and is_taken of the slots */
    uint64_t n_made;      /* connections so far: the ids */
    int n_failures;       /* in a row */
    int64_t retry_ns;     /* until then runs fail at once */
    struct slot slots[REDIS_CONNECTIONS_MAX];
};

enum status redis_open(struct call *c, const struct redis_options *o, struct redis **out)
{
    struct redis *r = calloc(1, sizeof *r);
    pthread_condattr_t attr;
    enum status s;

    assert(o->n_connections <= REDIS_CONNECTIONS_MAX && o->timeout_ms >= 0);
    *out = NULL;
    if (!r)
        return call_nomem(c);
    r->n_slots = o->n_connections ? o->n_connections : REDIS_CONNECTIONS;
    r->timeout_ms = o->timeout_ms ? o->timeout_ms : REDIS_TIMEOUT_MS;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->freed, &attr);
    pthread_condattr_destroy(&attr);
    s = target_parse(c, str_of(o->url), &r->target);
    if (s == STATUS_OK)
        s = secret_open(c, &r->url, &(struct secret_source){o->url, o->url_path});
    if (s == STATUS_OK)
        s = link_tls_new(c, &r->target, &r->tls);
    if (s != STATUS_OK) {
        redis_close(r);
        return s;
    }
    *out = r;
    return STATUS_OK;
}

void redis_close(struct redis *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->n_slots; i++)
        link_close(r->slots[i].link);
    link_tls_free(r->tls);
    pthread_cond_destroy(&r->freed);
    pthread_mutex_destroy(&r->lock);
    secret_close(&r->url);
    explicit_bzero(&r->target, sizeof r->target);
    free(r);
}

static enum status down(struct call *c)
{
    return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_DOWN", "Redis cannot be reached");
}

/* With the lock held. Whoever comes after the pause is the one that tries; the others go on failing
 * until it is done. */
static bool breaker_lets_in(struct redis *r, struct call *c)
{
    int64_t now_ns = call_monotonic_ns(c);

    if (r->n_failures == 0)
        return true;
    if (now_ns < r->retry_ns)
        return false;
    r->retry_ns = now_ns + r->timeout_ms * NS_PER_MS;
    return true;
}

/* Half of the pause is random: replicas that failed together do not come back together. */
static int64_t pause_ns(struct call *c, int n_failures)
{
    int64_t ms = REDIS_RETRY_MS_MIN;
    uint32_t random;

    for (int i = 1; i < n_failures && i < DOUBLINGS_MAX && ms < REDIS_RETRY_MS_MAX; i++)
        ms *= 2;
    if (ms > REDIS_RETRY_MS_MAX)
        ms = REDIS_RETRY_MS_MAX;
    c->clock->random(c->clock, &random, sizeof random);
    return (ms / 2 + (int64_t)(random % (uint32_t)(ms / 2 + 1))) * NS_PER_MS;
}

/* A taken slot, one with a connection first; NULL: all are in use. With the lock held. */
static struct slot *take_slot(struct redis *r, uint64_t wanted)
{
    struct slot *best = NULL;

    for (size_t i = 0; i < r->n_slots; i++) {
        struct slot *s = &r->slots[i];

        if (!s->is_taken &&
            (wanted ? s->link && s->id == wanted : !best || (s->link && !best->link)))
            best = s;
    }
    if (best)
        best->is_taken = true;
    return best;
}

/* With the lock held: false after the deadline. Another run frees its slot within its own limit. */
static bool wait_for_slot(struct redis *r, int64_t until_ns)
{
    const struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};

    return pthread_cond_timedwait(&r->freed, &r->lock, &until) == 0;
}

static enum status acquire(struct redis *r, struct call *c, int64_t until_ns, uint64_t wanted,
                           struct slot **out)
{
    bool is_open = true, in_time = true;

    pthread_mutex_lock(&r->lock);
    *out = NULL;
    while (is_open && in_time && !*out && (is_open = breaker_lets_in(r, c))) {
        *out = take_slot(r, wanted);
        if (!*out && wanted)
            break;
        if (!*out)
            in_time = wait_for_slot(r, until_ns);
    }
    pthread_mutex_unlock(&r->lock);
    if (*out)
        return STATUS_OK;
    if (is_open && !in_time)
        return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_DOWN", "no free connection to Redis");
    if (is_open && wanted)
        return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_CHANGED",
                            "that connection to Redis is gone");
    return down(c);
}

/* A failure of the server closes the connection: what it still sends is nobody's reply. */
static void release(struct redis *r, struct call *c, struct slot *slot, enum status status)
{
    struct link *dead = NULL;

    pthread_mutex_lock(&r->lock);
    if (status != STATUS_OK) {
        dead = slot->link;
        slot->link = NULL;
    }
    if (status == STATUS_OK) {
        r->n_failures = 0;
    } else if (status == STATUS_UNAVAILABLE) {
        r->n_failures++;
        r->retry_ns = call_monotonic_ns(c) + pause_ns(c, r->n_failures);
    }
    slot->is_taken = false;
    pthread_cond_signal(&r->freed);
    pthread_mutex_unlock(&r->lock);
    link_close(dead);
}

static enum status too_large(struct call *c)
{
    return call_fail_as(c, STATUS_EXHAUSTED, "REDIS_REPLY", "a reply of Redis is too large");
}

/* Waits for bytes and feeds them. */
static enum status read_bytes(struct call *c, struct link *l, int64_t until_ns,
                              struct reply_reader *reader, enum reply_state *out)
{
    char room[READ_BYTES];
    size_t n = sizeof room;

    TRY(link_read(c, l, until_ns, room, &n));
    *out = reply_feed(reader, (str){room, n});
    return STATUS_OK;
}

static enum status read_replies(struct call *c, struct link *l, int64_t until_ns,
                                struct reply_reader *reader, struct redis_run *run)
{
    for (size_t i = 0; i < run->n;) {
        enum reply_state state = reply_next(reader, &run->replies[i]);

        if (state == REPLY_WANTS_MORE)
            TRY(read_bytes(c, l, until_ns, reader, &state));
        else if (state == REPLY_READY)
            i++;
        if (state == REPLY_TOO_LARGE)
            return too_large(c);
        if (state == REPLY_BROKEN)
            return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_LOST",
                                "what answers does not speak the protocol of Redis");
    }
    return STATUS_OK;
}

static enum status exchange(struct call *c, struct link *l, int64_t until_ns, struct redis_run *run)
{
    struct reply_reader *reader;
    struct buf request;
    enum status s;

    buf_init(&request, &c->arena, REQUEST_BYTES_MAX);
    for (size_t i = 0; i < run->n; i++)
        reply_put_command(&request, &run->commands[i]);
    run->replies = NEW(&c->arena, const struct redis_reply *, run->n);
    if (!buf_ok(&request) || !run->replies || !(reader = reply_reader_new(&c->arena)))
        return call_nomem(c);
    s = link_write(c, l, until_ns, buf_str(&request));
    if (s == STATUS_OK)
        s = read_replies(c, l, until_ns, reader, run);
    reply_reader_free(reader);
    return s;
}

/* Where to, and as whom the URL says now; one that is none counts as that of the start. */
static void target_now(struct redis *r, struct call *c, struct target *out)
{
    char *url = secret_take(&r->url);
    struct target now;

    *out = r->target;
    if (url && target_parse(c, str_of(url), &now) == STATUS_OK) {
        memcpy(out->user, now.user, sizeof out->user);
        memcpy(out->password, now.password, sizeof out->password);
    }
    call_clear(c);
    explicit_bzero(&now, sizeof now);
    secret_drop(url);
}

/* The server's own words may repeat the credentials. */
static enum status greet(struct call *c, const struct target *t, struct link *l, int64_t until_ns)
{
    const str auth[] = {STR("AUTH"), str_of(t->user[0] ? t->user : t->password),
                        str_of(t->password)};
    const str select[] = {STR("SELECT"), str_of(t->database)};
    const str ping[] = {STR("PING")};
    struct redis_command commands[3];
    struct redis_run run = {.commands = commands};

    if (t->password[0])
        commands[run.n++] = (struct redis_command){auth, t->user[0] ? 3 : 2};
    if (t->database[0])
        commands[run.n++] = (struct redis_command){select, 2};
    commands[run.n++] = (struct redis_command){ping, 1};
    TRY(exchange(c, l, until_ns, &run));
    for (size_t i = 0; i < run.n; i++)
        if (run.replies[i]->kind == REDIS_ERROR)
            return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_DOWN",
                                redis_is_error(run.replies[i], "LOADING")
                                    ? "Redis is still loading its data"
                                    : "Redis refuses the credentials or the database");
    return STATUS_OK;
}

/* Makes sure of a live connection in a taken slot. */
static enum status connect_slot(struct redis *r, struct call *c, int64_t until_ns,
                                struct slot *slot)
{
    struct target now;
    enum status s;

    if (slot->link && !link_is_stale(slot->link))
        return STATUS_OK;
    link_close(slot->link);
    slot->link = NULL;
    TRY(link_open(c, &r->target, r->tls, until_ns, &slot->link));
    target_now(r, c, &now);
    s = greet(c, &now, slot->link, until_ns);
    explicit_bzero(&now, sizeof now);
    if (s != STATUS_OK)
        return s;
    pthread_mutex_lock(&r->lock);
    slot->id = ++r->n_made;
    pthread_mutex_unlock(&r->lock);
    return STATUS_OK;
}

static enum status run_on(struct redis *r, struct call *c, int64_t until_ns, struct slot *slot,
                          struct redis_run *run)
{
    if (run->connection && link_is_stale(slot->link))
        return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_CHANGED",
                            "that connection to Redis is gone");
    TRY(connect_slot(r, c, until_ns, slot));
    run->connection = slot->id;
    return exchange(c, slot->link, until_ns, run);
}

enum status redis_run(struct redis *r, struct call *c, struct redis_run *run)
{
    int64_t most_ns = r->timeout_ms * NS_PER_MS;
    int64_t until_ns = call_monotonic_ns(c) + call_left_ns(c, most_ns);
    struct slot *slot;
    enum status s;

    assert(run->n >= 1);
    TRY(call_check(c));
    TRY(acquire(r, c, until_ns, run->connection, &slot));
    assert(slot);
    s = run_on(r, c, until_ns, slot, run);
    release(r, c, slot, s);
    return s;
}

enum status redis_ask(struct redis *r, struct call *c, const str *argv, size_t argc,
                      const struct redis_reply **out)
{
    struct redis_run run = {.commands = &(struct redis_command){argv, argc}, .n = 1};

    *out = NULL;
    TRY(redis_run(r, c, &run));
    *out = run.replies[0];
    return STATUS_OK;
}

bool redis_is_error(const struct redis_reply *reply, const char *code)
{
    str text = reply->text;

    return reply->kind == REDIS_ERROR && str_eq(str_cut(&text, ' '), str_of(code));
}

bool redis_is_up(struct redis *r)
{
    bool is_up;

    pthread_mutex_lock(&r->lock);
    is_up = r->n_failures == 0;
    pthread_mutex_unlock(&r->lock);
    return is_up;
}
