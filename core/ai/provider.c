/* What all providers share: the tables, the bounds of a request, and waiting for an answer. */
#include "ai/provider.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>

#include "base/banned.h"
#include "base/wait.h"

enum { NO, YES };

static const struct ai_error_row ERRORS[] = {
#define X(id, http_, wire_, retry_, alert_, breaker_, status_, reason_, why_)                      \
    [AI_ERROR_##                                                                                   \
        id] = {http_, wire_, retry_, alert_, breaker_, STATUS_##status_, #id, reason_, why_},
#include "ai/error.def"
#undef X
};

static const struct {
    const char *name, *fields;
} TASKS[] = {
#define X(id, name_, fields_) [AI_TASK_##id] = {name_, fields_},
#include "ai/task.def"
#undef X
};

static const char *const STOPS[] = {
    [AI_STOP_END] = "end_turn",    [AI_STOP_LENGTH] = "max_tokens",
    [AI_STOP_REFUSAL] = "refusal", [AI_STOP_SEQUENCE] = "stop_sequence",
    [AI_STOP_OTHER] = "other",
};

const struct ai_error_row *ai_error_row(enum ai_error e)
{
    assert(e > AI_OK);
    assert(e < AI_ERRORS);
    return &ERRORS[e];
}

const char *ai_task_name(enum ai_task t)
{
    assert(t < AI_TASKS);
    return TASKS[t].name;
}

const char *ai_task_fields(enum ai_task t)
{
    assert(t < AI_TASKS);
    return TASKS[t].fields;
}

bool ai_task_parse(str name, enum ai_task *out)
{
    for (enum ai_task t = 0; t < AI_TASKS; t++)
        if (str_eq(name, str_of(TASKS[t].name))) {
            *out = t;
            return true;
        }
    return false;
}

const char *ai_stop_name(enum ai_stop s)
{
    return STOPS[s];
}

enum status ai_fail(struct call *c, enum ai_error e)
{
    const struct ai_error_row *row = ai_error_row(e);

    return call_fail_as(c, row->status, row->reason, "%s", row->why);
}

static const char *flaw_of_texts(const struct ai_request *q)
{
    size_t n_bytes = q->schema.n;

    for (size_t i = 0; i < q->n_system; i++) {
        if (!str_is_text(q->system[i]))
            return "a system block is no UTF-8";
        n_bytes += q->system[i].n;
    }
    for (size_t i = 0; i < q->n_messages; i++) {
        if (!q->messages[i].text.n || !str_is_text(q->messages[i].text))
            return "a message is empty or no UTF-8";
        n_bytes += q->messages[i].text.n;
    }
    return n_bytes > AI_SENT_BYTES ? "it is too long" : NULL;
}

/* What is wrong with a request; NULL: nothing. */
static const char *flaw(const struct ai_request *q)
{
    if (q->task >= AI_TASKS)
        return "no such task";
    if (!q->model || strlen(q->model) >= AI_MODEL_BYTES)
        return "its model";
    if (q->n_system > AI_BLOCKS_MAX || q->n_stable > q->n_system)
        return "its system blocks";
    if (!q->n_messages || q->n_messages > AI_MESSAGES_MAX)
        return "how many messages";
    if (q->messages[q->n_messages - 1].role != AI_USER)
        return "the last message is not the user's";
    if (q->n_inputs > AI_INPUTS_MAX)
        return "how many inputs";
    if (q->max_tokens < 1 || q->max_tokens > AI_TOKENS_MAX)
        return "its max_tokens";
    if (q->user && strlen(q->user) > AI_USER_BYTES)
        return "its user";
    return flaw_of_texts(q);
}

enum status ai_check(struct call *c, const struct ai_request *q)
{
    const char *why = flaw(q);

    return why ? call_fail(c, STATUS_INVALID, "an AI request is refused: %s", why) : STATUS_OK;
}

enum status ai_start(struct ai_provider *p, struct call *c, const struct ai_request *q,
                     const struct ai_watch *watch, uint64_t *ticket)
{
    uint64_t unwanted;

    assert(p);
    assert(watch->done);
    if (!ticket)
        ticket = &unwanted;
    *ticket = 0;
    TRY(call_check(c));
    TRY(ai_check(c, q));
    return p->ops->start(p, c, q, watch, ticket);
}

void ai_cancel(struct ai_provider *p, uint64_t ticket)
{
    if (ticket)
        p->ops->cancel(p, ticket);
}

void ai_close(struct ai_provider *p)
{
    if (p)
        p->ops->close(p);
}

/* One caller that waits. */
struct waiter {
    pthread_mutex_t lock; /* guards the rest */
    pthread_cond_t is_done_now;
    struct arena *arena; /* of the caller, who sleeps while `done` writes there */
    struct ai_response *out;
    bool is_done, is_full;
};

static str keep(struct waiter *w, str s)
{
    str copy = arena_str(w->arena, s);

    w->is_full |= s.n && !copy.p;
    return copy;
}

static void take_answer(void *self, const struct ai_response *r)
{
    struct waiter *w = self;

    pthread_mutex_lock(&w->lock);
    *w->out = *r;
    w->out->text = keep(w, r->text);
    w->out->model = keep(w, r->model);
    w->out->message_id = keep(w, r->message_id);
    w->out->request_id = keep(w, r->request_id);
    w->out->sent = keep(w, r->sent);
    w->out->received = keep(w, r->received);
    w->is_done = true;
    pthread_cond_signal(&w->is_done_now);
    pthread_mutex_unlock(&w->lock);
}

/* Sleeps until it is done, looking up now and then whether the caller is still there. */
static void wait_for(struct waiter *w, struct ai_provider *p, const struct call *c, uint64_t ticket)
{
    enum { LOOK_NS = 10 * 1000000, SECOND_NS = 1000000000 };
    bool is_cancelled = false;
    struct timespec until;

    pthread_mutex_lock(&w->lock);
    while (!w->is_done) {
        if (!c->cancelled || is_cancelled) {
            pthread_cond_wait(&w->is_done_now, &w->lock);
            continue;
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_NS;
        until.tv_sec += until.tv_nsec / SECOND_NS;
        until.tv_nsec %= SECOND_NS;
        if (pthread_cond_timedwait(&w->is_done_now, &w->lock, &until) != ETIMEDOUT ||
            !atomic_load(c->cancelled))
            continue;
        is_cancelled = true;
        pthread_mutex_unlock(&w->lock);
        ai_cancel(p, ticket);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
}

enum status ai_send(struct ai_provider *p, struct call *c, const struct ai_request *q,
                    struct ai_response *out)
{
    struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER, .arena = &c->arena, .out = out};
    pthread_condattr_t monotonic;
    uint64_t ticket;

    *out = (struct ai_response){0};
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w.is_done_now, &monotonic);
    pthread_condattr_destroy(&monotonic);
    enum status s = ai_start(p, c, q, &(struct ai_watch){.self = &w, .done = take_answer}, &ticket);

    if (s == STATUS_OK) {
        wait_begins();
        wait_for(&w, p, c, ticket);
        wait_ends();
    }
    pthread_cond_destroy(&w.is_done_now);
    pthread_mutex_destroy(&w.lock);
    TRY(s);
    if (w.is_full)
        return call_nomem(c);
    return out->error ? ai_fail(c, out->error) : STATUS_OK;
}
