/* A channel with its settings, and the completion queues that idle between calls. */
#include <assert.h>
#include <grpc/grpc_security.h>

#include "base/banned.h"
#include "client/internal.h"

enum {
    RECONNECT_FIRST_MS = 100, /* gRPC's default of 1 s would outlast our retries */
    RECONNECT_MOST_MS = 1000, /* our own back-off paces the calls; a connect is cheap */
    RESOLVE_AGAIN_MS = 5000,  /* new pods of a headless service are found this soon */
    KEEPALIVE_TIMEOUT_MS = 20000,
    CHANNEL_ARGS_MAX = 12,
};

struct args {
    grpc_arg rows[CHANNEL_ARGS_MAX];
    size_t n;
};

/* gRPC's structs are not const-correct; it only reads them. */
static char *unconst(const char *text)
{
    char *p;

    memcpy(&p, &text, sizeof p);
    return p;
}

static void add_int(struct args *a, const char *key, int64_t value)
{
    assert(a->n < CHANNEL_ARGS_MAX && value >= 0 && value <= INT32_MAX);
    a->rows[a->n++] =
        (grpc_arg){.type = GRPC_ARG_INTEGER, .key = unconst(key), .value.integer = (int)value};
}

static void add_text(struct args *a, const char *key, const char *value)
{
    assert(a->n < CHANNEL_ARGS_MAX);
    a->rows[a->n++] =
        (grpc_arg){.type = GRPC_ARG_STRING, .key = unconst(key), .value.string = unconst(value)};
}

static int64_t or_default(int64_t given, int64_t fallback)
{
    return given > 0 ? given < INT32_MAX ? given : INT32_MAX : fallback;
}

static grpc_channel_credentials *credentials(const struct sales_options *o)
{
    grpc_ssl_pem_key_cert_pair own = {o->tls_key_pem, o->tls_cert_pem};

    if (o->security == SALES_PLAINTEXT)
        return grpc_insecure_credentials_create();
    return grpc_ssl_credentials_create(o->tls_roots_pem, o->tls_key_pem ? &own : NULL, NULL, NULL);
}

static grpc_channel *channel(const struct sales_options *o, size_t message_bytes_max)
{
    grpc_channel_credentials *creds = credentials(o);
    struct args a = {.n = 0};
    grpc_channel *made;

    add_int(&a, GRPC_ARG_ENABLE_RETRIES, 0); /* ours know what is safe, and are counted */
    add_int(&a, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int64_t)message_bytes_max);
    add_int(&a, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_FIRST_MS);
    add_int(&a, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_MOST_MS);
    add_int(&a, GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, RESOLVE_AGAIN_MS);
    add_int(&a, GRPC_ARG_KEEPALIVE_TIME_MS, or_default(o->keepalive_ms, KEEPALIVE_MS_DEFAULT));
    add_int(&a, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS);
    add_text(&a, GRPC_ARG_PRIMARY_USER_AGENT_STRING, "libsales/" SALES_VERSION);
    if (o->security == SALES_TLS && o->tls_server_name)
        add_text(&a, GRPC_SSL_TARGET_NAME_OVERRIDE_ARG, o->tls_server_name);
    if (strncmp(o->address, "dns:", 4) == 0)
        add_text(&a, GRPC_ARG_LB_POLICY_NAME, "round_robin");
    made = grpc_channel_create(o->address, creds,
                               &(grpc_channel_args){.num_args = a.n, .args = a.rows});
    grpc_channel_credentials_release(creds);
    return made;
}

static char *bearer(const char *key)
{
    static const char scheme[] = "Bearer ";
    size_t n = strlen(key);
    char *text = malloc(sizeof scheme + n);

    if (text) {
        memcpy(text, scheme, sizeof scheme - 1);
        memcpy(text + sizeof scheme - 1, key, n + 1);
    }
    return text;
}

static struct retry_policy policy(const struct sales_options *o)
{
    int64_t first = or_default(o->backoff_first_ms, RETRY_FIRST_MS_DEFAULT);
    int64_t most = or_default(o->backoff_most_ms, RETRY_MOST_MS_DEFAULT);
    unsigned attempts = o->max_attempts ? o->max_attempts : RETRY_ATTEMPTS_DEFAULT;

    return (struct retry_policy){
        .max_attempts = attempts < RETRY_ATTEMPTS_MAX ? attempts : RETRY_ATTEMPTS_MAX,
        .first_ms = first,
        .most_ms = most > first ? most : first,
    };
}

enum sales_status sales_client_open(const struct sales_options *options, struct sales_client **out)
{
    struct sales_client *c;

    *out = NULL;
    if (!options->address || !*options->address || !options->tls_cert_pem != !options->tls_key_pem)
        return SALES_INVALID_ARGUMENT;
    if (!(c = malloc(sizeof *c)))
        return SALES_RESOURCE_EXHAUSTED;
    *c = (struct sales_client){
        .retry = policy(options),
        .timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS_DEFAULT,
        .message_bytes_max =
            options->message_bytes_max ? options->message_bytes_max : REPLY_BYTES_DEFAULT,
    };
    if (options->api_key && *options->api_key && !(c->authorization = bearer(options->api_key))) {
        free(c);
        return SALES_RESOURCE_EXHAUSTED;
    }
    pthread_mutex_init(&c->lock, NULL);
    grpc_init();
    c->channel = channel(options, c->message_bytes_max);
    *out = c;
    return SALES_OK;
}

void sales_client_close(struct sales_client *client)
{
    if (!client)
        return;
    for (size_t i = 0; i < client->n_idle; i++) {
        grpc_completion_queue_shutdown(client->idle[i]);
        grpc_completion_queue_destroy(client->idle[i]);
    }
    grpc_channel_destroy(client->channel);
    grpc_shutdown_blocking();
    pthread_mutex_destroy(&client->lock);
    free(client->authorization);
    free(client);
}
