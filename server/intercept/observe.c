/* The rows that watch: trace, metrics, access log. They refuse nothing. */
#include <arpa/inet.h>
#include <assert.h>

#include "intercept/rows.h"
#include "obs/log.h"
#include "obs/trace.h"

enum { REQUEST_ID_BYTES_MAX = 64, PEER_ID_BYTES_MAX = 255 };

/* As Go's gRPC spells the codes; dashboards select by them. */
static const char *const code_names[STATUS_CODES] = {
    "OK",       "Canceled",        "Unknown",          "InvalidArgument",   "DeadlineExceeded",
    "NotFound", "AlreadyExists",   "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
    "Aborted",  "OutOfRange",      "Unimplemented",    "Internal",          "Unavailable",
    "DataLoss", "Unauthenticated",
};

static const char *const shape_names[] = {
    [METHOD_UNARY] = "unary",
    [METHOD_CLIENT_STREAM] = "client_stream",
    [METHOD_SERVER_STREAM] = "server_stream",
    [METHOD_BIDI] = "bidi_stream",
};

/* What a client may call its request: no blanks, no '@', nothing that reads like a person. */
static bool is_request_id(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];

        if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z') && !(ch >= '0' && ch <= '9') &&
            ch != '-' && ch != '_' && ch != '.')
            return false;
    }
    return s.n > 0 && s.n <= REQUEST_ID_BYTES_MAX;
}

/* A caller without a request id gets the trace id as one. */
enum status trace_before(struct rpc_request *q)
{
    struct call *c = q->call;
    str id = rpc_request_header(q, "x-request-id");
    char parent[TRACEPARENT_BYTES + 1];

    trace_continue(&c->trace, c->clock, rpc_request_header(q, "traceparent"));
    trace_format(&c->trace, parent);
    rpc_request_set_header(q, STR("traceparent"), str_of(parent));
    rpc_request_set_header(q, STR("x-request-id"),
                           is_request_id(id) ? id : str_sub(str_of(parent), 3, 32));
    return STATUS_OK;
}

static void register_method(struct metrics *m, const struct service *s, const struct method *row,
                            struct method_series *out)
{
    const char *labels[] = {shape_names[row->shape], s->name, row->name, NULL};

    out->started = metrics_series(m, METRIC_GRPC_STARTED, labels);
    out->received = metrics_series(m, METRIC_GRPC_RECEIVED, labels);
    out->sent = metrics_series(m, METRIC_GRPC_SENT, labels);
    out->seconds = metrics_series(m, METRIC_GRPC_SECONDS, labels);
    for (int code = 0; code < STATUS_CODES; code++) {
        labels[3] = code_names[code];
        out->handled[code] = metrics_series(m, METRIC_GRPC_HANDLED, labels);
    }
}

bool metrics_register(struct intercept *i)
{
    struct metrics *m = i->options.metrics;

    for (int r = 0; r < AUTH_N_REASONS; r++)
        i->auth_failures[r] = metrics_series(
            m, METRIC_AUTH_FAILURES, (const char *[]){auth_reason_text((enum auth_reason)r)});
    for (int k = 0; k < RATE_CLASSES; k++)
        i->rate_limited[k] = metrics_series(
            m, METRIC_RATE_LIMITED, (const char *const[]){rate_class_text((enum rate_class)k)});
    for (size_t k = 0; k < i->options.n_services; k++) {
        const struct service *s = i->options.services[k];
        struct method_series *series = NEW(&i->arena, struct method_series, s->n_methods);

        if (!series)
            return false;
        i->services[k] = (struct service_series){s, series};
        for (size_t n = 0; n < s->n_methods; n++)
            register_method(m, s, &s->methods[n], &series[n]);
    }
    return true;
}

/* NULL: a service nobody told us of. */
static const struct method_series *series_of(const struct rpc_request *q)
{
    const struct intercept *i = q->context;

    for (size_t k = 0; k < i->options.n_services; k++)
        if (i->services[k].service == q->service)
            return &i->services[k].methods[q->method - q->service->methods];
    return NULL;
}

enum status metrics_before(struct rpc_request *q)
{
    const struct method_series *s = series_of(q);

    if (s)
        series_add(s->started, 1);
    return STATUS_OK;
}

enum status metrics_message(struct rpc_request *q, const ProtobufCMessage *m)
{
    const struct method_series *s = series_of(q);

    (void)m;
    if (s)
        series_add(s->received, 1);
    return STATUS_OK;
}

void metrics_after(struct rpc_request *q, enum status status)
{
    const struct method_series *s = series_of(q);
    const struct intercept_options *o = &((struct intercept *)q->context)->options;

    assert((int)status >= 0 && (int)status < STATUS_CODES);
    if (o->used && q->call->principal.tenant_id > 0)
        o->used(o->used_context, q->call, q->method->path + 1, status != STATUS_OK);
    if (!s)
        return;
    series_add(s->sent, (int64_t)q->n_out);
    series_add(s->handled[status], 1);
    series_observe(s->seconds, call_monotonic_ns(q->call) - q->started_ns);
}

