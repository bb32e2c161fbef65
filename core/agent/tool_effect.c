/* What each tool does, a row of tool.def each: what to prepare, and the effect in the unit. */
#include <assert.h>

#include "agent/activity.h"
#include "agent/deal_move.h"
#include "agent/event.h"
#include "agent/instant.h"
#include "agent/proposal_run.h"
#include "agent/tool.h"
#include "domain/tool_quiet.h"
#include "integration/calendar.h"
#include "integration/ical.h"
#include "integration/ical_zone.h"
#include "store/records.h"

#define MINUTE_US (60 * MOMENT_SECOND_US)

enum { QUIET_STEPS_MAX = 16 }; /* each ends behind a quiet span; two spans may follow on a switch */

#define WAITS                                                                                      \
    "Approved; waits to be sent. This server does not send mail yet: all gates are asked again "   \
    "when it does."

/* E-mail. */

static const char *zone_of(const struct tool_use *u)
{
    if (u->lead && *u->lead->time_zone)
        return u->lead->time_zone;
    return u->policy->default_time_zone;
}

/* The first moment from *us on at which the person may be written to. */
static enum status skip_quiet(struct call *c, const struct tool_use *u, int64_t *us)
{
    for (int i = 0; i < QUIET_STEPS_MAX; i++) {
        struct ical_local at;
        int left;

        if (!ical_local(zone_of(u), *us / MOMENT_SECOND_US, &at) &&
            !ical_local("", *us / MOMENT_SECOND_US, &at))
            return call_fail(c, STATUS_INTERNAL, "UTC is no time zone");
        left = tool_quiet_minutes(u->policy, CHANNEL_EMAIL, u->lead->country_code,
                                  (struct tool_local){at.weekday, at.minute});
        if (left == 0)
            return STATUS_OK;
        if (left >= TOOL_WEEK_MINUTES)
            break;
        *us += left * MINUTE_US - *us % MINUTE_US;
    }
    call_detail(c, FAULT_PRECONDITION, "TOOL_GATE", STR("quiet_hours"),
                "the policy's quiet hours leave no time to write to this person");
    return call_fail_as(c, STATUS_PRECONDITION, "TOOL_REFUSED", "there are quiet hours always");
}

/* Stores the mail; whatever sends mail takes it over by its state and planned_time. */
static enum status plan_email(struct tx *tx, struct tool_use *u, OutreachEmail *m)
{
    struct call *c = tx_call(tx);
    int64_t at_us = instant_us(m->planned_time), now_us = call_now_us(c);

    if (at_us < now_us)
        at_us = now_us;
    TRY(skip_quiet(c, u, &at_us));
    TRY(instant_new(c, at_us, &m->planned_time));
    m->lead_id = u->lead->id;
    m->to_address = u->lead->email;
    m->proposal_id = u->proposal->id;
    m->state = EMAIL_STATE_PLANNED;
    m->state_reason = (char *)WAITS;
    if (u->policy->sending)
        m->from_address = u->policy->sending->from_address;
    TRY(tx_insert_email(tx, m));
    u->effect_id = m->id;
    return tx_event(tx, EVENT_EMAIL_PLANNED, RECORD_EMAIL, str_of(m->id), &m->base);
}

static OutreachEmail *new_email(struct call *c)
{
    OutreachEmail *m = NEW(&c->arena, OutreachEmail, 1);

    if (m)
        *m = (OutreachEmail)OUTREACH_EMAIL_INIT;
    return m;
}

static enum status prepare_send_email(struct call *c, struct tool_use *u)
{
    (void)c;
    (void)u;
    return STATUS_OK;
}

static enum status apply_send_email(struct tx *tx, struct tool_use *u)
{
    const SendOutreachEmailArgs *args = u->proposal->send_outreach_email;
    OutreachEmail *m = new_email(tx_call(tx));

