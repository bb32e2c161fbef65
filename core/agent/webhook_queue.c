/* Keys of jobs, and puts that are harmless to repeat. */
#include "agent/webhook_queue.h"

#include <assert.h>
#include <inttypes.h>

uint32_t webhook_lane_of(struct uuid subject)
{
    return 1 + subject.b[15] % WEBHOOK_LANES; /* random bits of a version 7 id */
}

static enum status wake_one(struct tx *tx, const char *webhook_id, uint32_t lane, int64_t due_us)
{
    struct call *c = tx_call(tx);
    char *key = arena_printf(&c->arena, "%s/%" PRIu32, webhook_id, lane);

    if (!key)
        return call_nomem(c);
    return tx_job_put(tx, &(struct job_put){.kind = STR(WEBHOOK_JOB_LANE),
                                            .key = str_of(key),
                                            .due_us = due_us,
                                            .rule = JOB_EARLIER});
}

enum status webhook_wake(struct tx *tx, const char *webhook_id, uint32_t lane, int64_t due_us)
{
    assert(lane <= WEBHOOK_LANES);
    if (lane)
        return wake_one(tx, webhook_id, lane, due_us);
    for (lane = 1; lane <= WEBHOOK_LANES; lane++)
        TRY(wake_one(tx, webhook_id, lane, due_us));
    return STATUS_OK;
}

enum status webhook_sweep_later(struct tx *tx, const char *webhook_id, int64_t due_us)
{
    return tx_job_put(tx, &(struct job_put){.kind = STR(WEBHOOK_JOB_SWEEP),
                                            .key = str_of(webhook_id),
                                            .due_us = due_us,
                                            .rule = JOB_EARLIER});
}

bool webhook_lane_key(struct arena *a, str key, const char **webhook_id_out, uint32_t *lane_out)
{
    str rest = key, id = str_cut(&rest, '/');
    long long lane;
    struct uuid known;

    if (!uuid_parse(id, &known) || !str_to_int64(rest, &lane) || lane < 1 || lane > WEBHOOK_LANES)
        return false;
    *lane_out = (uint32_t)lane;
    *webhook_id_out = arena_cstr(a, id);
    return *webhook_id_out != NULL;
}
