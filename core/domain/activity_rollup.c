/* Counting activities into windows. */
#include "domain/activity_rollup.h"

#include "base/str.h"
#include "domain/moment.h"
#include "domain/outcome.h"

enum { TALK_SECONDS_MAX = 31 * 86400 }; /* as Activity.duration says */

static const int window_days[N_ROLLUP_WINDOWS] = {
    [ROLLUP_7D] = 7, [ROLLUP_28D] = 28, [ROLLUP_90D] = 90, [ROLLUP_EVER] = 4000000};

void activity_rollup_init(struct activity_rollup *r, int64_t as_of_us)
{
    *r = (struct activity_rollup){.as_of_us = as_of_us,
                                  .last_touch_us = ROLLUP_NEVER,
                                  .last_inbound_us = ROLLUP_NEVER,
                                  .last_outbound_us = ROLLUP_NEVER,
                                  .first_inbound_us = ROLLUP_NEVER,
                                  .first_outbound_us = ROLLUP_NEVER,
                                  .last_reply_us = ROLLUP_NEVER,
                                  .first_web_28_us = ROLLUP_NEVER,
                                  .last_web_28_us = ROLLUP_NEVER,
                                  .first_reply_us = ROLLUP_NEVER};
}

/* Who started it, where the activity does not say. */
static ActivityDirection direction_of(const Activity *a)
{
    if (a->direction != ACTIVITY_DIRECTION_UNSPECIFIED)
        return a->direction;
    switch ((int)a->event) {
    case ACTIVITY_EVENT_EMAIL_OPENED:
    case ACTIVITY_EVENT_EMAIL_CLICKED:
    case ACTIVITY_EVENT_EMAIL_REPLIED:
    case ACTIVITY_EVENT_FORM_SUBMITTED:
    case ACTIVITY_EVENT_DEMO_REQUESTED:
    case ACTIVITY_EVENT_RFP_RECEIVED: return ACTIVITY_DIRECTION_INBOUND;
    case ACTIVITY_EVENT_EMAIL_SENT: return ACTIVITY_DIRECTION_OUTBOUND;
    default:
        return a->kind == ACTIVITY_KIND_WEB ? ACTIVITY_DIRECTION_INBOUND
                                            : ACTIVITY_DIRECTION_UNSPECIFIED;
    }
}

/* A bounce, an opened mail, a note or an automatic answer is no sign of life. */
static bool is_touch(const Activity *a)
{
    return a->kind != ACTIVITY_KIND_NOTE && a->kind != ACTIVITY_KIND_TASK &&
           a->event != ACTIVITY_EVENT_EMAIL_BOUNCED && a->event != ACTIVITY_EVENT_EMAIL_OPENED;
}

static ReplyClass reply_class_of(const Activity *a)
{
    for (size_t i = 0; i < a->n_attributes; i++) {
        const AttributeValue *v = a->attributes[i]->value;

        if (strcmp(a->attributes[i]->key, "reply_class") != 0 || !v ||
            v->kind_case != SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE)
            continue;
        for (int c = 1; c < REPLY_CLASS_N; c++) {
            str name = str_of(reply_class_name((ReplyClass)c));

            if (str_eq_nocase(str_sub(name, sizeof "REPLY_CLASS", name.n), str_of(v->string_value)))
                return (ReplyClass)c;
        }
    }
    return REPLY_CLASS_UNSPECIFIED;
}

static void later(int64_t *last, int64_t us)
{
    if (us > *last)
        *last = us;
}

static void earlier(int64_t *first, int64_t us)
{
    if (*first == ROLLUP_NEVER || us < *first)
        *first = us;
}

static void count(struct activity_rollup *r, const Activity *a, ActivityDirection d, int64_t age_us)
{
    for (int w = 0; w < N_ROLLUP_WINDOWS; w++) {
        if (age_us > window_days[w] * MOMENT_DAY_US)
            continue;
        if ((unsigned)a->event < ACTIVITY_EVENT_N)
            r->n_event[a->event][w]++;
        if ((unsigned)a->kind < ACTIVITY_KIND_N)
            r->n_kind[a->kind][w]++;
        r->n_inbound[w] += d == ACTIVITY_DIRECTION_INBOUND && is_touch(a);
        r->n_outbound[w] += d == ACTIVITY_DIRECTION_OUTBOUND && is_touch(a);
    }
}

