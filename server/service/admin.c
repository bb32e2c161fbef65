/* One short function per RPC; the table at the end is the service. */
#include "service/admin.h"

#include "agent/api_key.h"
#include "agent/audit.h"
#include "agent/job.h"
#include "agent/key_rotation.h"
#include "agent/server_info.h"
#include "agent/subject.h"
#include "agent/tenant.h"
#include "agent/tenant_state.h"
#include "agent/usage.h"
#include "agent/webhook.h"

static enum status create_tenant(struct call *c, void *self, const CreateTenantRequest *in,
                                 CreateTenantResponse *out)
{
    return tenant_create(c, self, in, out);
}

static enum status suspend_tenant(struct call *c, void *self, const SuspendTenantRequest *in,
                                  SuspendTenantResponse *out)
{
    return tenant_suspend(c, self, in, out);
}

static enum status resume_tenant(struct call *c, void *self, const ResumeTenantRequest *in,
                                 ResumeTenantResponse *out)
{
    return tenant_resume(c, self, in, out);
}

static enum status get_tenant(struct call *c, void *self, const GetTenantRequest *in,
                              GetTenantResponse *out)
{
    (void)in;
    return tenant_get(c, self, &out->tenant);
}

static enum status update_tenant_policy(struct call *c, void *self,
                                        const UpdateTenantPolicyRequest *in,
                                        UpdateTenantPolicyResponse *out)
{
    return tenant_update_policy(c, self, in, out);
}

static enum status create_api_key(struct call *c, void *self, const CreateApiKeyRequest *in,
                                  CreateApiKeyResponse *out)
{
    return api_key_create(c, self, in, out);
}

static enum status list_api_keys(struct call *c, void *self, const ListApiKeysRequest *in,
                                 ListApiKeysResponse *out)
{
    return api_key_list(c, self, in, out);
}

static enum status revoke_api_key(struct call *c, void *self, const RevokeApiKeyRequest *in,
                                  RevokeApiKeyResponse *out)
{
    return api_key_revoke(c, self, in, out);
}

static enum status rotate_data_key(struct call *c, void *self, const RotateDataKeyRequest *in,
                                   RotateDataKeyResponse *out)
{
    (void)in;
    return key_rotation_start(c, self, out);
}

static enum status erase_subject(struct call *c, void *self, const EraseSubjectRequest *in,
                                 EraseSubjectResponse *out)
{
    return subject_erase(c, self, in, out);
}

static enum status set_legal_hold(struct call *c, void *self, const SetLegalHoldRequest *in,
                                  SetLegalHoldResponse *out)
{
    return subject_hold(c, self, in, out);
}

static enum status list_jobs(struct call *c, void *self, const ListJobsRequest *in,
                             ListJobsResponse *out)
{
    return job_list(c, self, in, out);
}

static enum status retry_job(struct call *c, void *self, const RetryJobRequest *in,
                             RetryJobResponse *out)
{
    return job_retry(c, self, in, out);
}

static enum status get_usage(struct call *c, void *self, const GetUsageRequest *in,
                             GetUsageResponse *out)
{
    return usage_get(c, self, in, out);
}

static enum status get_server_info(struct call *c, void *self, const GetServerInfoRequest *in,
                                   GetServerInfoResponse *out)
{
    (void)in;
    return server_info_get(c, self, out);
}

static enum status list_audit_entries(struct call *c, void *self, const ListAuditEntriesRequest *in,
                                      ListAuditEntriesResponse *out)
{
    return audit_list(c, self, in, out);
}

static enum status verify_audit(struct call *c, void *self, const VerifyAuditRequest *in,
                                VerifyAuditResponse *out)
{
    return audit_verify(c, self, in, out);
}

static enum status create_webhook(struct call *c, void *self, const CreateWebhookRequest *in,
                                  CreateWebhookResponse *out)
{
    return webhook_create(c, self, in, out);
}

static enum status update_webhook(struct call *c, void *self, const UpdateWebhookRequest *in,
                                  UpdateWebhookResponse *out)
{
    return webhook_update(c, self, in, out);
}

static enum status list_webhooks(struct call *c, void *self, const ListWebhooksRequest *in,
                                 ListWebhooksResponse *out)
{
    return webhook_list(c, self, in, out);
}

static enum status delete_webhook(struct call *c, void *self, const DeleteWebhookRequest *in,
                                  DeleteWebhookResponse *out)
{
    return webhook_delete(c, self, in, out);
}

static enum status list_webhook_deliveries(struct call *c, void *self,
                                           const ListWebhookDeliveriesRequest *in,
                                           ListWebhookDeliveriesResponse *out)
{
    return webhook_deliveries(c, self, in, out);
}

static enum status redeliver_webhook(struct call *c, void *self, const RedeliverWebhookRequest *in,
                                     RedeliverWebhookResponse *out)
{
    return webhook_redeliver(c, self, in, out);
}

const struct admin_handlers admin_handlers = {
    .create_tenant = create_tenant,
    .suspend_tenant = suspend_tenant,
    .resume_tenant = resume_tenant,
    .get_tenant = get_tenant,
    .update_tenant_policy = update_tenant_policy,
    .create_api_key = create_api_key,
    .list_api_keys = list_api_keys,
    .revoke_api_key = revoke_api_key,
    .rotate_data_key = rotate_data_key,
    .export_subject = {export_subject_message,
                       {.writable = export_subject_writable, .done = export_subject_done}},
    .erase_subject = erase_subject,
    .set_legal_hold = set_legal_hold,
    .list_jobs = list_jobs,
    .retry_job = retry_job,
    .get_usage = get_usage,
    .get_server_info = get_server_info,
    .list_audit_entries = list_audit_entries,
    .verify_audit = verify_audit,
    .create_webhook = create_webhook,
    .update_webhook = update_webhook,
    .list_webhooks = list_webhooks,
    .delete_webhook = delete_webhook,
    .list_webhook_deliveries = list_webhook_deliveries,
    .redeliver_webhook = redeliver_webhook,
};
