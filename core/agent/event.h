/* event: the event types that agents put into the outbox, in one list. */
#ifndef AGENT_EVENT_H
#define AGENT_EVENT_H

#define EVENT_LEAD_CREATED             "sales.lead.created"
#define EVENT_LEAD_UPDATED             "sales.lead.updated"
#define EVENT_LEAD_QUALIFIED           "sales.lead.qualified"
#define EVENT_LEAD_CONVERTED           "sales.lead.converted"
#define EVENT_LEAD_ERASED              "sales.lead.erased"
#define EVENT_DEAL_CREATED             "sales.deal.created"
#define EVENT_DEAL_UPDATED             "sales.deal.updated"
#define EVENT_DEAL_CLOSED              "sales.deal.closed"
#define EVENT_ACTIVITY_LOGGED          "sales.activity.logged"
#define EVENT_PROPOSAL_CREATED         "sales.proposal.created"
#define EVENT_PROPOSAL_UPDATED         "sales.proposal.updated"
#define EVENT_EMAIL_PLANNED            "sales.email.planned"
#define EVENT_MODEL_TRAINED            "sales.model.trained"
#define EVENT_RECOMMENDATION_GENERATED "sales.recommendation.generated"
#define EVENT_RECOMMENDATION_UPDATED   "sales.recommendation.updated"
#define EVENT_TENANT_CREATED           "sales.tenant.created"
#define EVENT_TENANT_UPDATED           "sales.tenant.updated"
#define EVENT_KEY_CREATED              "sales.api_key.created"
#define EVENT_KEY_REVOKED              "sales.api_key.revoked"

#endif
