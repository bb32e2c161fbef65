/* Threads that take the next question until there is none, each question with a call of its own;
 * answers are copied into the caller's when all have ended. */
#include "workflow/lead_insight.h"

#include <pthread.h>
#include <stdatomic.h>

#include "ai/guarded_call.h"
#include "base/buf.h"
#include "base/wait.h"
#include "schema/wire.h"

enum {
    ASK_BYTES = 8 << 20, /* memory of one question: texts, prompt, answer */
    STACK_BYTES = 512 << 10,
    INPUTS = 13,
    REASONS = 3,
    REASON_BYTES = 180, /* the prompt takes 200 */
    TEXT_MOST = 2000,   /* of one activity */
};

void insight_texts_init(struct insight_texts *t, struct arena *a)
{
    *t = (struct insight_texts){.n = 0};
    buf_init(&t->notes, a, INSIGHT_TEXT_BYTES + 1);
    buf_init(&t->activities, a, INSIGHT_TEXT_BYTES + 1);
}

void insight_texts_add(struct insight_texts *t, const Activity *a)
{
    struct buf *to = a->kind == ACTIVITY_KIND_NOTE ? &t->notes : &t->activities;
    str subject = str_of(a->subject), body = str_sub(str_of(a->body), 0, TEXT_MOST);

    if (t->n == INSIGHT_ACTIVITIES_MAX || (!subject.n && !body.n) ||
        to->n + subject.n + body.n + 2 > INSIGHT_TEXT_BYTES)
        return;
    t->n++;
    buf_put(to, subject);
    if (subject.n && body.n)
        buf_put(to, STR(": "));
    buf_put(to, body); /* the guard repairs a character that was cut */
    buf_putc(to, '\n');
}

bool lead_insight_wanted(const struct agents *a, const TenantPolicy *policy, InsightMode mode)
{
    const AiPolicy *ai = policy->ai;

    if (!a->guard || mode == INSIGHT_MODE_OFF || (ai && ai->scoring_disabled))
        return false;
    return mode == INSIGHT_MODE_PREFERRED ||
           (ai && !ai->external_disabled && ai->monthly_budget_micro_usd);
}

/* One question on its way. */
struct asking {
    struct call call;
    struct agents *agents;
    const struct insight_round *round;
    struct lead_insight *item;
    struct guard_answer answer;
    enum status status;
};

/* Questions for several threads to take from. */
struct queue {
    struct asking *list; /* [n] */
    size_t n;
    atomic_size_t next;
};

static struct ai_input text_of(const char *name, str text)
{
    return (struct ai_input){.name = name, .kind = AI_TEXT, .text = text};
}

static struct ai_input number_of(const char *name, double number)
{
    return (struct ai_input){.name = name, .kind = AI_NUMBER, .number = number};
}

/* Our words only: neither values nor names of attributes, which are somebody's, belong into a
 * trusted slot. */
static str reason_of(struct arena *a, const LeadScore *s, size_t i)
{
    const Contribution *c = i < s->n_contributions ? s->contributions[i] : NULL;
    char *text;

    if (!c)
        return (str){0};
    text = arena_printf(a, "%+.1f points: %.*s", (double)c->points_milli / 1000, REASON_BYTES - 30,
                        c->group == SIGNAL_GROUP_CUSTOM ? "a custom field" : c->reason);
    return str_of(text);
}

static str missing_of(struct arena *a, const LeadScore *s)
{
    struct buf b;

    buf_init(&b, a, 400);
    for (size_t i = 0; i < s->n_missing_inputs && b.n + 80 < 400; i++)
        buf_printf(&b, "%s%s", i ? ", " : "", s->missing_inputs[i]->signal);
    return buf_str(&b);
}

static size_t fill(struct arena *a, const TenantPolicy *policy, const struct lead_insight *i,
                   struct ai_input *in)
{
    static const char *const REASON[REASONS] = {"top_reason", "second_reason", "third_reason"};
    const Company *company = i->lead->company;
    size_t n = 0;

    in[n++] = number_of("points", i->score->score);
    in[n++] = text_of(
        "band", str_of(arena_printf(a, "%.0f to %.0f", i->score->band->low, i->score->band->high)));
    for (size_t r = 0; r < REASONS; r++) {
        str reason = reason_of(a, i->score, r);

        if (reason.n || r == 0)
            in[n++] = text_of(REASON[r], reason.n ? reason : STR("nothing is known"));
    }
    in[n++] = text_of("missing", missing_of(a, i->score));
    in[n++] = number_of("max_adjustment", guard_adjustment_max(policy));
    in[n++] = text_of("company", company ? str_of(company->name) : (str){0});
    in[n++] = text_of("industry", company ? str_of(company->industry) : (str){0});
    in[n++] = text_of("person_title", str_of(i->lead->job_title));
    in[n++] = text_of("person_name", str_of(i->lead->full_name));
    in[n++] = text_of("notes", i->notes);
    in[n++] = text_of("activities", i->activities);
    return n;
}

