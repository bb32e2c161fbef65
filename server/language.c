/* Settings to options. */
#include "server/language.h"

#include <string.h>

#include "ai/anthropic.h"
#include "ai/local.h"
#include "obs/log.h"

enum { NS_PER_MS = 1000000, CHECK_ARENA_BYTES = 1 << 20 };

static enum status check(struct call *c, const struct config *config,
                         const struct ai_models *models)
{
    if (!config->ai_url[0] || !config->ai_version[0] || !config->ai_key.text[0])
        return call_fail(c, STATUS_INVALID,
                         "--ai-provider=anthropic needs --ai-url, --ai-version and --ai-key");
    if (!models->n)
        return call_fail(c, STATUS_INVALID, "--ai-provider=anthropic needs --ai-models");
    if (config->ai_url[strlen(config->ai_url) - 1] == '/')
        return call_fail(c, STATUS_INVALID, "--ai-url: it ends with a slash");
    return STATUS_OK;
}

static enum status check_models(struct ai_provider *p, struct call *c)
{
    struct anthropic_model models[AI_TASKS];
    enum status s = anthropic_check_models(p, c, models);

    if (s != STATUS_OK)
        log_warn(c, LOG_EVENT_AI_MODEL_CHECKED, F_WHY(&c->fault), F_STR("reason", c->fault.reason));
    return s;
}

/* A failure is retried, unless it is the key's. */
static enum status check_daily(void *self, struct call *c, struct job *job)
{
    struct language *l = self;

    (void)job;
    return l->provider == ai_local() ? STATUS_OK : check_models(l->provider, c);
}

const struct job_kind language_check_models = {.name = "ai.check_models",
                                               .handle = check_daily,
                                               .lease_ms = 120000,
                                               .attempts_max = 5,
                                               .first_ms = 60000,
                                               .most_ms = 3600000,
                                               .every_ms = 86400000,
                                               .scope = JOB_OF_SERVICE};

/* A service that is away must not keep the server from starting. */
static void look_up_models(struct ai_provider *p)
{
    struct call c;

    call_init(&c, NULL, CHECK_ARENA_BYTES);
    c.deadline_ns = call_monotonic_ns(&c) + (int64_t)LANGUAGE_CHECK_MS * NS_PER_MS;
    (void)!check_models(p, &c);
    call_release(&c);
}

static enum status open_anthropic(struct call *c, const struct config *config, const char *version,
                                  struct metrics *metrics, struct language *out)
{
    const char *agent = arena_printf(&c->arena, "salesd/%s", version);

    TRY(check(c, config, &out->models));
    if (!agent)
        return call_nomem(c);
    TRY(anthropic_open(c,
                       &(struct anthropic_options){
                           .url = config->ai_url,
                           .version = config->ai_version,
                           .key = {config->ai_key.text, config->ai_key.path},
                           .user_agent = agent,
                           .ca_file = config->ai_ca,
                           .models = out->models.all,
                           .n_models = out->models.n,
                           .in_flight_max = (int)config->ai_in_flight,
                           .queue_max = (int)config->ai_queue,
                           .metrics = metrics,
                       },
                       &out->provider));
    look_up_models(out->provider);
    return STATUS_OK;
}

enum status language_open(struct call *c, const struct config *config, const char *version,
                          struct metrics *metrics, struct language *out)
{
    str name = str_of(config->ai_provider);

    *out = (struct language){.metrics = metrics};
    TRY(ai_models_read(c, config->ai_models, &out->models));
    if (str_eq(name, STR("anthropic")))
        return open_anthropic(c, config, version, metrics, out);
    if (!str_eq(name, STR("local")))
        return call_fail(c, STATUS_INVALID, "--ai-provider: neither local nor anthropic");
    out->provider = ai_local();
    return STATUS_OK;
}

void language_close(struct language *l)
{
    ai_close(l->provider);
    l->provider = NULL;
}
