/* Records into facts: one function per group of rows. */
#include "domain/action.h"
#include "domain/feature.h"
#include "domain/moment.h"
#include "domain/signal.h"

#define F(name) (&out->f[ACTION_FACT_##name])

static const char *const feature_names[] = {
#define FACT(name, kind, record, field)
#define FEATURE(name) #name,
#include "domain/action.def"
#undef FACT
#undef FEATURE
};

static const enum action_fact_id feature_facts[] = {
#define FACT(name, kind, record, field)
#define FEATURE(name) ACTION_FACT_##name,
#include "domain/action.def"
#undef FACT
#undef FEATURE
};

enum { FEATURES = sizeof feature_names / sizeof *feature_names };

/* Passive ones are signals of the score; they are no turning to us. */
static bool is_said(const Activity *a)
{
    switch ((int)a->event) {
    case ACTIVITY_EVENT_EMAIL_OPENED:
    case ACTIVITY_EVENT_EMAIL_CLICKED:
    case ACTIVITY_EVENT_EMAIL_BOUNCED:
    case ACTIVITY_EVENT_PAGE_VIEW:
    case ACTIVITY_EVENT_PRICING_VIEW:
    case ACTIVITY_EVENT_COMPARISON_VIEW:
    case ACTIVITY_EVENT_DOCS_VIEW: return false;
    case ACTIVITY_EVENT_UNSPECIFIED: return a->kind != ACTIVITY_KIND_WEB;
    default: return a->kind != ACTIVITY_KIND_NOTE && a->kind != ACTIVITY_KIND_TASK;
    }
}

/* Who turned to whom, where the activity does not say. */
static ActivityDirection direction_of(const Activity *a)
{
    if (a->direction != ACTIVITY_DIRECTION_UNSPECIFIED)
        return a->direction;
    switch ((int)a->event) {
    case ACTIVITY_EVENT_EMAIL_REPLIED:
    case ACTIVITY_EVENT_FORM_SUBMITTED:
    case ACTIVITY_EVENT_DEMO_REQUESTED:
    case ACTIVITY_EVENT_ASSET_DOWNLOADED:
    case ACTIVITY_EVENT_WEBINAR_REGISTERED:
    case ACTIVITY_EVENT_WEBINAR_ATTENDED:
    case ACTIVITY_EVENT_TRIAL_STARTED:
    case ACTIVITY_EVENT_PRODUCT_ACTIVATED:
    case ACTIVITY_EVENT_RFP_RECEIVED: return ACTIVITY_DIRECTION_INBOUND;
    case ACTIVITY_EVENT_EMAIL_SENT:
    case ACTIVITY_EVENT_CALL_MISSED:
    case ACTIVITY_EVENT_CALL_VOICEMAIL: return ACTIVITY_DIRECTION_OUTBOUND;
    default: return ACTIVITY_DIRECTION_UNSPECIFIED;
    }
}

void action_past_init(struct action_past *p, int64_t as_of_us)
{
    *p = (struct action_past){
        .heard_us = ROLLUP_NEVER, .written_us = ROLLUP_NEVER, .met_us = ROLLUP_NEVER};
    activity_rollup_init(&p->rollup, as_of_us);
}

/* Equal instants: the greater id, so that the order in which they come does not count. */
static void keep_latest(const Activity **latest, int64_t *at_us, const Activity *a, int64_t us)
{
    if (*latest && (us < *at_us || (us == *at_us && strcmp(a->id, (*latest)->id) <= 0)))
        return;
    *latest = a;
    *at_us = us;
}

/* A conversation that took place is both: they were heard and answered. */
static bool is_mutual(const Activity *a)
{
    return a->event == ACTIVITY_EVENT_CALL_CONNECTED || a->event == ACTIVITY_EVENT_MEETING_HELD;
}

void action_past_add(struct action_past *p, const Activity *a)
{
    int64_t us = moment_us(a->occurred_at, ROLLUP_NEVER);
    ActivityDirection d = direction_of(a);

    if (us == ROLLUP_NEVER || us > p->rollup.as_of_us)
        return;
    activity_rollup_add(&p->rollup, a);
    p->is_booked_ahead |= (a->kind == ACTIVITY_KIND_MEETING || a->kind == ACTIVITY_KIND_TASK) &&
                          moment_us(a->due_time, 0) > p->rollup.as_of_us;
    if ((a->event == ACTIVITY_EVENT_MEETING_BOOKED || a->event == ACTIVITY_EVENT_MEETING_HELD) &&
        us > p->met_us)
        p->met_us = us;
    if (!is_said(a))
        return;
    if (d == ACTIVITY_DIRECTION_INBOUND || is_mutual(a)) {
        keep_latest(&p->heard, &p->heard_us, a, us);
        p->n_heard++;
    }
    if (d == ACTIVITY_DIRECTION_OUTBOUND || is_mutual(a)) {
        keep_latest(&p->written, &p->written_us, a, us);
        p->n_written++;
    }
}

