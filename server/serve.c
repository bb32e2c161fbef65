/*
 * The main thread opens everything, then waits for signals and nothing else; all signals are
 * blocked before the first thread starts, so only it ever sees one.
 */
#include "server/serve.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/context.h"
#include "agent/enrichment.h"
#include "agent/usage.h"
#include "agent/webhook_meter.h"
#include "http/ops.h"
#include "integration/calendar.h"
#include "intercept/intercept.h"
#include "job/audit_sealer.h"
#include "model/boost.h"
#include "obs/process.h"
#include "sales_descriptor_set.h"
#include "server/addresses.h"
#include "server/env_file.h"
#include "server/events.h"
#include "server/gate.h"
#include "server/guarding.h"
#include "server/jobs.h"
#include "server/keys.h"
#include "server/language.h"
#include "server/open_store.h"
#include "server/outgoing.h"
#include "server/rpc_metrics.h"
#include "server/services.h"
#include "server/signals.h"
#include "workflow/rescore.h"

enum {
    NS_PER_MS = 1000000,
    READY_TIMEOUT_MS = 1000, /* probes give up after a second or two */
    READY_ARENA_BYTES = 1 << 20,
};

struct serve {
    const struct config *config;
    const struct build *build;
    struct call call; /* of starting and stopping */

    struct store *store;
    struct agents agents;
    struct about about;
    struct metrics *metrics;
    struct gate gate;
    struct language language;
    struct guarding_parts guarding;
    struct rescore rescore;
    struct audit_sealer *sealer;
    struct job_engine *jobs;
    struct events events;
    struct rpc_server *rpc;
    struct http_server *http;
    struct ops ops;

    struct addresses addresses;
    atomic_bool draining;
    struct rpc_metrics rpc_metrics;
};

/* Logs why, and says it to people when the log is not before their eyes. */
static enum exit_code failed(struct serve *s, enum exit_code code)
{
    log_error(&s->call, LOG_EVENT_SERVER_FAILED, F_WHY(&s->call.fault),
              F_STR("reason", s->call.fault.reason), F_INT("exit_code", code));
    if (s->config->log_file[0])
        fprintf(stderr, "salesd: %s\n", s->call.fault.why);
    return code;
}

static void note(void *context, enum rpc_log_level level, const char *text)
{
    static const enum log_level levels[] = {[RPC_LOG_DEBUG] = LOG_DEBUG,
                                            [RPC_LOG_INFO] = LOG_INFO,
                                            [RPC_LOG_WARN] = LOG_WARN,
                                            [RPC_LOG_ERROR] = LOG_ERROR};

    (void)context;
    LOG_AT(NULL, levels[level], LOG_EVENT_TRANSPORT_NOTED, F_STR("text", text));
}

static void listener_dead(void *context, const char *address)
{
    (void)context;
    log_error(NULL, LOG_EVENT_LISTENER_DIED, F_STR("address", address));
    signals_listener_dead();
}

/* Kubernetes and Vault change the files under us: who operates this wants to know what is shown. */
static void certificate_news(void *context, const struct rpc_tls_news *news)
{
    (void)context;
    if (news->event == RPC_TLS_REFUSED)
        log_error(NULL, LOG_EVENT_CERTIFICATE_REFUSED, F_STR("why", news->why));
    else
        LOG_AT(NULL, news->is_expired ? LOG_ERROR : LOG_INFO, LOG_EVENT_CERTIFICATE_LOADED,
               F_ID("serial", news->serial), F_INT("expires_s", news->expires_s),
               F_BOOL("is_expired", news->is_expired));
}

static const char *why_not_ready(void *self)
{
    struct serve *s = self;

    struct call c;
    enum status status;

    if (atomic_load(&s->draining))
        return "draining";
    call_init(&c, NULL, READY_ARENA_BYTES);
    c.deadline_ns = call_monotonic_ns(&c) + (int64_t)READY_TIMEOUT_MS * NS_PER_MS;
    status = store_check(s->store, &c);
    call_release(&c);
    return status == STATUS_OK ? NULL : "the store does not answer";
}