    if (!m)
        return call_nomem(tx_call(tx));
    m->deal_id = args->deal_id;
    m->subject = args->subject;
    m->body_text = args->body_text;
    m->body_html = args->body_html;
    m->in_reply_to_email_id = args->in_reply_to_email_id;
    m->planned_time = args->not_before;
    return plan_email(tx, u, m);
}

/* Follow-up. */

static enum status put_attribute(struct call *c, Activity *a, const char *key, char *text)
{
    Activity_AttributesEntry *entry = NEW(&c->arena, Activity_AttributesEntry, 1);
    AttributeValue *value = NEW(&c->arena, AttributeValue, 1);

    if (!entry || !value)
        return call_nomem(c);
    if (!*text)
        return STATUS_OK;
    *value = (AttributeValue)ATTRIBUTE_VALUE_INIT;
    value->kind_case = ATTRIBUTE_VALUE_KIND_STRING_VALUE;
    value->string_value = text;
    *entry = (Activity_AttributesEntry)ACTIVITY_ATTRIBUTES_ENTRY_INIT;
    entry->key = (char *)key;
    entry->value = value;
    a->attributes[a->n_attributes++] = entry;
    return STATUS_OK;
}

static enum status prepare_follow_up(struct call *c, struct tool_use *u)
{
    enum { ATTRIBUTES = 2 };
    const ScheduleFollowUpArgs *args = u->proposal->schedule_follow_up;
    Activity *a = NEW(&c->arena, Activity, 1);

    if (!a)
        return call_nomem(c);
    *a = (Activity)ACTIVITY_INIT;
    a->lead_id = args->lead_id;
    a->deal_id = args->deal_id;
    a->kind = ACTIVITY_KIND_TASK;
    a->direction = ACTIVITY_DIRECTION_OUTBOUND;
    a->subject = args->title;
    a->body = args->notes;
    a->due_time = args->start_time;
    a->duration = args->duration;
    a->attributes = NEW(&c->arena, Activity_AttributesEntry *, ATTRIBUTES);
    if (!a->attributes)
        return call_nomem(c);
    TRY(put_attribute(c, a, "assignee_id", args->assignee_id));
    TRY(put_attribute(c, a, "channel", (char *)channel_name(args->channel)));
    TRY(actor_of(c, &a->actor));
    u->activity = a;
    return instant_now(c, &a->occurred_at);
}

int64_t follow_up_end_us(const ScheduleFollowUpArgs *args)
{
    return instant_us(args->start_time) + args->duration->seconds * MOMENT_SECOND_US +
           args->duration->nanos / 1000;
}

static enum status write_ical(struct call *c, const struct tool_use *u, const char **out)
{
    const ScheduleFollowUpArgs *args = u->proposal->schedule_follow_up;
    const SendingPolicy *sending = u->policy->sending;
    bool invites = args->invite && u->lead && sending;

    return ical_write(c,
                      &(struct ical_event){
                          .uid = arena_printf(&c->arena, "%s@salesd", u->proposal->id),
                          .stamp_us = instant_us(u->proposal->create_time),
                          .start_us = instant_us(args->start_time),
                          .end_us = follow_up_end_us(args),
                          .summary = args->title,
                          .description = args->notes,
                          .organizer = invites ? sending->from_address : "",
                          .organizer_name = invites ? sending->from_name : "",
                          .attendee = invites ? u->lead->email : "",
                          .attendee_name = invites ? u->lead->full_name : "",
                      },
                      out);
}

/* The invitation as a mail; the outside calendar would send its own. */
static enum status mail_invitation(struct tx *tx, struct tool_use *u, const char *ical)
{
    const ScheduleFollowUpArgs *args = u->proposal->schedule_follow_up;
    OutreachEmail *m = new_email(tx_call(tx));

    if (!m)
        return call_nomem(tx_call(tx));
    m->deal_id = args->deal_id;
    m->subject = args->title;
    m->body_text = *args->notes ? args->notes : args->title;
    m->icalendar = (char *)ical;
    return plan_email(tx, u, m);
}

