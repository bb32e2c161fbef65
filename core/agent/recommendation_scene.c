/* Records into facts, and the person's clock by bisection. */
#include <stdio.h>

#include "agent/instant.h"
#include "agent/pipeline.h"
#include "agent/recommendation.h"
#include "integration/ical_zone.h"
#include "store/reach.h"
#include "store/records.h"

enum { DAY_MINUTES = 1440, WEEK_MINUTES = 7 * DAY_MINUTES, EAST_MOST = 14 * 60, SIGHT_DAYS = 14 };

#define MINUTE_US (60 * MOMENT_SECOND_US)

/* Minutes east of UTC at the instant, from what o'clock it is there. */
static int32_t offset_at(const char *zone, int64_t us)
{
    struct ical_local there, utc;
    int minutes;

    if (!ical_local("", us / MOMENT_SECOND_US, &utc) ||
        !ical_local(zone, us / MOMENT_SECOND_US, &there))
        return 0;
    minutes = (there.weekday - utc.weekday) * DAY_MINUTES + there.minute - utc.minute;
    minutes = ((minutes % WEEK_MINUTES) + WEEK_MINUTES) % WEEK_MINUTES;
    return minutes > EAST_MOST ? minutes - WEEK_MINUTES : minutes;
}

static struct action_zone zone_of(const char *zone, int64_t now_us)
{
    int64_t low = now_us, high = now_us + SIGHT_DAYS * MOMENT_DAY_US;
    struct action_zone z = {.offset_minutes = offset_at(zone, low),
                            .later_minutes = offset_at(zone, high),
                            .change_us = INT64_MAX};

    if (z.offset_minutes == z.later_minutes)
        return z;
    while (high - low > MINUTE_US) {
        int64_t middle = low + (high - low) / 2;

        if (offset_at(zone, middle) == z.offset_minutes)
            low = middle;
        else
            high = middle;
    }
    z.change_us = high - high % MINUTE_US;
    return z;
}

/* `skip`: activities that name this lead were read already; NULL: none were. */
static enum status read_activities(struct tx *tx, enum record_column column, const char *id,
                                   const Lead *skip, struct action_past *past)
{
    struct list_where where = {column, str_of(id), 0};
    struct list_query q = {.page_size = PAGE_SIZE_MAX, .where = &where, .n_where = 1};
    struct list_page page;

    for (size_t n = 0; n < RECOMMENDATION_ACTIVITIES_MAX; n += page.n_items) {
        TRY(tx_list(tx, RECORD_ACTIVITY, &q, &page));
        for (size_t i = 0; i < page.n_items; i++) {
            const Activity *a = (const Activity *)page.items[i];

            if (!skip || strcasecmp(a->lead_id, skip->id) != 0)
                action_past_add(past, a);
        }
        if (!*page.next_page_token)
            break;
        q.page_token = str_of(page.next_page_token);
    }
    return STATUS_OK;
}

/* A deal's lead is part of the picture, whoever owns it. */
static enum status read_deal(struct tx *tx, const char *deal_id, struct recommendation_scene *out)
{
    enum status s;

    TRY(tx_get_deal(tx, str_of(deal_id), &out->deal));
    if (!*out->deal->lead_id)
        return STATUS_OK;
    tx_widen(tx);
    s = tx_get_lead(tx, str_of(out->deal->lead_id), &out->lead);
    tx_narrow(tx);
    if (s != STATUS_NOT_FOUND)
        return s;
    call_clear(tx_call(tx));
    out->lead = NULL;
    return STATUS_OK;
}

static const char *zone_name(const Lead *lead, const TenantPolicy *policy)
{
    struct ical_local at;

    if (lead && *lead->time_zone && ical_local(lead->time_zone, 0, &at))
        return lead->time_zone;
    return policy->default_time_zone;
}

static enum status read_past(struct tx *tx, struct recommendation_scene *out)
{
    tx_widen(tx);
    if (out->lead)
        TRY(read_activities(tx, ACTIVITY_BY_lead_id, out->lead->id, NULL, &out->past));
    if (out->deal)
        TRY(read_activities(tx, ACTIVITY_BY_deal_id, out->deal->id, out->lead, &out->past));
    tx_narrow(tx);
    return STATUS_OK;
}

enum status recommendation_look(struct tx *tx, const TenantPolicy *policy, const char *lead_id,
                                const char *deal_id, struct recommendation_scene *out)
{
    struct call *c = tx_call(tx);
    struct action_scene scene = {.policy = policy, .past = &out->past, .now_us = call_now_us(c)};

    *out = (struct recommendation_scene){0};
    if (*deal_id)
        TRY(read_deal(tx, deal_id, out));
    else
        TRY(tx_get_lead(tx, str_of(lead_id), &out->lead));
    action_past_init(&out->past, scene.now_us);
    TRY(read_past(tx, out));
    scene.lead = out->lead;
    scene.deal = out->deal;
    scene.pipeline = out->deal ? pipeline_find(policy, out->deal->pipeline_id) : NULL;
    if (action_facts_read(&c->arena, &scene, &out->facts) != STATUS_OK)
        return call_nomem(c);
    out->zone = zone_of(zone_name(out->lead, policy), scene.now_us);
    out->segment = action_segment(out->lead, out->deal);
    out->country = out->lead ? out->lead->country_code : "";
    return STATUS_OK;
}
