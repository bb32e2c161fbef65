/* A handful of definitions inside of the tenant's policy; a page token is the last id shown. */
#include "agent/pipeline.h"

#include "domain/pipeline.h"

static const Pipeline *default_of(const TenantPolicy *policy)
{
    for (size_t i = 0; i < policy->n_pipelines; i++)
        if (policy->pipelines[i]->is_default)
            return policy->pipelines[i];
    return policy->n_pipelines ? policy->pipelines[0] : pipeline_default();
}

const Pipeline *pipeline_find(const TenantPolicy *policy, const char *id)
{
    if (!*id)
        return default_of(policy);
    for (size_t i = 0; i < policy->n_pipelines; i++)
        if (strcmp(policy->pipelines[i]->id, id) == 0)
            return policy->pipelines[i];
    return strcmp(pipeline_default()->id, id) == 0 ? pipeline_default() : NULL;
}

enum status pipeline_of_deal(struct call *c, const TenantPolicy *policy, const Deal *deal,
                             const Pipeline **out)
{
    if ((*out = pipeline_find(policy, deal->pipeline_id)) != NULL)
        return STATUS_OK;
    call_detail(c, FAULT_PRECONDITION, "PIPELINE", str_of(deal->pipeline_id),
                "define the pipeline again: the deal is in it");
    return call_fail_as(c, STATUS_PRECONDITION, "PIPELINE_GONE",
                        "the tenant has no longer the pipeline of the deal");
}

/* All pipelines in the order of the list. */
static enum status in_order(struct call *c, const TenantPolicy *policy, const Pipeline ***out,
                            size_t *n_out)
{
    const Pipeline *first = default_of(policy);
    const Pipeline **all = NEW(&c->arena, const Pipeline *, policy->n_pipelines + 1);
    size_t n = 0;

    if (!all)
        return call_nomem(c);
    all[n++] = first;
    for (size_t i = 0; i < policy->n_pipelines; i++)
        if (policy->pipelines[i] != first)
            all[n++] = policy->pipelines[i];
    *out = all;
    *n_out = n;
    return STATUS_OK;
}

/* Where the page behind the token begins. */
static enum status page_start(struct call *c, const Pipeline *const *all, size_t n,
                              const char *token, size_t *out)
{
    *out = 0;
    if (!*token)
        return STATUS_OK;
    for (size_t i = 0; i < n; i++)
        if (strcmp(all[i]->id, token) == 0) {
            *out = i + 1;
            return STATUS_OK;
        }
    call_detail(c, FAULT_FIELD, "page_token", STR("page_token"),
                "must be the next_page_token of the page before");
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "there is no such page");
}

enum status pipeline_list(struct call *c, struct agents *a, const ListPipelinesRequest *in,
                          ListPipelinesResponse *out)
{
    size_t size = in->page_size ? (size_t)in->page_size : PAGE_SIZE_DEFAULT, start, n = 0;
    const TenantPolicy *policy;
    const Pipeline **all = NULL;

    TRY(policy_get(c, a->policies, &policy));
    TRY(in_order(c, policy, &all, &n));
    TRY(page_start(c, all, n, in->page_token, &start));
    if ((out->pipelines = NEW(&c->arena, Pipeline *, n)) == NULL)
        return call_nomem(c);
    for (size_t i = start; i < n && out->n_pipelines < size; i++)
        out->pipelines[out->n_pipelines++] = (Pipeline *)all[i];
    if (start + out->n_pipelines < n)
        out->next_page_token = out->pipelines[out->n_pipelines - 1]->id;
    return STATUS_OK;
}
