#include "agent/key_rotation.h"

#include <stdio.h>

#include "agent/mutation.h"
#include "store/audit.h"
#include "store/job.h"
#include "store/key.h"

struct rotation {
    uint64_t pending;
    RotateDataKeyResponse *out;
};

/* Before the rotation, as reading: nobody waits behind it. All that is sealed now is pending then.
 */
static enum status count_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_key_sealed(tx, &((struct rotation *)arg)->pending);
}

static enum status rotate_unit(struct call *c, struct tx *tx, void *arg)
{
    struct rotation *k = arg;
    RotateDataKeyResponse *out = k->out;
    AuditEntry e = AUDIT_ENTRY_INIT;
    char version[16];

    (void)c;
    TRY(tx_key_rotate(tx, &out->key_version));
    out->pending_records = k->pending;
    snprintf(version, sizeof version, "%u", out->key_version);
    e.record_kind = "data_key";
    e.record_id = version;
    TRY(tx_audit(tx, &e));
    return tx_job_put(tx, &(struct job_put){.kind = STR(KEY_TEND_KIND), .rule = JOB_EARLIER});
}

enum status key_rotation_start(struct call *c, struct agents *a, RotateDataKeyResponse *out)
{
    struct rotation k = {.out = out};

    TRY(store_run(a->store, c, STORE_READ, count_unit, &k));
    TRY(mutate(c, a, &(struct mutation){.unit = rotate_unit, .arg = &k, .answer = &out->base}));
    store_keys_forget(a->store, c->principal.tenant_id);
    return STATUS_OK;
}
