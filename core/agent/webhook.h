/*
 * webhook: addresses of customers that events are pushed to, and what an admin does with them.
 *
 * A secret is shown in the answer that makes it, and signs from then on. After a rotation the one
 * before signs too for WEBHOOK_OVERLAP_HOURS. What is sent and when: agent/webhook_send.h.
 */
#ifndef AGENT_WEBHOOK_H
#define AGENT_WEBHOOK_H

#include "agent/context.h"
#include "sales/v1/admin.h"

enum {
    WEBHOOKS_MAX = 50,          /* of a tenant: each event is matched with all of them */
    WEBHOOK_OVERLAP_HOURS = 24, /* as UpdateWebhookRequest says */
};

/* INVALID: the address is refused (integration/http.h), an event type is no pattern. EXHAUSTED
 * WEBHOOK_LIMIT. */
MUST_CHECK enum status webhook_create(struct call *c, struct agents *a,
                                      const CreateWebhookRequest *in, CreateWebhookResponse *out);

/* Enabling one that we had disabled forgets why; what waits is sent. */
MUST_CHECK enum status webhook_update(struct call *c, struct agents *a,
                                      const UpdateWebhookRequest *in, UpdateWebhookResponse *out);

MUST_CHECK enum status webhook_list(struct call *c, struct agents *a, const ListWebhooksRequest *in,
                                    ListWebhooksResponse *out);

/* Its deliveries go with it, by a job. */
MUST_CHECK enum status webhook_delete(struct call *c, struct agents *a,
                                      const DeleteWebhookRequest *in, DeleteWebhookResponse *out);

MUST_CHECK enum status webhook_deliveries(struct call *c, struct agents *a,
                                          const ListWebhookDeliveriesRequest *in,
                                          ListWebhookDeliveriesResponse *out);

/* From the first attempt again, with the same webhook-id. PRECONDITION WEBHOOK_NOT_ENABLED. */
MUST_CHECK enum status webhook_redeliver(struct call *c, struct agents *a,
                                         const RedeliverWebhookRequest *in,
                                         RedeliverWebhookResponse *out);

#endif