bool tool_calendar_serves(const struct agents *a, const struct call *c, const TenantPolicy *policy)
{
    return calendar_is_for(a->calendar, c) &&
           compliance_allows(policy, COMPLIANCE_CALENDAR_OUTSIDE);
}

static enum status apply_follow_up(struct tx *tx, struct tool_use *u)
{
    struct call *c = tx_call(tx);
    bool is_outside = tool_calendar_serves(u->agents, c, u->policy), is_created;
    const char *ical;
    Activity *stored;

    TRY(write_ical(c, u, &ical));
    if (u->proposal->schedule_follow_up->invite && !is_outside)
        TRY(mail_invitation(tx, u, ical));
    if (is_outside)
        TRY(tx_job_put(tx, &(struct job_put){.kind = STR(PROPOSAL_JOB_CALENDAR),
                                             .key = str_of(u->proposal->id)}));
    u->activity->icalendar = (char *)ical;
    TRY(activity_put(tx, u->activity, &stored, &is_created));
    u->effect_id = stored->id;
    return STATUS_OK;
}

/* Deal. */

static enum status prepare_move_deal(struct call *c, struct tool_use *u)
{
    const UpdateDealStageArgs *args = u->proposal->update_deal_stage;
    ProgressDealRequest *in = NEW(&c->arena, ProgressDealRequest, 1);

    u->progress = NEW(&c->arena, ProgressDealResponse, 1);
    if (!in || !u->progress)
        return call_nomem(c);
    *in = (ProgressDealRequest)PROGRESS_DEAL_REQUEST_INIT;
    *u->progress = (ProgressDealResponse)PROGRESS_DEAL_RESPONSE_INIT;
    in->id = args->deal_id;
    in->to_stage = args->to_stage;
    in->note = args->note;
    return deal_plan_progress(c, u->agents, in, u->progress, &u->move);
}

static enum status apply_move_deal(struct tx *tx, struct tool_use *u)
{
    struct call *c = tx_call(tx);

    TRY(u->move.unit(c, tx, u->move.arg));
    u->effect_id = u->progress->deal->id;
    if (u->progress->deal->stage_kind == STAGE_KIND_OPEN)
        return STATUS_OK;
    /* Gate to_stage saw another pipeline: the policy changed between the two. */
    return call_fail_as(c, STATUS_PRECONDITION, "TOOL_REFUSED", "no tool closes a deal");
}

/* Activity. */

static enum status prepare_log_activity(struct call *c, struct tool_use *u)
{
    return activity_ready(c, u->proposal->log_sales_activity->activity, &u->activity);
}

static enum status apply_log_activity(struct tx *tx, struct tool_use *u)
{
    bool is_created;
    Activity *stored;

    TRY(activity_put(tx, u->activity, &stored, &is_created));
    u->effect_id = stored->id;
    return STATUS_OK;
}

static const struct effect {
    Tool tool;
    enum status (*prepare)(struct call *c, struct tool_use *u);
    enum status (*apply)(struct tx *tx, struct tool_use *u);
} effects[] = {
#define TOOL(id, name, kind, action, act, guards, effect)                                          \
    {TOOL_##id, prepare_##effect, apply_##effect},
#include "domain/tool.def"
#undef TOOL
};

static const struct effect *effect_of(const Proposal *p)
{
    const struct tool_row *row = tool_row_of(p);

    for (size_t i = 0; row && i < sizeof effects / sizeof *effects; i++)
        if (effects[i].tool == row->tool)
            return &effects[i];
    return NULL;
}

enum status tool_prepare(struct call *c, struct tool_use *u)
{
    const struct effect *e = effect_of(u->proposal);

    assert(e);
    return e->prepare(c, u);
}

enum status tool_apply(struct tx *tx, struct tool_use *u)
{
    const struct effect *e = effect_of(u->proposal);

    assert(e && u->proposal->state == PROPOSAL_STATE_APPROVED);
    return e->apply(tx, u);
}