static void set(struct action_fact *f, double number, const char *record_id)
{
    f->known = true;
    f->number = number;
    f->record_id = record_id;
}

static void set_text(struct action_fact *f, const char *text, const char *record_id)
{
    if (!text || !*text)
        return;
    set(f, 1, record_id);
    f->text = str_of(text);
}

static double days_between(int64_t from_us, int64_t to_us)
{
    int64_t days = (to_us - from_us) / MOMENT_DAY_US;

    return (double)days;
}

static void read_lead(const struct action_scene *s, struct action_facts *out)
{
    const Lead *l = s->lead;

    set(F(open_channels), action_open_channels(s), NULL);
    if (!l)
        return;
    set(F(status), l->status, l->id);
    if (l->score) {
        set(F(score), l->score->score, l->id);
        set(F(score_stale), s->past->heard_us > moment_us(l->score->scored_at, INT64_MAX), l->id);
    }
    if (l->created_at)
        set(F(lead_age), days_between(moment_us(l->created_at, s->now_us), s->now_us), l->id);
    set(F(has_phone), *l->phone != 0, l->id);
    set(F(has_email), *l->email != 0, l->id);
    set(F(legal_hold), l->legal_hold, l->id);
}

static bool asks(const Activity *a, ReplyClass reply)
{
    bool is_text = a->kind == ACTIVITY_KIND_EMAIL || a->kind == ACTIVITY_KIND_CHAT;

    return reply == REPLY_CLASS_QUESTION ||
           (is_text && reply == REPLY_CLASS_UNSPECIFIED &&
            memchr(a->body, '?', strnlen(a->body, ACTION_QUESTION_BYTES)) != NULL);
}

/* They asked for us; reading and watching is interest, but no question. */
static bool raises_hand(const Activity *a, ReplyClass reply)
{
    switch ((int)a->event) {
    case ACTIVITY_EVENT_FORM_SUBMITTED:
    case ACTIVITY_EVENT_DEMO_REQUESTED:
    case ACTIVITY_EVENT_TRIAL_STARTED:
    case ACTIVITY_EVENT_RFP_RECEIVED: return true;
    default: break;
    }
    return reply == REPLY_CLASS_UNSPECIFIED &&
           (a->kind == ACTIVITY_KIND_CHAT || a->kind == ACTIVITY_KIND_CALL);
}

static void read_heard(const struct action_past *p, bool is_open, struct action_facts *out)
{
    bool is_reply = p->rollup.last_reply_us == p->heard_us;
    ReplyClass reply = is_reply ? p->rollup.last_reply : REPLY_CLASS_UNSPECIFIED;

    if (reply != REPLY_CLASS_UNSPECIFIED)
        set(F(reply), reply, p->heard->id);
    set(F(raised), is_open && raises_hand(p->heard, reply), p->heard->id);
    set(F(question), is_open && asks(p->heard, reply), p->heard->id);
    set(F(objection), is_open && reply == REPLY_CLASS_OBJECTION, p->heard->id);
}

