/* The row that says who calls: gathers the evidence, has it judged, and judges it again while a
 * stream is open. The client learns that it was refused; the log and a counter learn why. */
#include "intercept/rows.h"
#include "intercept/xfcc.h"
#include "obs/log.h"

static void refused(struct rpc_request *q, enum auth_reason why)
{
    struct intercept *i = q->context;

    series_add(i->auth_failures[why], 1);
    log_info(q->call, LOG_EVENT_CALL_REFUSED, F_STR("reason", auth_reason_text(why)));
}

static const char *rule_of(enum auth_reason why)
{
    return why == AUTH_REVOKED     ? "credential.revoked"
           : why == AUTH_EXPIRED   ? "credential.expired"
           : why == AUTH_SUSPENDED ? "credential.suspended"
                                   : "credential.refused";
}

/* Somebody's credential, which is what it says but not good (any more), was used: that tenant finds
 * it on its trail. The call itself stays whose it was. */
static void tell(const struct rpc_request *q, const struct principal *whose, enum auth_reason why)
{
    const struct intercept *i = q->context;
    struct principal caller = q->call->principal;
    const char *rule = q->call->rule;

    if (!whose->tenant_id || !i->options.refused.fn)
        return;
    q->call->principal = *whose;
    q->call->rule = rule_of(why);
    i->options.refused.fn(i->options.refused.context, q->call, q->call->fault.status);
    q->call->principal = caller;
    q->call->rule = rule;
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

enum { LOOK_EVERY_MS = 1000, LOOK_BYTES = 64 << 10 };

static const int64_t ns_per_ms = 1000000;

/* What an open stream showed. */
struct stay {
    struct auth_evidence evidence; /* texts live as long as the call */
    int64_t expires_us;            /* wall clock; 0: never */
    int64_t look_ns;               /* monotonic, when to look again */
};

static enum status stay_open(struct rpc_request *q, const struct auth_evidence *e,
                             int64_t expires_us)
{
    struct stay *k = NEW(&q->call->arena, struct stay, 1);

    if (!k)
        return call_nomem(q->call);
    *k = (struct stay){*e, expires_us, call_monotonic_ns(q->call) + LOOK_EVERY_MS * ns_per_ms};
    *q->state = k;
    return STATUS_OK;
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
    if (outcome.why == AUTH_UNKNOWN)
        strangers_note(i->strangers, lane_host(str_of(q->call->peer)), call_monotonic_ns(q->call));
    if (outcome.why != AUTH_FINE) {
        refused(q, outcome.why);
        tell(q, &outcome.whose, outcome.why);
    }
    if (s != STATUS_OK)
        return s;
    lanes_learn(i->lanes, e.header, q->call->principal.tenant_id);
    return q->method->shape == METHOD_UNARY ? STATUS_OK : stay_open(q, &e, outcome.expires_us);
}

static bool same_rights(const struct principal *a, const struct principal *b)
{
    return a->tenant_id == b->tenant_id && a->roles == b->roles &&
           strcmp(a->subject, b->subject) == 0;
}

/* Whether the evidence would still let the stream in; AUTH_FINE also when nobody can say. */
static enum auth_reason judge_again(struct rpc_request *q, const struct stay *k)
{
    struct intercept *i = q->context;
    struct auth_outcome outcome;
    struct call now;
    enum status s;

    call_init(&now, q->call->clock, LOOK_BYTES);
    now.deadline_ns = q->call->deadline_ns;
    now.cancelled = q->call->cancelled;
    now.method = q->call->method;
    now.peer = q->call->peer;
    s = auth_check(i->auth, &now, &k->evidence, &outcome);
    if (s == STATUS_OK && !same_rights(&now.principal, &q->call->principal))
        outcome.why = AUTH_REVOKED;
    call_release(&now);
    return outcome.why;
}

enum status authenticate_again(struct rpc_request *q)
{
    struct stay *k = *q->state;
    enum auth_reason why = AUTH_FINE;
    int64_t now_ns;

    if (!k)
        return STATUS_OK;
    now_ns = call_monotonic_ns(q->call);
    if (k->expires_us && call_now_us(q->call) >= k->expires_us) {
        why = AUTH_EXPIRED;
    } else if (now_ns >= k->look_ns && q->method->execution != METHOD_ON_LOOP) {
        k->look_ns = now_ns + LOOK_EVERY_MS * ns_per_ms;
        why = judge_again(q, k);
    }
    if (why == AUTH_FINE)
        return STATUS_OK;
    enum status s = auth_refuse(q->call, why);

    refused(q, why);
    if (s == STATUS_DENIED)
        q->call->rule = rule_of(why); /* audit_after notes it, as every denial */
    else
        tell(q, &q->call->principal, why);
    return s;
}
