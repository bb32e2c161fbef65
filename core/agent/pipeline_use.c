/* Deals name a pipeline and a stage; whatever they name must still be found. */
#include "agent/pipeline_use.h"

#include <inttypes.h>

#include "agent/pipeline.h"
#include "domain/pipeline.h"
#include "store/reach.h"
#include "store/records.h"

static bool has_stage(const TenantPolicy *policy, const char *pipeline, const char *stage)
{
    const Pipeline *p = pipeline_find(policy, pipeline);

    return p && pipeline_stage(p, stage);
}

/* Anything at all that is no more there. */
static bool is_smaller(const TenantPolicy *before, const TenantPolicy *after)
{
    for (size_t i = 0; i < before->n_pipelines; i++) {
        const Pipeline *p = before->pipelines[i];

        for (size_t j = 0; j < p->n_stages; j++)
            if (!has_stage(after, p->id, p->stages[j]->key))
                return true;
    }
    return false;
}

static enum status judge(struct call *c, const TenantPolicy *before, const TenantPolicy *after,
                         const struct group_row *row)
{
    const char *pipeline = arena_cstr(&c->arena, row->key[0].text);
    const char *stage = arena_cstr(&c->arena, row->key[1].text);
    const char *where = arena_printf(&c->arena, STR_FMT "/" STR_FMT, STR_ARG(row->key[0].text),
                                     STR_ARG(row->key[1].text));

    if (!pipeline || !stage || !where)
        return call_nomem(c);
    if (has_stage(before, pipeline, stage) && !has_stage(after, pipeline, stage))
        call_detail(c, FAULT_PRECONDITION, "PIPELINE_USED", str_of(where),
                    "no deals in it; there are %" PRId64, row->count);
    return STATUS_OK;
}

enum status pipeline_check_unused(struct tx *tx, const TenantPolicy *before,
                                  const TenantPolicy *after)
{
    const struct group_query q = {.by = {DEAL_BY_pipeline_id, DEAL_BY_stage}, .n_by = 2};
    struct call *c = tx_call(tx);
    struct group_rows found;

    if (!is_smaller(before, after))
        return STATUS_OK;
    tx_widen(tx); /* deals of everybody, whatever the caller may see of them: only numbers leave */
    TRY(tx_group(tx, RECORD_DEAL, &q, &found));
    tx_narrow(tx);
    for (size_t i = 0; i < found.n_rows; i++)
        TRY(judge(c, before, after, &found.rows[i]));
    if (!c->fault.n_details)
        return STATUS_OK;
    return call_fail_as(c, STATUS_PRECONDITION, "PIPELINE_USED",
                        "deals are in stages that the policy would no longer have");
}