enum status lead_insight_question(struct call *c, const TenantPolicy *policy,
                                  const struct lead_insight *i, struct guard_ask *out)
{
    struct ai_input *in = NEW(&c->arena, struct ai_input, INPUTS + 1);
    str *names = NEW(&c->arena, str, 3);

    if (!in || !names)
        return call_nomem(c);
    names[0] = str_of(i->lead->full_name);
    names[1] = str_of(i->lead->given_name);
    names[2] = str_of(i->lead->family_name);
    *out = (struct guard_ask){.task = AI_TASK_LEAD_INSIGHT,
                              .purpose = GUARD_SCORING,
                              .policy = policy,
                              .inputs = in,
                              .names = names,
                              .n_names = 3};
    out->n_inputs = fill(&c->arena, policy, i, in);
    return STATUS_OK;
}

static enum status ask(struct asking *k)
{
    struct guard_ask q;

    TRY(lead_insight_question(&k->call, k->round->policy, k->item, &q));
    q.mode = k->round->mode;
    q.given = k->round->given;
    return guarded_call(k->agents->guard, &k->call, &q, &k->answer);
}

/* In each of the threads, or in the caller's if there are none. */
static void *work(void *arg)
{
    struct queue *q = arg;
    size_t i;

    while ((i = atomic_fetch_add(&q->next, 1)) < q->n)
        q->list[i].status = ask(&q->list[i]);
    return NULL;
}

static void prepare(struct asking *k, struct call *c)
{
    call_init(&k->call, c->clock, ASK_BYTES);
    k->call.deadline_ns = c->deadline_ns;
    k->call.cancelled = c->cancelled;
    k->call.principal = c->principal;
    k->call.trace = c->trace;
    k->call.method = c->method;
    k->call.peer = c->peer;
    k->call.request_id = "";
}

/* Returns when all questions are answered. */
static void run(struct queue *q)
{
    pthread_t threads[INSIGHT_IN_FLIGHT];
    pthread_attr_t attr;
    size_t n = 0;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    while (n < INSIGHT_IN_FLIGHT && n < q->n && !pthread_create(&threads[n], &attr, work, q))
        n++;
    pthread_attr_destroy(&attr);
    if (n == 0)
        work(q);
    wait_begins();
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    wait_ends();
}

static enum status copy_calls(struct call *c, const struct guard_answer *from,
                              struct lead_insight *to)
{
    if ((to->calls = NEW(&c->arena, AiCall *, from->n_calls + 1)) == NULL)
        return call_nomem(c);
    for (size_t i = 0; i < from->n_calls; i++) {
        to->calls[i] = (AiCall *)message_copy(&c->arena, &from->calls[i]->base);
        if (!to->calls[i])
            return call_nomem(c);
    }
    to->n_calls = from->n_calls;
    return STATUS_OK;
}

/* The answer as the start of a score holds it. */
static enum status take(struct call *c, const struct insight_round *round,
                        const struct guard_answer *from, struct lead_insight *to)
{
    const struct schema_value *text = schema_field(&from->fields, "insight");
    const AiCall *last = from->n_calls ? from->calls[from->n_calls - 1] : NULL;
    int32_t most = guard_adjustment_max(round->policy), points = from->adjustment;
    InsightAnswer i = INSIGHT_ANSWER_INIT;

    i.text = text ? arena_cstr(&c->arena, text->text) : (char *)"";
    i.adjustment = points > most ? most : points < -most ? -most : points;
    i.quality = from->quality;
    i.prompt_id = arena_cstr(&c->arena, str_of(from->prompt_id));
    i.prompt_version = arena_printf(&c->arena, "%d", from->prompt_version);
    i.prompt_sha256 = arena_cstr(&c->arena, str_of(from->prompt_sha256));
    i.ai_model = arena_cstr(&c->arena, last ? str_of(last->model) : STR("local"));
    if (!i.text || !i.prompt_id || !i.prompt_version || !i.prompt_sha256 || !i.ai_model)
        return call_nomem(c);
    if ((to->answer = NEW(&c->arena, InsightAnswer, 1)) == NULL)
        return call_nomem(c);
    *to->answer = i;
    return copy_calls(c, from, to);
}

static enum status finish(struct asking *k, struct call *c)
{
    enum status s = STATUS_OK;

    if (k->status == STATUS_OK)
        s = take(c, k->round, &k->answer, k->item);
    call_release(&k->call);
    return s;
}

enum status lead_insight_ask(struct call *c, struct agents *a, const struct insight_round *round)
{
    struct queue q = {.list = NEW(&c->arena, struct asking, round->n + 1)};
    enum status s = STATUS_OK, one;

    if (!q.list)
        return call_nomem(c);
    for (size_t i = 0; i < round->n; i++) {
        if (!round->list[i].score)
            continue;
        q.list[q.n].agents = a;
        q.list[q.n].round = round;
        q.list[q.n].item = &round->list[i];
        prepare(&q.list[q.n++], c);
    }
    run(&q);
    for (size_t i = 0; i < q.n; i++) {
        one = finish(&q.list[i], c);
        s = s == STATUS_OK ? one : s;
    }
    return s == STATUS_OK ? call_check(c) : s;
}