static enum exit_code exit_of(enum status s)
{
    return s == STATUS_INVALID ? EXIT_CONFIG : s == STATUS_EXISTS ? EXIT_ADDRESS : EXIT_START;
}

static enum exit_code open_records(struct serve *s)
{
    int64_t began_ns = call_monotonic_ns(&s->call);

    if (open_store(&s->call, s->config, &s->store) != STATUS_OK)
        return failed(s, EXIT_STORE);
    if (agents_init(&s->call, &s->agents, s->store) != STATUS_OK)
        return failed(s, EXIT_START);
    if (usage_open(&s->call, s->store, &s->agents.usage) != STATUS_OK)
        return failed(s, EXIT_START);
    enum status status = outgoing_open(&s->call, s->config, s->build->version, &s->agents.http);

    if (status == STATUS_OK)
        status = outgoing_calendar(&s->call, s->config, s->agents.http, &s->agents.calendar);
    if (status != STATUS_OK)
        return failed(s, exit_of(status));
    log_info(&s->call, LOG_EVENT_STORE_OPENED,
             F_NS("took", call_monotonic_ns(&s->call) - began_ns));
    return EXIT_OK;
}

static enum exit_code migrate(struct serve *s)
{
    int64_t began_ns = call_monotonic_ns(&s->call);

    if (migrate_store(&s->call, s->config) != STATUS_OK)
        return failed(s, EXIT_STORE);
    log_info(&s->call, LOG_EVENT_STORE_MIGRATED,
             F_NS("took", call_monotonic_ns(&s->call) - began_ns));
    return EXIT_OK;
}

/* The sealer before all that writes. */
static enum exit_code open_gate(struct serve *s)
{
    enum status status;

    s->sealer = audit_sealer_new(s->store);
    s->metrics = metrics_open();
    if (!s->sealer || !s->metrics) {
        call_nomem(&s->call);
        return failed(s, EXIT_START);
    }
    process_watch(s->metrics, s->build->version);
    status = gate_open(&s->call, &s->gate, s->config, &s->agents, s->metrics);
    return status == STATUS_OK ? EXIT_OK : failed(s, exit_of(status));
}

static enum exit_code open_language(struct serve *s)
{
    enum status status =
        language_open(&s->call, s->config, s->build->version, s->metrics, &s->language);

    s->agents.ai = s->language.provider;
    s->agents.ai_models = &s->language.models;
    if (status == STATUS_OK)
        status = guarding_open(&s->call, s->config, &s->language, s->store, &s->guarding);
    s->agents.guard = s->guarding.guard;
    if (status == STATUS_OK)
        status = outgoing_enrichment(&s->call, s->config, s->agents.http, s->metrics,
                                     &s->agents.enrichment);
    return status == STATUS_OK ? EXIT_OK : failed(s, exit_of(status));
}

/* The library of boosted trees is loaded before anything needs it at once. */
static enum exit_code open_models(struct serve *s)
{
    s->agents.retrain_days = s->config->model_retrain_days;
    if (boost_warm_up() == STATUS_OK)
        return EXIT_OK;
    (void)call_fail(&s->call, STATUS_UNAVAILABLE, "xgboost does not work: %s", boost_last_error());
    return failed(s, EXIT_START);
}

static enum exit_code open_rpc(struct serve *s)
{
    const struct config *config = s->config;
    struct service_binding bindings[SERVICES_OURS];
    char why[RPC_WHY_BYTES] = "";
    bool api = config->roles & 1U << CONFIG_ROLE_API; /* without: health and reflection only */
    enum status status = addresses_split(&s->call, s->config->listen, &s->addresses);