/* Cuts what comes before the last `sep`; all of it when there is none. */
static str before_last(str s, char sep)
{
    const char *at = s.n ? memrchr(s.p, sep, s.n) : NULL;

    return at ? (str){s.p, (size_t)(at - s.p)} : s;
}

/* "ipv4:10.1.2.3:555" -> "10.1.2.0", "ipv6:%5B2001:db8:1:2::3%5D:555" -> "2001:db8:1::": the
 * network that a call comes from helps; the full address of a person does not belong here. */
static void peer_network(const char *peer, char out[INET6_ADDRSTRLEN])
{
    unsigned char address[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN] = "";
    str rest = str_of(peer), kind = str_cut(&rest, ':');
    bool v4 = str_eq(kind, STR("ipv4"));
    int family = v4 ? AF_INET : AF_INET6;

    out[0] = 0;
    if (str_eq(kind, STR("unix")))
        memcpy(out, "unix", sizeof "unix");
    if (!v4 && !str_eq(kind, STR("ipv6")))
        return;
    rest = before_last(rest, ':');
    if (str_starts(rest, STR("%5B")) && str_ends(rest, STR("%5D")))
        rest = str_sub(rest, 3, rest.n - 6);
    else if (str_starts(rest, STR("[")) && str_ends(rest, STR("]")))
        rest = str_sub(rest, 1, rest.n - 2);
    if (rest.n >= sizeof text)
        return;
    memcpy(text, rest.p, rest.n);
    if (inet_pton(family, text, address) != 1)
        return;
    memset(address + (v4 ? 3 : 6), 0, v4 ? 1 : 10);
    if (!inet_ntop(family, address, out, INET6_ADDRSTRLEN))
        out[0] = 0;
}

/* "spiffe://mesh/ns/sales/sa/web", "gateway-1": nothing that reads like a person. */
static bool is_machine_name(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];

        if (!(ch >= 'a' && ch <= 'z') && !(ch >= 'A' && ch <= 'Z') && !(ch >= '0' && ch <= '9') &&
            !strchr("-_./:", ch))
            return false;
    }
    return s.n > 0 && s.n <= PEER_ID_BYTES_MAX && !memchr(s.p, 0, s.n);
}

/* The SPIFFE id, else the common name, of the client's certificate; NULL: not to be said. The text
 * lives in the call's arena. */
static const char *peer_id(struct rpc_request *q)
{
    const struct intercept *i = q->context;
    struct rpc_identity peer;
    str id;

    if (!i->options.log_peer_identity || !rpc_request_peer_identity(q, &peer))
        return NULL;
    id = peer.spiffe_id.n ? peer.spiffe_id : peer.common_name;
    return is_machine_name(id) ? id.p : NULL;
}

static enum log_level level_of(const struct rpc_request *q, enum status s)
{
    if (s == STATUS_INTERNAL || s == STATUS_UNKNOWN || s == STATUS_DATA_LOSS)
        return LOG_ERROR;
    if (s == STATUS_UNAVAILABLE)
        return LOG_WARN;
    return s == STATUS_OK && is_public(q->service) ? LOG_DEBUG : LOG_INFO;
}

void log_after(struct rpc_request *q, enum status s)
{
    const struct fault *f = &q->call->fault;
    str id = rpc_request_header(q, "x-request-id");
    char peer[INET6_ADDRSTRLEN], request_id[REQUEST_ID_BYTES_MAX + 1] = "";
    bool failed = s != STATUS_OK;

    peer_network(q->call->peer, peer);
    if (is_request_id(id))
        memcpy(request_id, id.p, id.n);
    LOG_AT(q->call, level_of(q, s), LOG_EVENT_RPC_FINISHED, F_STR("code", status_name(s)),
           F_NS("took", call_monotonic_ns(q->call) - q->started_ns),
           F_NS("waited", q->handling_ns ? q->handling_ns - q->started_ns : 0),
           F_BYTES("in", q->bytes_in), F_BYTES("out", q->bytes_out), F_INT("n_in", q->n_in),
           F_INT("n_out", q->n_out), F_STR("peer", peer[0] ? peer : NULL),
           F_ID("peer_id", peer_id(q)), F_ID("request_id", request_id[0] ? request_id : NULL),
           F_STR("reason", failed ? f->reason : NULL), F_STR("why", failed ? f->why : NULL));
}

/* What changed something is on the trail by its own transaction; this is for what was not allowed
 * to. */
void audit_after(struct rpc_request *q, enum status s)
{
    const struct intercept *i = q->context;

    if (s == STATUS_DENIED && i->options.refused.fn && q->call->principal.tenant_id > 0)
        i->options.refused.fn(i->options.refused.context, q->call, s);
}
