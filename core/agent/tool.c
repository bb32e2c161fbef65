/* Records into a scene, the scene into a verdict, the verdict into a fault. */
#include "agent/tool.h"

#include "agent/pipeline.h"
#include "store/reach.h"
#include "store/records.h"

/* The deal's own lead, whoever's it is: NULL when it was erased. */
static enum status lead_of_deal(struct tx *tx, struct tool_use *u)
{
    enum status s;

    if (u->lead || !u->deal || !*u->deal->lead_id)
        return STATUS_OK;
    tx_widen(tx);
    s = tx_get_lead(tx, str_of(u->deal->lead_id), &u->lead);
    tx_narrow(tx);
    if (s == STATUS_NOT_FOUND)
        call_clear(tx_call(tx));
    return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static enum status read_records(struct tx *tx, struct tool_use *u)
{
    const char *lead_id = tool_lead_id(u->proposal), *deal_id = tool_deal_id(u->proposal);

    u->lead = NULL;
    u->deal = NULL;
    if (*lead_id)
        TRY(tx_get_lead(tx, str_of(lead_id), &u->lead));
    if (*deal_id)
        TRY(tx_get_deal(tx, str_of(deal_id), &u->deal));
    return lead_of_deal(tx, u);
}

/* What the person did that forbids to write. */
static enum status read_past(struct tx *tx, const Lead *lead, struct tool_scene *s)
{
    const struct list_where where = {ACTIVITY_BY_lead_id, str_of(lead->id), 0};
    const struct group_query q = {
        .where = &where, .n_where = 1, .by = {ACTIVITY_BY_event}, .n_by = 1, .sum = COLUMN_NONE};
    struct group_rows rows;

    tx_widen(tx);
    TRY(tx_group(tx, RECORD_ACTIVITY, &q, &rows));
    tx_narrow(tx);
    for (size_t i = 0; i < rows.n_rows; i++) {
        int64_t event = rows.rows[i].key[0].number;

        if (rows.rows[i].key[0].is_null)
            continue;
        s->has_unsubscribed |= event == ACTIVITY_EVENT_UNSUBSCRIBED;
        s->has_complained |= event == ACTIVITY_EVENT_COMPLAINED;
        s->has_bounced |= event == ACTIVITY_EVENT_EMAIL_BOUNCED;
    }
    return STATUS_OK;
}

static enum status refuse(struct call *c, const struct tool_verdict *v)
{
    for (size_t i = 0; i < v->n_failures; i++)
        call_detail(c, FAULT_PRECONDITION, v->failures[i].type, v->failures[i].subject, "%s",
                    v->failures[i].text);
    return call_fail_as(c, STATUS_PRECONDITION, "TOOL_REFUSED", "the tool may not be used here: %s",
                        v->n_failures ? v->failures[0].text : "");
}

enum status tool_look(struct tx *tx, struct tool_use *u)
{
    struct call *c = tx_call(tx);
    struct tool_scene scene = {
        .policy = u->policy, .proposal = u->proposal, .now_us = call_now_us(c)};
    struct tool_verdict verdict;

    TRY(read_records(tx, u));
    scene.lead = u->lead;
    scene.deal = u->deal;
    if (u->deal)
        TRY(pipeline_of_deal(c, u->policy, u->deal, &scene.pipeline));
    if (u->lead)
        TRY(read_past(tx, u->lead, &scene));
    return tool_check(&scene, &verdict) == STATUS_OK ? STATUS_OK : refuse(c, &verdict);
}