    if (status != STATUS_OK)
        return failed(s, exit_of(status));
    services_bind(&s->agents, bindings);
    about_init(&s->about, config, s->build, bindings, call_now_us(&s->call));
    s->agents.info = &s->about.info;
    status = rpc_server_new(
        &(struct rpc_options){.addresses = s->addresses.given,
                              .n_addresses = s->addresses.n,
                              .n_loops = (int)config->loops,
                              .n_workers = (int)config->workers,
                              .n_queued = (int)config->queue,
                              .n_calls = (int)config->calls,
                              .n_streams_per_connection = (int)config->streams,
                              .message_bytes = (size_t)config->message_bytes,
                              .listener_dead = listener_dead,
                              .tls = {.cert_path = config->tls_cert,
                                      .key_path = config->tls_key,
                                      .client_ca_path = config->tls_client_ca},
                              .tls_news = certificate_news,
                              .log = note,
                              .lane = intercept_lane,
                              .shed = intercept_shed,
                              .interceptors = intercept_rows,
                              .n_interceptors = intercept_n_rows,
                              .context = s->gate.intercept,
                              .schema = config->reflection ? sales_descriptor_set : NULL,
                              .n_schema = sales_descriptor_set_len,
                              .error_domain = "sales.v1"},
        bindings, api ? SERVICES_OURS : 0, &s->rpc, why);
    if (status == STATUS_OK) {
        rpc_metrics_watch(&s->rpc_metrics, s->metrics, s->rpc);
        return EXIT_OK;
    }
    call_fail(&s->call, status, "%s", why);
    return failed(s, exit_of(status));
}

static enum exit_code open_events(struct serve *s)
{
    enum status status = events_open(&s->call, &s->events, s->config, &s->agents, s->metrics);

    return status == STATUS_OK ? EXIT_OK : failed(s, exit_of(status));
}

static enum exit_code open_http(struct serve *s)
{
    enum status status;

    s->ops = (struct ops){s->metrics, why_not_ready, s};
    status = ops_open(&s->call, s->config->http_listen, &s->ops, &s->http);
    return status == STATUS_OK ? EXIT_OK : failed(s, exit_of(status));
}

static enum exit_code name_addresses(struct serve *s)
{
    enum status status =
        addresses_name(&s->call, &s->addresses, s->rpc,
                       &(struct http_place){s->config->http_listen, http_port(s->http)});

    return status == STATUS_OK ? EXIT_OK : failed(s, EXIT_START);
}

/* The tenant and key of a first start: in a file for scripts, else on stdout for people. */
static enum exit_code bootstrap(struct serve *s)
{
    const char *tenant = s->config->bootstrap_tenant, *path = s->config->bootstrap_env;
    struct call *c = &s->call;
    char secret[API_KEY_TEXT_BYTES + 1];
    enum status status;

    if (!tenant[0])
        return EXIT_OK;
    status = keys_bootstrap(c, s->store,
                            &(struct first_key){.tenant = tenant,
                                                .known = path[0] ? env_file_key(c, path) : "",
                                                .is_wanted = path[0]},
                            secret);
    if (status == STATUS_OK && path[0])
        status = env_file_write(c, path, s->addresses.first, s->addresses.http, secret);
    else if (status == STATUS_OK && secret[0])
        printf("salesd api-key tenant=%s key=%s\n", tenant, secret);
    explicit_bzero(secret, sizeof secret);
    return status == STATUS_OK ? EXIT_OK : failed(s, EXIT_START);
}

static enum exit_code start_jobs(struct serve *s)
{
    const struct job_parts parts = {.store = s->store,
                                    .agents = &s->agents,
                                    .language = &s->language,
                                    .rescore = &s->rescore,
                                    .metrics = s->metrics};

    s->rescore = (struct rescore){&s->agents, &rescore_leads, &s->agents};
    s->agents.webhook_meter = webhook_meter_new(&s->call.arena, s->metrics);
    if (!s->agents.webhook_meter) {
        call_nomem(&s->call);
        return failed(s, EXIT_START);
    }
    return jobs_start(&s->call, s->config, &parts, &s->jobs) == STATUS_OK ? EXIT_OK
                                                                          : failed(s, EXIT_START);
}

static enum exit_code start(struct serve *s)
{
    enum status status = rpc_server_start(s->rpc);

