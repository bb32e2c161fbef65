/* Moving deals: collect every rule that fails, or append to the history. */
#include "domain/pipeline.h"

#include <assert.h>

#include "base/buf.h"
#include "domain/guard.h"
#include "domain/moment.h"

enum { STAGE_LIST_BYTES = 2048 };

const Stage *pipeline_stage(const Pipeline *p, const char *key)
{
    for (size_t i = 0; i < p->n_stages; i++)
        if (strcmp(p->stages[i]->key, key) == 0)
            return p->stages[i];
    return NULL;
}

const Stage *pipeline_first(const Pipeline *p)
{
    assert(p->n_stages > 0);
    assert(p->stages[0]);
    return p->stages[0];
}

static size_t index_of(const Pipeline *p, const Stage *s)
{
    size_t i = 0;

    while (i < p->n_stages && p->stages[i] != s)
        i++;
    return i;
}

static bool is_open(const Stage *s)
{
    return s->kind == STAGE_KIND_OPEN;
}

static void fail(struct pipeline_verdict *v, const char *type, str subject, const char *text)
{
    if (v->n_failures < PIPELINE_FAILURES_MAX)
        v->failures[v->n_failures++] = (struct precondition){type, subject, text};
}

/* One failure that lists the stages there are. */
static enum status unknown_stage(struct arena *a, const Pipeline *p, const char *key,
                                 struct pipeline_verdict *v)
{
    struct buf b;
    str text;

    buf_init(&b, a, STAGE_LIST_BYTES);
    buf_put(&b, STR("one of the pipeline's stages:"));
    for (size_t i = 0; i < p->n_stages; i++)
        buf_printf(&b, "%s %s", i ? "," : "", p->stages[i]->key);
    text = buf_str(&b);
    fail(v, "STAGE", str_of(key), text.p ? text.p : "one of the pipeline's stages");
    return STATUS_INVALID;
}

static const StageMove *find_move(const Pipeline *p, const Stage *from, const Stage *to)
{
    for (size_t i = 0; i < p->n_moves; i++)
        if (strcmp(p->moves[i]->from_stage, from->key) == 0 &&
            strcmp(p->moves[i]->to_stage, to->key) == 0)
            return p->moves[i];
    return NULL;
}

static void check_edge(const Pipeline *p, const struct pipeline_step *step,
                       struct pipeline_verdict *v)
{
    const StageMove *m = find_move(p, v->from, v->to);
    uint32_t allowed = 0;

    if (v->from == v->to) {
        fail(v, "STAGE_MOVE", str_of(v->to->key), "another stage than the one the deal is in");
        return;
    }
    if (!is_open(v->from) && !step->reopen) {
        fail(v, "STAGE_MOVE", str_of(v->from->key), "reopen the deal: it is closed");
        return;
    }
    if (step->reopen && (is_open(v->from) || !is_open(v->to))) {
        fail(v, "STAGE_MOVE", str_of(v->to->key), "reopening leads from a closed to an open stage");
        return;
    }
    if (!m || (bool)m->reopen != step->reopen) {
        fail(v, "STAGE_MOVE", str_of(v->to->key),
             "a move that the pipeline allows from this stage");
        return;
    }
    for (size_t i = 0; i < m->n_roles; i++)
        allowed |= 1u << m->roles[i];
    if (m->n_roles && !(allowed & step->roles))
        fail(v, "STAGE_ROLE", str_of(v->to->key), "somebody whose role may make this move");
}

static const CloseReasonOption *find_reason(const Pipeline *p, const char *code)
{
    for (size_t i = 0; i < p->n_reasons; i++)
        if (strcmp(p->reasons[i]->code, code) == 0)
            return p->reasons[i];
    return NULL;
}

static void check_reason(const Pipeline *p, const CloseReason *reason, struct pipeline_verdict *v)
{
    const CloseReasonOption *option;
    bool won = v->to->kind == STAGE_KIND_WON;

    if (is_open(v->to))
        return;
    if (!reason || !*reason->code) {
        fail(v, "CLOSE_REASON", str_of(v->to->key),
             won ? "a reason why the deal was won" : "a reason why the deal was lost");
        return;
    }
    option = find_reason(p, reason->code);
    if (!option || option->kind != v->to->kind)
        fail(v, "CLOSE_REASON", str_of(reason->code),
             won ? "one of the pipeline's win reasons" : "one of the pipeline's loss reasons");
    else if (option->needs_competitor && !*reason->competitor)
        fail(v, "CLOSE_REASON", str_of(reason->code),
             "the name of the competitor with this reason");
}

static void check_guards(const Stage *s, const Deal *d, const struct pipeline_step *step,
                         struct pipeline_verdict *v)
{
    for (size_t i = 0; i < s->n_guards; i++) {
        const StageGuard *g = s->guards[i];

        if (g->kind == GUARD_KIND_CLOSE_REASON) /* asked for of every closed stage anyway */
            continue;
        if (!guard_holds(g, d, step))
            fail(v, "STAGE_GUARD", str_of(g->name),
                 *g->remedy ? g->remedy : "the condition of this guard");
    }
}

