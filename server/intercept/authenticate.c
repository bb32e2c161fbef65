/* The row that says who calls: gathers the evidence, has it judged, and looks again while a stream
 * is open. The client learns that it was refused; the log and a counter learn why. */
#include "intercept/rows.h"
#include "intercept/xfcc.h"
#include "obs/log.h"

static void refused(struct rpc_request *q, enum auth_reason why)
{
    struct intercept *i = q->context;

    series_add(i->auth_failures[why], 1);
    log_info(q->call, LOG_EVENT_CALL_REFUSED, F_STR("reason", auth_reason_text(why)));
}

/* How often a header is there; its last value. */
static size_t count_headers(const struct rpc_request *q, const char *name, str *out)
{
    str key, value;
    size_t n = 0;

    *out = (str){0};
    for (size_t i = 0; rpc_request_header_at(q, i, &key, &value); i++)
        if (str_eq(key, str_of(name))) {
            *out = value;
            n++;
        }
    return n;
}

/* The certificate of the connection; or, behind a proxy on this host that is believed, the one that
 * it speaks of. */
static void find_certificate(struct rpc_request *q, struct auth_evidence *e)
{
    struct intercept *i = q->context;
    const struct trust_rules *rules;
    struct rpc_identity peer;
    str forwarded;

    if (!i->options.trust)
        return;
    if (rpc_request_peer_identity(q, &peer)) {
        e->spiffe_id = peer.spiffe_id;
        e->common_name = peer.common_name;
        return;
    }
    rules = trust_get(i->options.trust);
    if (rules->forwarded_certificates && xfcc_is_local(str_of(q->call->peer)) &&
        count_headers(q, "x-forwarded-client-cert", &forwarded) == 1)
        e->spiffe_id = xfcc_spiffe_id(forwarded);
    trust_put(rules);
}

enum status authenticate_before(struct rpc_request *q)
{
    struct intercept *i = q->context;
    struct auth_evidence e = {.service = q->service->name};
    struct auth_outcome outcome;
    enum status s;

    if (is_public(q->service))
        return STATUS_OK;
    e.is_doubled = count_headers(q, "authorization", &e.header) > 1;
    find_certificate(q, &e);
    s = auth_check(i->auth, q->call, &e, &outcome);
    if (outcome.why != AUTH_FINE)
        refused(q, outcome.why);
    if (s == STATUS_OK)
        lanes_learn(i->lanes, e.header, q->call->principal.tenant_id);
    if (s == STATUS_OK && outcome.expires_us && q->method->shape != METHOD_UNARY) {
        int64_t *expires_us = NEW(&q->call->arena, int64_t, 1);

        if (!expires_us)
            return call_nomem(q->call);
        *expires_us = outcome.expires_us;
        *q->state = expires_us;
    }
    return s;
}

enum status authenticate_again(struct rpc_request *q)
{
    const int64_t *expires_us = *q->state;

    if (!expires_us || call_now_us(q->call) < *expires_us)
        return STATUS_OK;
    refused(q, AUTH_EXPIRED);
    return auth_refuse(q->call, AUTH_EXPIRED);
}