static bool is_bot(const Activity *a)
{
    for (size_t i = 0; i < a->n_attributes; i++) {
        const AttributeValue *v = a->attributes[i]->value;

        if (strcmp(a->attributes[i]->key, "bot") == 0 && v &&
            v->kind_case == SALES__V1__ATTRIBUTE_VALUE__KIND_BOOL_VALUE)
            return v->bool_value;
    }
    return false;
}

/* Openings and clicks of mail, which machines do as well. True: this one was a machine's. */
static bool count_mail_read(struct activity_rollup *r, const Activity *a, int64_t age_us)
{
    bool bot;

    if (a->event != ACTIVITY_EVENT_EMAIL_OPENED && a->event != ACTIVITY_EVENT_EMAIL_CLICKED)
        return false;
    bot = is_bot(a);
    if (age_us <= window_days[ROLLUP_28D] * MOMENT_DAY_US) {
        r->n_mail_reads_28d++;
        r->n_bot_28d += bot;
    }
    return bot;
}

static void count_visit(struct activity_rollup *r, const Activity *a, int64_t us)
{
    int64_t age_us = r->as_of_us - us;

    if (a->kind != ACTIVITY_KIND_WEB || age_us >= 28 * MOMENT_DAY_US)
        return;
    r->web_days_28 |= UINT64_C(1) << (age_us / MOMENT_DAY_US);
    earlier(&r->first_web_28_us, us);
    later(&r->last_web_28_us, us);
}

/* Time spent in talking; a duration that no call has is left out. */
static void count_talk(struct activity_rollup *r, const Activity *a, int64_t age_us)
{
    int64_t seconds = a->duration ? a->duration->seconds : 0;

    if (seconds <= 0 || seconds > TALK_SECONDS_MAX ||
        age_us > window_days[ROLLUP_90D] * MOMENT_DAY_US)
        return;
    if (a->kind == ACTIVITY_KIND_CALL)
        r->call_seconds_90d += (uint64_t)seconds;
    if (a->kind == ACTIVITY_KIND_MEETING)
        r->meeting_seconds_90d += (uint64_t)seconds;
}

static void take_inbound(struct activity_rollup *r, const Activity *a, int64_t us)
{
    ReplyClass reply = reply_class_of(a);

    later(&r->last_inbound_us, us);
    earlier(&r->first_inbound_us, us);
    if (a->event == ACTIVITY_EVENT_EMAIL_REPLIED)
        earlier(&r->first_reply_us, us);
    if (r->as_of_us - us < 28 * MOMENT_DAY_US)
        r->inbound_days_28 |= UINT64_C(1) << ((r->as_of_us - us) / MOMENT_DAY_US);
    if (reply != REPLY_CLASS_UNSPECIFIED &&
        (us > r->last_reply_us || (us == r->last_reply_us && reply > r->last_reply))) {
        r->last_reply_us = us;
        r->last_reply = reply;
    }
}

void activity_rollup_add(struct activity_rollup *r, const Activity *a)
{
    int64_t us = moment_us(a->occurred_at, moment_us(a->create_time, ROLLUP_NEVER));
    ActivityDirection d = direction_of(a);

    if (us == ROLLUP_NEVER || us > r->as_of_us || outcome_is_activity(a))
        return;
    r->n++;
    if (count_mail_read(r, a, r->as_of_us - us))
        return;
    count(r, a, d, r->as_of_us - us);
    count_visit(r, a, us);
    count_talk(r, a, r->as_of_us - us);
    if (!is_touch(a))
        return;
    later(&r->last_touch_us, us);
    if (d == ACTIVITY_DIRECTION_OUTBOUND) {
        later(&r->last_outbound_us, us);
        earlier(&r->first_outbound_us, us);
    }
    if (d == ACTIVITY_DIRECTION_INBOUND)
        take_inbound(r, a, us);
}
