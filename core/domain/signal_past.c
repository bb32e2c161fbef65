/* Signals of the past: what the person did, what the account did, and when. */
#include "domain/moment.h"
#include "domain/signal_eval.h"

static int n_days(uint64_t bits)
{
    int n = 0;

    for (; bits; bits &= bits - 1)
        n++;
    return n;
}

struct signal_value eval_events(const struct scene *s, const struct signal *row)
{
    if (!s->r)
        return SIGNAL_MISSING;
    return measured(part(s->r->n_event[row->a][row->b], row->c), s->r->n_event[row->a][row->b]);
}

struct signal_value eval_kinds(const struct scene *s, const struct signal *row)
{
    if (!s->r)
        return SIGNAL_MISSING;
    return measured(part(s->r->n_kind[row->a][row->b], row->c), s->r->n_kind[row->a][row->b]);
}

struct signal_value eval_active_days(const struct scene *s, const struct signal *row)
{
    int n;

    if (!s->r)
        return SIGNAL_MISSING;
    n = n_days(s->r->inbound_days_28);
    return measured(part(n - 1, row->a), n); /* a single day is no return */
}

struct signal_value eval_channels(const struct scene *s, const struct signal *row)
{
    int n = 0;

    if (!s->r)
        return SIGNAL_MISSING;
    for (int k = ACTIVITY_KIND_EMAIL; k < ACTIVITY_KIND_N; k++)
        if (k != ACTIVITY_KIND_NOTE && k != ACTIVITY_KIND_TASK)
            n += s->r->n_kind[k][ROLLUP_90D] > 0;
    return measured(part(n - 1, row->a - 1), n);
}

struct signal_value eval_hand_raise(const struct scene *s, const struct signal *row)
{
    if (!s->r)
        return SIGNAL_MISSING;
    if (s->r->last_inbound_us == ROLLUP_NEVER)
        return measured(0, 0);
    return say(s->in->as_of_us - s->r->last_inbound_us <= row->a * MOMENT_DAY_US ? 1000 : 0,
               "they came to us");
}

struct signal_value eval_reply(const struct scene *s, const struct signal *row)
{
    static const int shares[REPLY_CLASS_N] = {
        [REPLY_CLASS_POSITIVE] = 1000, [REPLY_CLASS_MEETING] = 1000,  [REPLY_CLASS_QUESTION] = 600,
        [REPLY_CLASS_REFERRAL] = 300,  [REPLY_CLASS_OBJECTION] = 100, [REPLY_CLASS_NOT_NOW] = -200};

    (void)row;
    if (!s->r || s->r->last_reply == REPLY_CLASS_UNSPECIFIED)
        return SIGNAL_MISSING;
    return say(shares[s->r->last_reply], reply_class_name(s->r->last_reply));
}

struct signal_value eval_reply_is(const struct scene *s, const struct signal *row)
{
    int class;

    if (!s->r)
        return SIGNAL_MISSING;
    class = (int)s->r->last_reply;
    return class && (class == row->a || class == row->b)
               ? say(1000, reply_class_name(s->r->last_reply))
               : measured(0, 0);
}

struct signal_value eval_account_count(const struct scene *s, const struct signal *row)
{
    uint32_t n;

    if (!s->account || (row->a == 1 && !s->account->active_known))
        return SIGNAL_MISSING;
    n = row->a == 0   ? s->account->n_contacts
        : row->a == 1 ? s->account->n_active_14d
                      : s->account->n_roles;
    return measured(part((int64_t)n - 1, row->b - 1), n); /* the first is the lead itself */
}

struct signal_value eval_account_flag(const struct scene *s, const struct signal *row)
{
    bool set;

    if (!s->account)
        return SIGNAL_MISSING;
    set = row->a == 0   ? s->account->economic_buyer_seen
          : row->a == 1 ? s->account->open_deal
          : row->a == 2 ? s->account->won_before
          : row->a == 3 ? s->account->lost_90d
                        : s->account->lost_before;
    return yes_no(set);
}

struct signal_value eval_age(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {
        {7, 1000}, {30, 500}, {90, 0}, {365, -500}, {INT64_MAX, -1000}};
    int64_t born = moment_us(s->lead->created_at, moment_us(s->lead->create_time, INT64_MIN)), days;

    (void)row;
    if (!signal_is_date(born) || !score_has_begun(s->lead, s->in->as_of_us))
        return SIGNAL_MISSING;
    days = born < s->in->as_of_us ? (s->in->as_of_us - born) / MOMENT_DAY_US : 0;
    return measured(band_of(bands, days), (double)days);
}

struct signal_value eval_since(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{7, 1000}, {30, 400}, {90, -300}, {INT64_MAX, -1000}};
    int64_t last = !s->r    ? ROLLUP_NEVER
                   : row->a ? s->r->last_inbound_us
                            : s->r->last_touch_us,
            days;

    if (last == ROLLUP_NEVER)
        return SIGNAL_MISSING;
    days = (s->in->as_of_us - last) / MOMENT_DAY_US;
    return measured(band_of(bands, days), (double)days);
}

/* Contacts of the last 7 days against a quarter of those of 28. */
struct signal_value eval_velocity(const struct scene *s, const struct signal *row)
{
    int64_t week, month, percent;

    (void)row;
    if (!s->r)
        return SIGNAL_MISSING;
    week = (int64_t)s->r->n_inbound[ROLLUP_7D];
    month = (int64_t)s->r->n_inbound[ROLLUP_28D];
    if (!month)
        return measured(0, 0);
    percent = 100 * week / month;
    return measured((int)((4 * week - month) * 1000 / (3 * month)), (double)percent);
}

