/* Counting the leads of a company. */
#include "domain/account_rollup.h"

#include "domain/moment.h"

enum { DAYS_ACTIVE = 14, DAYS_LOST = 90 };

void account_rollup_init(struct account_rollup *r, const char *self_id, int64_t as_of_us,
                         int64_t now_us)
{
    *r = (struct account_rollup){.self_id = self_id, .as_of_us = as_of_us, .now_us = now_us};
    r->account.active_known = as_of_us >= now_us;
}

static bool is_within_days(const Timestamp *t, int64_t as_of_us, int days)
{
    int64_t us = moment_us(t, INT64_MAX);

    return us <= as_of_us && us > as_of_us - days * MOMENT_DAY_US;
}

/* How another lead ended. Without a date it is not known when: then it counts for nothing. */
static void take_outcome(struct account_rollup *r, const Lead *l)
{
    struct score_account *a = &r->account;
    bool ended =
        l->outcome != LEAD_OUTCOME_UNSPECIFIED && moment_us(l->closed_at, INT64_MAX) <= r->as_of_us;
    bool converted =
        l->status == LEAD_STATUS_CONVERTED && moment_us(l->status_time, INT64_MAX) <= r->as_of_us;

    a->open_deal |= converted && !ended;
    a->won_before |= ended && l->outcome == LEAD_OUTCOME_WON;
    a->lost_before |= ended && l->outcome == LEAD_OUTCOME_LOST;
    a->lost_90d |= ended && l->outcome == LEAD_OUTCOME_LOST &&
                   is_within_days(l->closed_at, r->as_of_us, DAYS_LOST);
}

void account_rollup_add(struct account_rollup *r, const Lead *l)
{
    struct score_account *a = &r->account;

    if (moment_us(l->created_at, moment_us(l->create_time, INT64_MIN)) > r->as_of_us)
        return;
    a->n_contacts++;
    a->n_active_14d +=
        a->active_known && is_within_days(l->last_activity_time, r->as_of_us, DAYS_ACTIVE);
    a->economic_buyer_seen |= l->buying_role == BUYING_ROLE_ECONOMIC_BUYER;
    if (l->buying_role != BUYING_ROLE_UNSPECIFIED) {
        uint32_t role = UINT32_C(1) << ((unsigned)l->buying_role & 31U);

        a->n_roles += !(r->roles & role);
        r->roles |= role;
    }
    if (strcmp(l->id, r->self_id) != 0)
        take_outcome(r, l);
}
