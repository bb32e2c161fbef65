/* The second half of the demo: from a qualified lead to a deal won, and one lost. */
#include "base/banned.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"
#include "ctl/pipeline.h"
#include "ctl/story.h"
#include "domain/moment.h"
#include "sales/v1/sales_agent.client.h"

enum { EVENTS_MAX = 100, DAYS_TO_CLOSE = 45 };

/* ---- watching -------------------------------------------------------------------------------- */

static enum exit_code update_title(struct story *s)
{
    Sales__V1__UpdateLeadRequest in = SALES__V1__UPDATE_LEAD_REQUEST__INIT;
    struct sales_call call = ctl_call(s->ctl);
    Sales__V1__UpdateLeadResponse *out;
    enum exit_code code = CTL_OK;

    if (!story_set(s, &in.base, "lead.id", s->lead_id) ||
        !story_set(s, &in.base, "lead.job_title", "Chief Executive Officer") ||
        !story_set(s, &in.base, "update_mask.paths", "job_title"))
        return CTL_FAILED;
    if (sales_agent_update_lead(s->client, &call, &in, &out) != SALES_OK)
        code = explain(s->ctl, &call);
    sales_call_release(&call);
    return code;
}

/* The first message, a heartbeat, tells that the watch stands; then the update is made. */
static enum exit_code follow(struct story *s, struct sales_stream *stream)
{
    Sales__V1__WatchLeadsResponse *out;
    int64_t updated_ns = 0;

    for (int i = 0; i < EVENTS_MAX; i++) {
        enum exit_code code;

        if (sales_agent_watch_leads_recv(stream, &out) != SALES_OK)
            return story_explain(s);
        if (!out)
            return story_broken(s, "the watch ended");
        if (!updated_ns) {
            updated_ns = ctl_now_ns();
            if ((code = update_title(s)) != CTL_OK)
                return code;
        } else if (out->message_case == SALES__V1__WATCH_LEADS_RESPONSE__MESSAGE_EVENT &&
                   out->event->lead && strcmp(out->event->lead->id, s->lead_id) == 0) {
            story_say(s, "%s %s: %s, %.1f ms after the update was sent",
                      show_field(&s->ctl->arena, &out->event->base, "type", SHOW_PLAIN),
                      out->event->lead->full_name, out->event->lead->job_title,
                      (double)(ctl_now_ns() - updated_ns) / 1e6);
            return CTL_OK;
        }
    }
    return story_broken(s, "the update never arrived");
}

enum exit_code story_watch(struct story *s)
{
    Sales__V1__WatchLeadsRequest in = SALES__V1__WATCH_LEADS_REQUEST__INIT;
    struct sales_stream *stream;
    enum exit_code code = CTL_FAILED;

    if (!story_set(s, &in.base, "heartbeat_period", "1s"))
        return CTL_FAILED;
    stream = sales_agent_watch_leads_open(s->client, &s->call);
    if (!stream)
        return story_explain(s);
    (void)!sales_agent_watch_leads_send(stream, &in);
    (void)!sales_stream_close_send(stream);
    code = follow(s, stream);
    sales_stream_close(stream);
    return code;
}

/* ---- the deal -------------------------------------------------------------------------------- */

enum exit_code story_convert(struct story *s)
{
    Sales__V1__ConvertLeadRequest in = SALES__V1__CONVERT_LEAD_REQUEST__INIT;
    Sales__V1__ConvertLeadResponse *out;

    if (!s->qualified)
        return story_broken(s, "she did not qualify, so there is nobody to convert");
    if (!story_set(s, &in.base, "id", s->lead_id) ||
        !story_set(s, &in.base, "deal.name", "Analytical Engines, 120 seats"))
        return CTL_FAILED;
    if (sales_agent_convert_lead(s->client, &s->call, &in, &out) != SALES_OK)
        return story_explain(s);
    snprintf(s->deal_id, sizeof s->deal_id, "%s", out->deal->id);
    story_say(s, "%s in stage %s; the lead is %s", out->deal->id, out->deal->stage,
              show_field(&s->ctl->arena, &out->lead->base, "status", SHOW_PLAIN));
    return CTL_OK;
}

static enum sales_status move(struct story *s, const char *deal_id, const char *stage,
                              const char *reason, Sales__V1__ProgressDealResponse **out)
{
    Sales__V1__ProgressDealRequest in = SALES__V1__PROGRESS_DEAL_REQUEST__INIT;
    Sales__V1__CloseReason why = SALES__V1__CLOSE_REASON__INIT;

    in.id = story_text(s, deal_id);
    in.to_stage = story_text(s, stage);
    if (reason) {
        why.code = story_text(s, reason);
        in.close_reason = &why;
    }
    return sales_agent_progress_deal(s->client, &s->call, &in, out);
}

enum exit_code story_refused(struct story *s)
{
    Sales__V1__ProgressDealResponse *out;
    const struct sales_error *e = &s->call.error;

    if (move(s, s->deal_id, "commitment", NULL, &out) == SALES_OK)
        return story_broken(s, "the move was allowed without amount, date or next step");
    if (e->status != SALES_FAILED_PRECONDITION || !e->n_preconditions)
        return story_explain(s);
    story_say(s, "%s: %s", *e->reason ? e->reason : sales_status_name(e->status), e->message);
    for (size_t i = 0; i < e->n_preconditions; i++)
        story_say(s, "  %s (%s): %s", e->preconditions[i].type, e->preconditions[i].subject,
                  e->preconditions[i].description);
    return CTL_OK;
}

