/*
 * activity_rollup: what a lead's activities add up to, as of an instant.
 *
 * Incremental: one struct of fixed size, fed one activity at a time in any order. Activities after
 * the instant do not exist for it, so a score "as of" last month comes out as it did last month.
 * Activities that are consequences of the outcome (outcome.h) do not exist for it either, and an
 * opening or click of mail by a machine (attribute "bot": true) counts only as one.
 */
#ifndef DOMAIN_ACTIVITY_ROLLUP_H
#define DOMAIN_ACTIVITY_ROLLUP_H

#include <stdbool.h>
#include <stdint.h>

#include "sales/v1/activity.h"
#include "sales/v1/email.h"

/* Windows that end at the instant. */
enum rollup_window { ROLLUP_7D, ROLLUP_28D, ROLLUP_90D, ROLLUP_EVER, N_ROLLUP_WINDOWS };

#define ROLLUP_NEVER INT64_MIN

struct activity_rollup {
    int64_t as_of_us;
    uint32_t n; /* activities taken in */
    uint32_t n_event[ACTIVITY_EVENT_N][N_ROLLUP_WINDOWS];
    uint32_t n_kind[ACTIVITY_KIND_N][N_ROLLUP_WINDOWS];
    uint32_t n_inbound[N_ROLLUP_WINDOWS], n_outbound[N_ROLLUP_WINDOWS];
    int64_t last_touch_us, last_inbound_us, last_outbound_us; /* ROLLUP_NEVER: none */
    int64_t first_inbound_us, first_outbound_us;
    int64_t last_reply_us;
    ReplyClass last_reply;                   /* class of the latest reply that has one */
    uint64_t inbound_days_28;                /* bit d: something came d days before */
    uint64_t web_days_28;                    /* bit d: the web site was visited d days before */
    int64_t first_web_28_us, last_web_28_us; /* visits of the last 28 days */
    int64_t first_reply_us;                  /* first mail that answered */
    uint64_t call_seconds_90d, meeting_seconds_90d;
    uint32_t n_bot_28d, n_mail_reads_28d; /* machines', and all, openings and clicks of mail */
};

void activity_rollup_init(struct activity_rollup *r, int64_t as_of_us);

/* Takes one activity in; without a time, or after the instant, it is left out. The class of a reply
 * is read from its attribute "reply_class" ("positive", "negative" ...). */
void activity_rollup_add(struct activity_rollup *r, const Activity *a);

#endif
