/* Signals of the past: what the person did, what the account did, and when. */
#include "domain/moment.h"
#include "domain/signal_eval.h"

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
    int n = 0;

    if (!s->r)
        return SIGNAL_MISSING;
    for (uint64_t bits = s->r->inbound_days_28; bits; bits &= bits - 1)
        n++;
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

    if (!s->account)
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
                        : s->account->lost_90d;
    return say(set ? 1000 : 0, set ? "yes" : "no");
}

struct signal_value eval_age(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {
        {7, 1000}, {30, 500}, {90, 0}, {365, -500}, {INT64_MAX, -1000}};
    int64_t born = moment_us(s->lead->created_at, moment_us(s->lead->create_time, INT64_MIN)), days;

    (void)row;
    if (born == INT64_MIN || born > s->in->as_of_us)
        return SIGNAL_MISSING;
    days = (s->in->as_of_us - born) / MOMENT_DAY_US;
    return measured(band_of(bands, days), days);
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
    return measured(band_of(bands, days), days);
}

/* Contacts of the last 7 days against a quarter of those of 28. */
struct signal_value eval_velocity(const struct scene *s, const struct signal *row)
{
    int64_t week, month;

    (void)row;
    if (!s->r)
        return SIGNAL_MISSING;
    week = (int64_t)s->r->n_inbound[ROLLUP_7D];
    month = (int64_t)s->r->n_inbound[ROLLUP_28D];
    if (!month)
        return measured(0, 0);
    return measured((int)((4 * week - month) * 1000 / (3 * month)), 100 * week / month);
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
    return measured(band_of(bands, minutes), minutes);
}

struct signal_value eval_untouched(const struct scene *s, const struct signal *row)
{
    int64_t born = moment_us(s->lead->created_at, moment_us(s->lead->create_time, INT64_MAX));

    if (!s->r || born == INT64_MAX)
        return SIGNAL_MISSING;
    return measured(s->r->last_outbound_us == ROLLUP_NEVER &&
                            s->in->as_of_us - born > row->a * MOMENT_DAY_US
                        ? 1000
                        : 0,
                    row->a);
}

struct signal_value eval_inactive(const struct scene *s, const struct signal *row)
{
    if (!s->r || s->r->last_inbound_us == ROLLUP_NEVER)
        return SIGNAL_MISSING;
    return measured(s->in->as_of_us - s->r->last_inbound_us > row->a * MOMENT_DAY_US ? 1000 : 0,
                    (s->in->as_of_us - s->r->last_inbound_us) / MOMENT_DAY_US);
}