    if (status != STATUS_OK) {
        call_fail(&s->call, status, "the threads of the server cannot be started");
        return failed(s, EXIT_START);
    }
    log_info(&s->call, LOG_EVENT_SERVER_STARTED, F_STR("version", s->build->version),
             F_STR("address", s->addresses.all), F_STR("http", s->addresses.http));
    printf("salesd ready address=%s http=%s\n", s->addresses.all, s->addresses.http);
    fflush(stdout);
    return EXIT_OK;
}

/* Requests first: those that run may still put jobs. Both together have the grace. */
static enum exit_code drain(struct serve *s, enum exit_code code)
{
    int64_t began_ns = call_monotonic_ns(&s->call), left_ms;
    enum status status;

    atomic_store(&s->draining, true);
    signals_let_kill(EXIT_DRAIN);
    status = rpc_server_stop(s->rpc, (int)s->config->drain_grace);
    log_info(&s->call, LOG_EVENT_SERVER_DRAINED, F_STR("result", status_name(status)),
             F_NS("took", call_monotonic_ns(&s->call) - began_ns));
    left_ms = s->config->drain_grace - (call_monotonic_ns(&s->call) - began_ns) / NS_PER_MS;
    if (jobs_stop(&s->call, s->jobs, left_ms > 0 ? left_ms : 0) != STATUS_OK)
        status = STATUS_DEADLINE;
    return status == STATUS_OK ? code : EXIT_DRAIN;
}

static void close_all(struct serve *s)
{
    http_close(s->http); /* first: it reads the others */
    rpc_server_free(s->rpc);
    events_close(&s->events);
    if (job_engine_stop(s->jobs, 0) != STATUS_OK) /* only when the start failed: it was drained */
        return;
    job_engine_close(s->jobs);
    language_close(&s->language); /* ends the calls of guarding */
    guarding_close(&s->guarding);
    gate_close(&s->gate);
    audit_sealer_free(s->sealer); /* behind all that writes */
    metrics_close(s->metrics);
    calendar_close(s->agents.calendar);
    enrichment_close(s->agents.enrichment);
    outgoing_close(s->agents.http);
    usage_close(s->agents.usage);
    agents_release(&s->agents);
    store_close(s->store);
}

/* Each needs what stands above it. */
static enum exit_code open_all(struct serve *s)
{
    static enum exit_code (*const steps[])(struct serve *) = {
        open_records,   open_gate, open_language, open_models, open_rpc, open_http,
        name_addresses, bootstrap, open_events,   start_jobs,  start};

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        enum exit_code code = steps[i](s);

        if (code != EXIT_OK)
            return code;
    }
    return EXIT_OK;
}

static enum exit_code run(struct serve *s, const sigset_t *signals)
{
    enum exit_code code = open_all(s);

    if (code == EXIT_OK)
        code = drain(s, signals_wait(signals) == SIGNALS_STOP ? EXIT_OK : EXIT_LISTENER);
    if (code != EXIT_DRAIN) /* else a handler still runs: what it uses must stay */
        close_all(s);
    return code;
}

static void warn_exposed(const char *path)
{
    log_warn(NULL, LOG_EVENT_SECRET_EXPOSED, F_STR("path", path),
             F_STR("why", "others may read or write the file of a secret"));
}

enum exit_code serve(const struct config *config, const struct build *build)
{
    struct serve s = {.config = config, .build = build};
    sigset_t signals = signals_block();
    enum exit_code code = EXIT_START;

    call_init(&s.call, NULL, CALL_ARENA_BYTES);
    if (log_open(&s.call,
                 &(struct log_options){.path = config->log_file[0] ? config->log_file : NULL,
                                       .fd = STDERR_FILENO,
                                       .level = config->log_level}) != STATUS_OK) {
        fprintf(stderr, "salesd: %s\n", s.call.fault.why);
    } else {
        config_find_exposed(config, warn_exposed);
        code = config->migrate ? migrate(&s) : run(&s, &signals);
        log_info(&s.call, LOG_EVENT_SERVER_STOPPED, F_INT("exit_code", code));
        log_close();
    }
    call_release(&s.call);
    return code;
}