struct signal_value eval_response(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{60, 1000}, {1440, 300}, {INT64_MAX, -500}};
    int64_t minutes;

    (void)row;
    if (!s->r || s->r->first_inbound_us == ROLLUP_NEVER ||
        s->r->first_outbound_us < s->r->first_inbound_us)
        return SIGNAL_MISSING;
    minutes = (s->r->first_outbound_us - s->r->first_inbound_us) / (60 * MOMENT_SECOND_US);
    return measured(band_of(bands, minutes), (double)minutes);
}

struct signal_value eval_untouched(const struct scene *s, const struct signal *row)
{
    int64_t born = moment_us(s->lead->created_at, moment_us(s->lead->create_time, INT64_MAX));

    if (!s->r || born == INT64_MAX)
        return SIGNAL_MISSING;
    return yes_no(s->r->last_outbound_us == ROLLUP_NEVER &&
                  s->in->as_of_us - born > row->a * MOMENT_DAY_US);
}

struct signal_value eval_inactive(const struct scene *s, const struct signal *row)
{
    int64_t silent_us, days;

    if (!s->r || s->r->last_inbound_us == ROLLUP_NEVER)
        return SIGNAL_MISSING;
    silent_us = s->in->as_of_us - s->r->last_inbound_us;
    days = silent_us / MOMENT_DAY_US;
    return measured(silent_us > row->a * MOMENT_DAY_US ? 1000 : 0, (double)days);
}

/* Contacts in a window by who started them. */
struct signal_value eval_touches(const struct scene *s, const struct signal *row)
{
    uint32_t n;

    if (!s->r)
        return SIGNAL_MISSING;
    n = row->a == ACTIVITY_DIRECTION_INBOUND ? s->r->n_inbound[row->b] : s->r->n_outbound[row->b];
    return measured(part(n, row->c), n);
}

/* Minutes of conversation. */
struct signal_value eval_talk(const struct scene *s, const struct signal *row)
{
    uint64_t minutes;

    if (!s->r)
        return SIGNAL_MISSING;
    minutes =
        (row->a == ACTIVITY_KIND_CALL ? s->r->call_seconds_90d : s->r->meeting_seconds_90d) / 60;
    return measured(part((int64_t)minutes, row->b), (double)minutes);
}

/* Activities on the web site per day of visit. */
struct signal_value eval_session_depth(const struct scene *s, const struct signal *row)
{
    int64_t tenths;
    int days;

    if (!s->r || (days = n_days(s->r->web_days_28)) == 0)
        return SIGNAL_MISSING;
    tenths = INT64_C(10) * s->r->n_kind[ACTIVITY_KIND_WEB][ROLLUP_28D] / days;
    return measured(part(tenths, INT64_C(10) * row->a), (double)tenths / 10.0);
}

/* Mean hours between days of visit; a single day has no gap. */
struct signal_value eval_visit_gap(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{72, 1000}, {168, 500}, {INT64_MAX, 0}};
    int64_t hours;
    int days;

    (void)row;
    if (!s->r || (days = n_days(s->r->web_days_28)) < 2)
        return SIGNAL_MISSING;
    hours = (s->r->last_web_28_us - s->r->first_web_28_us) / (3600 * MOMENT_SECOND_US) / (days - 1);
    return measured(band_of(bands, hours), (double)hours);
}

/* Hours from our first contact to their first answer. */
struct signal_value eval_reply_hours(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{24, 1000}, {72, 500}, {INT64_MAX, 0}};
    int64_t hours;

    (void)row;
    if (!s->r || s->r->first_reply_us == ROLLUP_NEVER || s->r->first_outbound_us == ROLLUP_NEVER ||
        s->r->first_reply_us < s->r->first_outbound_us)
        return SIGNAL_MISSING;
    hours = (s->r->first_reply_us - s->r->first_outbound_us) / (3600 * MOMENT_SECOND_US);
    return measured(band_of(bands, hours), (double)hours);
}

/* Share of machines in openings and clicks. */
struct signal_value eval_bots(const struct scene *s, const struct signal *row)
{
    int64_t percent;

    (void)row;
    if (!s->r || !s->r->n_mail_reads_28d)
        return SIGNAL_MISSING;
    percent = INT64_C(100) * s->r->n_bot_28d / s->r->n_mail_reads_28d;
    return measured(part(percent, 100), (double)percent);
}

/* Month or day of the week (UTC) in which the lead came about: buying has seasons. */
struct signal_value eval_born(const struct scene *s, const struct signal *row)
{
    static const char *const days[] = {"Thursday", "Friday",  "Saturday", "Sunday",
                                       "Monday",   "Tuesday", "Wednesday"};
    static const char *const months[] = {"January",   "February", "March",    "April",
                                         "May",       "June",     "July",     "August",
                                         "September", "October",  "November", "December"};
    int64_t us = moment_us(s->lead->created_at, moment_us(s->lead->create_time, INT64_MIN)), day;
    char date[DATE_TEXT_BYTES + 1];
    long long month = 0;

    if (!signal_is_date(us))
        return SIGNAL_MISSING;
    if (row->a) {
        date_of(us, date);
        return str_to_int64(str_sub(str_of(date), 5, 2), &month) ? say(0, months[month - 1])
                                                                 : SIGNAL_MISSING;
    }
    day = us / MOMENT_DAY_US - (us % MOMENT_DAY_US < 0);
    return say(0, days[(day % 7 + 7) % 7]);
}