/* Guards of the stage entered; of an open one also those of the open stages jumped over, so that no
 * guard is passed by taking two steps at once. */
static void check_way(const Pipeline *p, const Deal *d, const struct pipeline_step *step,
                      struct pipeline_verdict *v)
{
    size_t from = index_of(p, v->from), to = index_of(p, v->to);

    for (size_t i = from + 1; is_open(v->to) && !step->reopen && i < to; i++)
        if (is_open(p->stages[i]))
            check_guards(p->stages[i], d, step, v);
    check_guards(v->to, d, step, v);
}

static int64_t last_time(const Deal *d)
{
    int64_t begun = moment_us(d->created_at, INT64_MIN);

    return d->n_history ? moment_us(d->history[d->n_history - 1]->occurred_at, begun) : begun;
}

static bool is_future(int64_t us, int64_t now_us)
{
    return us > now_us + PIPELINE_AHEAD_SECONDS * MOMENT_SECOND_US;
}

static void check_time(const Deal *d, const struct pipeline_step *step, struct pipeline_verdict *v)
{
    if (is_future(step->occurred_us, step->now_us))
        fail(v, "EVENT_TIME", STR("occurred_at"), "a time that is not in the future");
    if (step->occurred_us < last_time(d))
        fail(v, "EVENT_TIME", STR("occurred_at"), "a time that is not before the deal's last move");
    if (d->n_history >= PIPELINE_HISTORY_MAX)
        fail(v, "HISTORY_FULL", STR("history"), "a deal with fewer than 200 moves");
}

static StageChangeKind kind_of(const Pipeline *p, const Stage *from, const Stage *to)
{
    if (!from)
        return STAGE_CHANGE_KIND_CREATED;
    if (!is_open(to))
        return STAGE_CHANGE_KIND_CLOSED;
    if (!is_open(from))
        return STAGE_CHANGE_KIND_REOPENED;
    return index_of(p, to) > index_of(p, from) ? STAGE_CHANGE_KIND_FORWARD : STAGE_CHANGE_KIND_BACK;
}

enum status pipeline_check_move(struct arena *a, const Pipeline *p, const Deal *d,
                                const struct pipeline_step *step, struct pipeline_verdict *out)
{
    assert(step->to_stage);
    *out = (struct pipeline_verdict){.from = pipeline_stage(p, d->stage)};
    out->to = pipeline_stage(p, step->to_stage);
    if (!out->to)
        return unknown_stage(a, p, step->to_stage, out);
    if (!out->from) {
        fail(out, "STAGE", str_of(d->stage),
             "a stage that the pipeline still has: repair the pipeline");
        return STATUS_PRECONDITION;
    }
    out->kind = kind_of(p, out->from, out->to);
    check_edge(p, step, out);
    if (!out->n_failures) { /* of an illegal move the guards do not matter */
        check_reason(p, step->reason, out);
        check_way(p, d, step, out);
    }
    check_time(d, step, out);
    return out->n_failures ? STATUS_PRECONDITION : STATUS_OK;
}

static StageChange *new_change(struct arena *a, const Deal *d, const struct pipeline_step *step,
                               const struct pipeline_verdict *v)
{
    StageChange *c = NEW(a, StageChange, 1);

    if (!c)
        return NULL;
    *c = (StageChange)STAGE_CHANGE_INIT;
    c->from_stage = v->from ? v->from->key : c->from_stage;
    c->to_stage = v->to->key;
    c->kind = v->kind;
    c->occurred_at = moment_new(a, step->occurred_us);
    c->recorded_at = moment_new(a, step->now_us);
    c->actor = step->actor;
    c->amount = d->amount;
    c->expected_close_date = d->expected_close_date;
    if (step->note && *step->note && (c->note = arena_cstr(a, str_of(step->note))) == NULL)
        return NULL;
    return c->occurred_at && c->recorded_at ? c : NULL;
}

/* What a deal in a stage looks like since a time. */
static void settle(Deal *d, const Stage *s, Timestamp *since)
{
    d->stage = s->key;
    d->stage_kind = s->kind;
    d->stage_time = since;
    d->closed_at = is_open(s) ? NULL : since;
}

enum status pipeline_move(struct arena *a, Deal *d, const struct pipeline_step *step,
                          const struct pipeline_verdict *verdict)
{
    StageChange **history, *change;

    assert(verdict->to);
    assert(verdict->n_failures == 0);
    history = NEW(a, StageChange *, d->n_history + 1);
    change = new_change(a, d, step, verdict);
    if (!history || !change)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < d->n_history; i++)
        history[i] = d->history[i];
    history[d->n_history++] = change;
    d->history = history;
    settle(d, verdict->to, change->occurred_at);
    d->close_reason = is_open(verdict->to) ? NULL : step->reason;
    return STATUS_OK;
}