static int64_t later_of(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

static void read_past(const struct action_scene *s, struct action_facts *out)
{
    const struct action_past *p = s->past;
    int64_t born_us = moment_us(s->deal   ? s->deal->created_at
                                : s->lead ? s->lead->created_at
                                          : NULL,
                                s->now_us);
    int64_t touched_us = later_of(p->heard_us, p->written_us);
    bool is_open = p->heard && p->heard_us > p->written_us;

    set(F(n_heard), p->n_heard, NULL);
    set(F(n_written), p->n_written, NULL);
    set(F(booked_ahead), p->is_booked_ahead, NULL);
    set(F(unanswered), is_open, is_open ? p->heard->id : NULL);
    set(F(days_silent), days_between(later_of(born_us, touched_us), s->now_us), NULL);
    set(F(days_unwritten), days_between(p->written ? p->written_us : born_us, s->now_us),
        p->written ? p->written->id : NULL);
    if (p->heard) {
        set(F(heard), (double)p->heard_us, p->heard->id);
        set(F(days_unheard), days_between(p->heard_us, s->now_us), p->heard->id);
        read_heard(p, is_open, out);
    }
    if (p->written)
        set(F(written), (double)p->written_us, p->written->id);
    if (touched_us != ROLLUP_NEVER)
        set(F(touched), (double)touched_us, NULL);
}

/* The field that a score misses most. */
static void read_missing(const struct feature_vector *v, const char *lead_id,
                         struct action_facts *out)
{
    size_t n;
    const struct signal *rows = signal_rows(&n), *most = NULL;

    for (size_t i = 0; i < n && i < v->n_signals; i++)
        if (!v->items[i].known && rows[i].weight > 0 && *rows[i].field &&
            (!most || rows[i].weight > most->weight))
            most = &rows[i];
    if (!most)
        return;
    set_text(F(missing), most->field, lead_id);
    set(F(missing_weight), most->weight, lead_id);
}

/* A deal without a lead is seen through a lead that has nothing but its company. */
static enum status read_features(struct arena *a, const struct action_scene *s,
                                 struct action_facts *out)
{
    struct feature_vector v;
    struct refusal why;
    Lead husk = LEAD_INIT;
    const struct score_input in = {.lead = s->lead ? s->lead : &husk,
                                   .activity = &s->past->rollup,
                                   .policy = s->policy->qualification,
                                   .as_of_us = s->now_us,
                                   .now_us = s->now_us};
    enum status status;

    if (s->deal)
        husk.company = s->deal->company;
    status = feature_vector_make(a, &in, &v, &why);
    if (status == STATUS_INVALID)
        return STATUS_OK; /* it comes about later than now: nothing is known of it yet */
    TRY(status);
    for (size_t i = 0; i < FEATURES; i++)
        for (size_t j = 0; j < v.n_signals; j++)
            if (v.items[j].known && v.items[j].type != FEATURE_CATEGORY &&
                strcmp(v.items[j].name, feature_names[i]) == 0)
                set(&out->f[feature_facts[i]], v.items[j].number, NULL);
    if (s->lead)
        read_missing(&v, s->lead->id, out);
    return STATUS_OK;
}

static bool is_buyer(BuyingRole role)
{
    return role == BUYING_ROLE_ECONOMIC_BUYER || role == BUYING_ROLE_DECISION_MAKER;
}

static void read_dates(const struct action_scene *s, struct action_facts *out)
{
    const Deal *d = s->deal;
    int64_t today = s->now_us / MOMENT_DAY_US, day;

    set(F(has_close_date), *d->expected_close_date != 0, d->id);
    set_text(F(close_date), d->expected_close_date, d->id);
    if (date_parse(str_of(d->expected_close_date), &day))
        set(F(close_days), (double)(day - today), d->id);
    set(F(has_next_step), *d->next_step != 0, d->id);
    set_text(F(step_date), d->next_step_date, d->id);
    if (date_parse(str_of(d->next_step_date), &day))
        set(F(step_late), (double)(today - day), d->id);
}

static const Stage *next_open(const Pipeline *p, const char *key)
{
    bool is_behind = false;

    for (size_t i = 0; i < p->n_stages; i++) {
        if (is_behind && p->stages[i]->kind == STAGE_KIND_OPEN)
            return p->stages[i];
        is_behind |= strcmp(p->stages[i]->key, key) == 0;
    }
    return NULL;
}

/* Whether the next open stage lets the deal in, or what it still asks for. */
static enum status read_next_stage(struct arena *a, const struct action_scene *s,
                                   struct action_facts *out)
{
    const Stage *next = next_open(s->pipeline, s->deal->stage);
    struct pipeline_step step = {.roles = ROLE_BIT_ADMIN, .now_us = s->now_us};
    struct pipeline_verdict verdict;
    enum status status;

    if (!next)
        return STATUS_OK;
    step.to_stage = next->key;
    step.note = "";
    step.occurred_us = s->now_us;
    step.lead_disqualified = s->lead && s->lead->status == LEAD_STATUS_DISQUALIFIED;
    for (int k = 0; k < ACTIVITY_KIND_N; k++)
        step.n_activities[k] = s->past->rollup.n_kind[k][ROLLUP_EVER];
    status = pipeline_check_move(a, s->pipeline, s->deal, &step, &verdict);
    if (status == STATUS_EXHAUSTED)
        return status;
    if (status == STATUS_OK)
        set_text(F(next_stage), next->key, s->deal->id);
    else if (verdict.n_failures)
        set_text(F(unmet), verdict.failures[0].text, s->deal->id);
    return STATUS_OK;
}

static enum status read_deal(struct arena *a, const struct action_scene *s,
                             struct action_facts *out)
{
    const Deal *d = s->deal;
    bool has_buyer = false;

    for (size_t i = 0; i < d->n_contacts; i++)
        has_buyer |= is_buyer(d->contacts[i]->role);
    set(F(is_open), d->stage_kind == STAGE_KIND_OPEN, d->id);
    set_text(F(stage), d->stage, d->id);
    set(F(contacts), (double)d->n_contacts, d->id);
    set(F(has_buyer), has_buyer, d->id);
    set(F(pushes), d->push_count, d->id);
    if (d->n_competitors)
        set_text(F(competitor), d->competitors[0], d->id);
    if (*d->decision_id)
        set(F(prediction), d->score, d->id);
    read_dates(s, out);
    if (!s->pipeline || d->stage_kind != STAGE_KIND_OPEN)
        return STATUS_OK;
    set(F(chance), (double)(int)(pipeline_chance(s->pipeline, d) * 100 + 0.5), d->id);
    set(F(rotting), pipeline_is_rotting(s->pipeline, d, s->now_us), d->id);
    return read_next_stage(a, s, out);
}

enum status action_facts_read(struct arena *a, const struct action_scene *s,
                              struct action_facts *out)
{
    *out = (struct action_facts){0};
    read_lead(s, out);
    read_past(s, out);
    TRY(read_features(a, s, out));
    return s->deal ? read_deal(a, s, out) : STATUS_OK;
}
