/* One insert, and the newest activity noted on the lead and the deal. */
#include "agent/activity.h"

#include "agent/event.h"
#include "agent/instant.h"
#include "agent/list.h"
#include "agent/mutation.h"
#include "schema/mask.h"
#include "store/pin.h"
#include "store/records.h"

static const char *const output_only[] = {"id",    "etag",      "create_time", "update_time",
                                          "actor", "icalendar", NULL};

enum status actor_of(struct call *c, Actor **out)
{
    if ((*out = NEW(&c->arena, Actor, 1)) == NULL)
        return call_nomem(c);
    **out = (Actor)ACTOR_INIT;
    (*out)->kind = c->principal.roles & ROLE_BIT_AGENT ? ACTOR_KIND_SERVICE : ACTOR_KIND_USER;
    (*out)->id = arena_cstr(&c->arena, str_of(c->principal.subject));
    return (*out)->id ? STATUS_OK : call_nomem(c);
}

struct log {
    Activity *activity;
    LogActivityResponse *out;
};

/* Only forward: an import of the past must not make a lead look untouched. */
static bool is_newer(const Timestamp *known, const Timestamp *t)
{
    return !known || instant_us(t) > instant_us(known);
}

/* One that changes nothing is pinned: it must not be erased while the activity is stored. */
static enum status touch_lead(struct tx *tx, const Activity *activity)
{
    Lead *lead;

    if (!*activity->lead_id)
        return STATUS_OK;
    TRY(tx_get_lead(tx, str_of(activity->lead_id), &lead));
    if (!is_newer(lead->last_activity_time, activity->occurred_at))
        return tx_pin(tx, RECORD_LEAD, str_of(lead->id));
    lead->last_activity_time = activity->occurred_at;
    return tx_update_lead(tx, lead);
}

static enum status touch_deal(struct tx *tx, const Activity *activity)
{
    Deal *deal;

    if (!*activity->deal_id)
        return STATUS_OK;
    TRY(tx_get_deal(tx, str_of(activity->deal_id), &deal));
    if (!is_newer(deal->last_activity_time, activity->occurred_at))
        return tx_pin(tx, RECORD_DEAL, str_of(deal->id));
    deal->last_activity_time = activity->occurred_at;
    return tx_update_deal(tx, deal);
}

enum status activity_put(struct tx *tx, Activity *activity, Activity **out, bool *created_out)
{
    *created_out = false;
    if (*activity->external_id) {
        enum status s =
            tx_find_activity(tx, ACTIVITY_BY_external_id, str_of(activity->external_id), out);
        if (s != STATUS_NOT_FOUND)
            return s;
        call_clear(tx_call(tx));
    }
    TRY(touch_lead(tx, activity));
    TRY(touch_deal(tx, activity));
    activity->id = (char *)protobuf_c_empty_string;
    TRY(tx_insert_activity(tx, activity));
    *out = activity;
    *created_out = true;
    return tx_event(tx, EVENT_ACTIVITY_LOGGED, RECORD_ACTIVITY, str_of(activity->id),
                    &activity->base);
}

static enum status log_unit(struct call *c, struct tx *tx, void *arg)
{
    struct log *k = arg;
    bool is_created = false;

    (void)c;
    TRY(activity_put(tx, k->activity, &k->out->activity, &is_created));
    k->out->created = is_created;
    return STATUS_OK;
}

enum status activity_ready(struct call *c, const Activity *in, Activity **out)
{
    Activity *activity = NEW(&c->arena, Activity, 1);
    int64_t at_us;

    *out = NULL;
    if (!activity)
        return call_nomem(c);
    *activity = *in;
    message_clear_fields(&activity->base, output_only);
    if (!*activity->lead_id && !*activity->deal_id) {
        call_detail(c, FAULT_FIELD, "required", STR("activity.lead_id"),
                    "a lead or a deal is needed");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the activity belongs to nobody");
    }
    TRY(instant_of_event(c, activity->occurred_at, "activity.occurred_at", &at_us));
    TRY(instant_new(c, at_us, &activity->occurred_at));
    TRY(actor_of(c, &activity->actor));
    *out = activity;
    return STATUS_OK;
}

enum status activity_log(struct call *c, struct agents *a, const LogActivityRequest *in,
                         LogActivityResponse *out)
{
    struct log k = {.out = out};

    TRY(activity_ready(c, in->activity, &k.activity));
    return mutate(c, a, &(struct mutation){.unit = log_unit, .arg = &k, .answer = &out->base});
}

enum status activity_list(struct call *c, struct agents *a, const ListActivitiesRequest *in,
                          ListActivitiesResponse *out)
{
    struct list_where where[2];
    struct list_query q = {.filter = str_of(in->filter),
                           .order_by = str_of(in->order_by),
                           .page_token = str_of(in->page_token),
                           .where = where};
    struct list_page page;

    if (*in->lead_id)
        where[q.n_where++] = (struct list_where){ACTIVITY_BY_lead_id, str_of(in->lead_id), 0};
    if (*in->deal_id)
        where[q.n_where++] = (struct list_where){ACTIVITY_BY_deal_id, str_of(in->deal_id), 0};
    TRY(list_people_size(c, a, in->page_size, &q.page_size));
    TRY(list_run(c, a->store, RECORD_ACTIVITY, &q, &page));
    out->activities = (Activity **)(void *)page.items;
    out->n_activities = page.n_items;
    out->next_page_token = page.next_page_token;
    return STATUS_OK;
}
