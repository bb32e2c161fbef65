#include "agent/key_rotation.h"

#include <stdio.h>

#include "agent/mutation.h"
#include "store/audit.h"
#include "store/job.h"
#include "store/key.h"

static enum status rotate_unit(struct call *c, struct tx *tx, void *arg)
{
    RotateDataKeyResponse *out = arg;
    AuditEntry e = AUDIT_ENTRY_INIT;
    char version[16];

    (void)c;
    TRY(tx_key_rotate(tx, &out->key_version));
    TRY(tx_key_pending(tx, &out->pending_records));
    snprintf(version, sizeof version, "%u", out->key_version);
    e.record_kind = "data_key";
    e.record_id = version;
    TRY(tx_audit(tx, &e));
    return tx_job_put(tx, &(struct job_put){.kind = STR(KEY_TEND_KIND), .rule = JOB_EARLIER});
}

enum status key_rotation_start(struct call *c, struct agents *a, RotateDataKeyResponse *out)
{
    TRY(mutate(c, a, &(struct mutation){.unit = rotate_unit, .arg = out, .answer = &out->base}));
    store_keys_forget(a->store, c->principal.tenant_id);
    return STATUS_OK;
}
