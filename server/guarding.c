/* Settings to options. */
#include "server/guarding.h"

#include "ai/local.h"

/* A model without a price could not be held against a budget. */
static enum status check_prices(struct call *c, const struct language *l,
                                const struct ai_price *prices, size_t n)
{
    for (size_t i = 0; i < l->models.n; i++)
        if (l->provider != ai_local() && !budget_price(prices, n, l->models.all[i]))
            return call_fail_as(c, STATUS_INVALID, "AI_PRICES",
                                "--ai-prices: model %s of --ai-models has none", l->models.all[i]);
    return STATUS_OK;
}

enum status guarding_open(struct call *c, const struct config *config,
                          const struct language *language, struct store *store,
                          struct guarding_parts *out)
{
    struct ai_price prices[BUDGET_PRICES_MAX];
    struct guard_options o = {.store = store, .metrics = language->metrics, .prices = prices};

    *out = (struct guarding_parts){0};
    TRY(budget_prices_read(c, config->ai_prices, prices, &o.n_prices));
    TRY(check_prices(c, language, prices, o.n_prices));
    TRY(prompts_open(c, config->ai_prompts, &out->prompts));
    TRY(redactor_open(c, &out->redactor));
    TRY(ai_cache_open(c,
                      &(struct ai_cache_options){.max_bytes = (size_t)config->ai_cache,
                                                 .ttl_ms = config->ai_cache_time,
                                                 .redis_url = config->redis.text,
                                                 .redis_url_path = config->redis.path,
                                                 .store = store},
                      &out->cache));
    o.external = language->provider == ai_local() ? NULL : language->provider;
    o.prompts = out->prompts;
    o.redactor = out->redactor;
    o.cache = out->cache;
    for (enum ai_task t = 0; t < AI_TASKS; t++)
        o.models[t] = ai_models_of(&language->models, t);
    return guard_open(c, &o, &out->guard);
}

void guarding_close(struct guarding_parts *g)
{
    guard_close(g->guard);
    ai_cache_close(g->cache);
    redactor_close(g->redactor);
    prompts_close(g->prompts);
    *g = (struct guarding_parts){0};
}
