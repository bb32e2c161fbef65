/* One short function per RPC; the table at the end is the service. */
#include "service/sales_agent.h"

#include "agent/activity.h"
#include "agent/deal.h"
#include "agent/deal_move.h"
#include "agent/decision.h"
#include "agent/lead.h"
#include "agent/pipeline.h"
#include "agent/pipeline_summary.h"
#include "agent/proposal.h"
#include "agent/recommendation.h"
#include "workflow/conversion.h"
#include "workflow/qualification.h"
#include "workflow/recommend.h"
#include "workflow/replay.h"

static enum status create_lead(struct call *c, void *self, const CreateLeadRequest *in,
                               CreateLeadResponse *out)
{
    return lead_create(c, self, in, out);
}

static enum status get_lead(struct call *c, void *self, const GetLeadRequest *in,
                            GetLeadResponse *out)
{
    return lead_get(c, self, in->id, &out->lead);
}

static enum status list_leads(struct call *c, void *self, const ListLeadsRequest *in,
                              ListLeadsResponse *out)
{
    return lead_list(c, self, in, out);
}

static enum status update_lead(struct call *c, void *self, const UpdateLeadRequest *in,
                               UpdateLeadResponse *out)
{
    return lead_update(c, self, in, out);
}

static enum status delete_lead(struct call *c, void *self, const DeleteLeadRequest *in,
                               DeleteLeadResponse *out)
{
    return lead_delete(c, self, in, out);
}

static enum status qualify_lead(struct call *c, void *self, const QualifyLeadRequest *in,
                                QualifyLeadResponse *out)
{
    return qualification_run(c, self, in, out);
}

static enum status convert_lead(struct call *c, void *self, const ConvertLeadRequest *in,
                                ConvertLeadResponse *out)
{
    return conversion_run(c, self, in, out);
}

static enum status log_activity(struct call *c, void *self, const LogActivityRequest *in,
                                LogActivityResponse *out)
{
    return activity_log(c, self, in, out);
}

static enum status list_activities(struct call *c, void *self, const ListActivitiesRequest *in,
                                   ListActivitiesResponse *out)
{
    return activity_list(c, self, in, out);
}

static enum status create_deal(struct call *c, void *self, const CreateDealRequest *in,
                               CreateDealResponse *out)
{
    return deal_create(c, self, in, out);
}

static enum status get_deal(struct call *c, void *self, const GetDealRequest *in,
                            GetDealResponse *out)
{
    return deal_get(c, self, in->id, &out->deal);
}

static enum status list_deals(struct call *c, void *self, const ListDealsRequest *in,
                              ListDealsResponse *out)
{
    return deal_list(c, self, in, out);
}

static enum status update_deal(struct call *c, void *self, const UpdateDealRequest *in,
                               UpdateDealResponse *out)
{
    return deal_update(c, self, in, out);
}

static enum status progress_deal(struct call *c, void *self, const ProgressDealRequest *in,
                                 ProgressDealResponse *out)
{
    return deal_progress(c, self, in, out);
}

static enum status reopen_deal(struct call *c, void *self, const ReopenDealRequest *in,
                               ReopenDealResponse *out)
{
    return deal_reopen(c, self, in, out);
}

static enum status list_pipelines(struct call *c, void *self, const ListPipelinesRequest *in,
                                  ListPipelinesResponse *out)
{
    return pipeline_list(c, self, in, out);
}

static enum status get_pipeline_summary(struct call *c, void *self,
                                        const GetPipelineSummaryRequest *in,
                                        GetPipelineSummaryResponse *out)
{
    return pipeline_summary(c, self, in, out);
}

static enum status explain_decision(struct call *c, void *self, const ExplainDecisionRequest *in,
                                    ExplainDecisionResponse *out)
{
    return decision_explain(c, self, in, out);
}

static enum status replay_decision(struct call *c, void *self, const ReplayDecisionRequest *in,
                                   ReplayDecisionResponse *out)
{
    return replay_run(c, self, in, out);
}

static enum status recommend_actions(struct call *c, void *self, const RecommendActionsRequest *in,
                                     RecommendActionsResponse *out)
{
    return recommend_run(c, self, in, out);
}

static enum status respond_to_recommendation(struct call *c, void *self,
                                             const RespondToRecommendationRequest *in,
                                             RespondToRecommendationResponse *out)
{
    return recommendation_respond(c, self, in, out);
}

static enum status propose_action(struct call *c, void *self, const ProposeActionRequest *in,
                                  ProposeActionResponse *out)
{
    return proposal_propose(c, self, in, out);
}

static enum status list_proposals(struct call *c, void *self, const ListProposalsRequest *in,
                                  ListProposalsResponse *out)
{
    return proposal_list(c, self, in, out);
}

static enum status decide_proposal(struct call *c, void *self, const DecideProposalRequest *in,
                                   DecideProposalResponse *out)
{
    return proposal_decide(c, self, in, out);
}

const struct sales_agent_handlers sales_agent_handlers = {
    .create_lead = create_lead,
    .get_lead = get_lead,
    .list_leads = list_leads,
    .update_lead = update_lead,
    .delete_lead = delete_lead,
    .import_leads = {import_leads_message,
                     {.half_close = import_leads_half_close, .done = import_leads_done}},
    .qualify_lead = qualify_lead,
    .batch_qualify_leads = {batch_qualify_message,
                            {.writable = batch_qualify_writable, .done = batch_qualify_done}},
    .convert_lead = convert_lead,
    .watch_leads = {watch_leads_message,
                    {.writable = watch_leads_writable, .done = watch_leads_done}},
    .log_activity = log_activity,
    .list_activities = list_activities,
    .create_deal = create_deal,
    .get_deal = get_deal,
    .list_deals = list_deals,
    .update_deal = update_deal,
    .progress_deal = progress_deal,
    .reopen_deal = reopen_deal,
    .list_pipelines = list_pipelines,
    .get_pipeline_summary = get_pipeline_summary,
    .explain_decision = explain_decision,
    .replay_decision = replay_decision,
    .recommend_actions = recommend_actions,
    .respond_to_recommendation = respond_to_recommendation,
    .propose_action = propose_action,
    .list_proposals = list_proposals,
    .decide_proposal = decide_proposal,
};