/* A stable sort by time: histories are short and mostly in order. */
static void sort_history(Deal *d)
{
    for (size_t i = 1; i < d->n_history; i++) {
        StageChange *c = d->history[i];
        int64_t at = moment_us(c->occurred_at, 0);
        size_t to = i;

        for (; to > 0 && moment_us(d->history[to - 1]->occurred_at, 0) > at; to--)
            d->history[to] = d->history[to - 1];
        d->history[to] = c;
    }
}

static void check_entry(const Pipeline *p, const Deal *d, size_t i, int64_t now_us,
                        struct pipeline_verdict *v)
{
    StageChange *c = d->history[i];
    const char *before = i ? d->history[i - 1]->to_stage : "";

    v->to = pipeline_stage(p, c->to_stage);
    if (!v->to)
        fail(v, "STAGE", str_of(c->to_stage),
             "a stage of the pipeline, in every entry of the history");
    if (!c->occurred_at)
        fail(v, "EVENT_TIME", str_of(c->to_stage), "a time for every entry of the history");
    else if (is_future(moment_us(c->occurred_at, 0), now_us))
        fail(v, "EVENT_TIME", str_of(c->to_stage), "a history that lies in the past");
    if (strcmp(c->from_stage, before) != 0)
        fail(v, "HISTORY", str_of(c->to_stage), "entries that begin where the one before ended");
}

/* The past that came with a deal. */
static enum status adopt(struct arena *a, const Pipeline *p, Deal *d,
                         const struct pipeline_step *step, struct pipeline_verdict *v)
{
    Timestamp *recorded = moment_new(a, step->now_us);

    if (d->n_history > PIPELINE_HISTORY_MAX) {
        fail(v, "HISTORY_FULL", STR("history"), "a history of at most 200 entries");
        return STATUS_PRECONDITION;
    }
    if (!recorded)
        return STATUS_EXHAUSTED;
    sort_history(d);
    for (size_t i = 0; i < d->n_history; i++)
        check_entry(p, d, i, step->now_us, v);
    if (v->n_failures)
        return STATUS_PRECONDITION;
    check_reason(p, d->close_reason, v);
    if (*d->stage && strcmp(d->stage, v->to->key) != 0)
        fail(v, "HISTORY", str_of(d->stage), "a stage that is the last of the history");
    if (v->n_failures)
        return STATUS_PRECONDITION;
    for (size_t i = 0; i < d->n_history; i++) {
        StageChange *c = d->history[i];

        c->kind =
            kind_of(p, i ? pipeline_stage(p, c->from_stage) : NULL, pipeline_stage(p, c->to_stage));
        c->recorded_at = recorded;
        c->actor = step->actor;
    }
    settle(d, v->to, d->history[d->n_history - 1]->occurred_at);
    if (is_open(v->to))
        d->close_reason = NULL;
    return STATUS_OK;
}

enum status pipeline_begin(struct arena *a, const Pipeline *p, Deal *d,
                           const struct pipeline_step *step, struct pipeline_verdict *out)
{
    struct pipeline_step first = *step;

    *out = (struct pipeline_verdict){.kind = STAGE_CHANGE_KIND_CREATED};
    if (d->n_history)
        return adopt(a, p, d, step, out);
    out->to = *d->stage ? pipeline_stage(p, d->stage) : pipeline_first(p);
    if (!out->to)
        return unknown_stage(a, p, d->stage, out);
    if (!is_open(out->to))
        fail(out, "STAGE", str_of(d->stage),
             "an open stage, or a history that leads to a closed one");
    first.occurred_us = moment_us(d->created_at, step->now_us);
    if (is_future(first.occurred_us, step->now_us))
        fail(out, "EVENT_TIME", STR("created_at"), "a time that is not in the future");
    if (is_open(out->to)) {
        out->from = NULL;
        for (size_t i = 0; i <= index_of(p, out->to); i++)
            if (is_open(p->stages[i]))
                check_guards(p->stages[i], d, &first, out);
    }
    if (out->n_failures)
        return STATUS_PRECONDITION;
    return pipeline_move(a, d, &first, out);
}

double pipeline_chance(const Pipeline *p, const Deal *d)
{
    const Stage *s = pipeline_stage(p, d->stage);

    return s ? s->probability : 0;
}

ForecastCategory pipeline_category(const Pipeline *p, const Deal *d)
{
    const Stage *s = pipeline_stage(p, d->stage);

    if (s && !is_open(s)) /* a closed deal is what its stage says, whatever was hoped */
        return s->category                 ? s->category
               : s->kind == STAGE_KIND_WON ? FORECAST_CATEGORY_CLOSED
                                           : FORECAST_CATEGORY_OMITTED;
    if (d->category != FORECAST_CATEGORY_UNSPECIFIED)
        return d->category;
    return s && s->category ? s->category : FORECAST_CATEGORY_PIPELINE;
}

bool pipeline_is_rotting(const Pipeline *p, const Deal *d, int64_t now_us)
{
    const Stage *s = pipeline_stage(p, d->stage);

    return s && is_open(s) && s->rotting_days > 0 && d->stage_time &&
           now_us - moment_us(d->stage_time, now_us) > s->rotting_days * MOMENT_DAY_US;
}