enum exit_code story_complete(struct story *s)
{
    Sales__V1__UpdateDealRequest in = SALES__V1__UPDATE_DEAL_REQUEST__INIT;
    Sales__V1__UpdateDealResponse *out;
    char contact[sizeof s->lead_id + 16], date[DATE_TEXT_BYTES + 1];

    snprintf(contact, sizeof contact, "decision_maker:%s", s->lead_id);
    date_of(ctl_now_us() + DAYS_TO_CLOSE * MOMENT_DAY_US, date);
    if (!story_set(s, &in.base, "deal.id", s->deal_id) ||
        !story_set(s, &in.base, "deal.amount", "18000 GBP") ||
        !story_set(s, &in.base, "deal.expected_close_date", date) ||
        !story_set(s, &in.base, "deal.next_step", "send the contract") ||
        !story_set(s, &in.base, "deal.contacts", contact))
        return CTL_FAILED;
    if (sales_agent_update_deal(s->client, &s->call, &in, &out) != SALES_OK)
        return story_explain(s);
    story_say(s, "amount %s, close %s, next step: %s",
              show_field(&s->ctl->arena, &out->deal->base, "amount", SHOW_PLAIN),
              out->deal->expected_close_date, out->deal->next_step);
    return CTL_OK;
}

enum exit_code story_progress(struct story *s)
{
    static const char *const stages[] = {"proposal", "negotiation", "commitment"};
    Sales__V1__ProgressDealResponse *out;

    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        if (move(s, s->deal_id, stages[i], NULL, &out) != SALES_OK)
            return story_explain(s);
        story_say(s, "%s -> %s", out->change ? out->change->from_stage : "", out->deal->stage);
    }
    return CTL_OK;
}

enum exit_code story_win(struct story *s)
{
    Sales__V1__ProgressDealResponse *out;

    if (move(s, s->deal_id, "won", "best_fit", &out) != SALES_OK)
        return story_explain(s);
    story_say(s, "won %s, %zu moves in its history",
              show_field(&s->ctl->arena, &out->deal->base, "amount", SHOW_PLAIN),
              out->deal->n_history);
    return CTL_OK;
}

enum exit_code story_lose(struct story *s)
{
    Sales__V1__CreateDealRequest in = SALES__V1__CREATE_DEAL_REQUEST__INIT;
    Sales__V1__ProgressDealResponse *moved;
    Sales__V1__CreateDealResponse *out;

    if (!story_set(s, &in.base, "deal.name", "Difference Engines, pilot") ||
        !story_set(s, &in.base, "deal.amount", "4500 GBP"))
        return CTL_FAILED;
    if (sales_agent_create_deal(s->client, &s->call, &in, &out) != SALES_OK)
        return story_explain(s);
    if (move(s, out->deal->id, "lost", "no_budget", &moved) != SALES_OK)
        return story_explain(s);
    story_say(s, "%s is %s: %s", moved->deal->name, moved->deal->stage,
              show_field(&s->ctl->arena, &moved->deal->base, "close_reason.code", SHOW_PLAIN));
    return CTL_OK;
}

enum exit_code story_open(struct story *s)
{
    static const char *const deals[][3] = {
        {"Jacquard Looms, rollout", "32000 GBP", "proposal"},
        {"Sketch Maps, renewal", "9800 GBP", "negotiation"},
        {"Tide Tables, pilot", "2500 GBP", "discovery"},
    };
    char date[DATE_TEXT_BYTES + 1];

    date_of(ctl_now_us() + DAYS_TO_CLOSE * MOMENT_DAY_US, date);
    for (size_t i = 0; i < sizeof deals / sizeof *deals; i++) {
        Sales__V1__CreateDealRequest in = SALES__V1__CREATE_DEAL_REQUEST__INIT;
        Sales__V1__CreateDealResponse *out;

        if (!story_set(s, &in.base, "deal.name", deals[i][0]) ||
            !story_set(s, &in.base, "deal.amount", deals[i][1]) ||
            !story_set(s, &in.base, "deal.stage", deals[i][2]) ||
            !story_set(s, &in.base, "deal.expected_close_date", date) ||
            !story_set(s, &in.base, "deal.contacts", "Ada Byron"))
            return CTL_FAILED;
        if (sales_agent_create_deal(s->client, &s->call, &in, &out) != SALES_OK)
            return story_explain(s);
        story_say(s, "%s in %s", out->deal->name, out->deal->stage);
    }
    return CTL_OK;
}

enum exit_code story_pipeline(struct story *s)
{
    Sales__V1__GetPipelineSummaryRequest in = SALES__V1__GET_PIPELINE_SUMMARY_REQUEST__INIT;
    Sales__V1__GetPipelineSummaryResponse *out;

    if (sales_agent_get_pipeline_summary(s->client, &s->call, &in, &out) != SALES_OK)
        return story_explain(s);
    if (!s->ctl->json)
        pipeline_print(&s->ctl->arena, &s->ctl->out, out);
    return CTL_OK;
}
