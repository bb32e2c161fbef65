/* The rows that refuse: deadline, credential, roles, rate, rules. Each says why, and by which rule.
 */
#include "intercept/rows.h"
#include "schema/validate.h"

enum { NS_PER_MS = 1000000, STREAMS_RETRY_MS = 10000, LOOK_EVERY_MS = 1000, LOOK_BYTES = 8 << 20 };

/* Streams live as long as their clients want. */
enum status deadline_before(struct rpc_request *q)
{
    const struct intercept_options *o = &((struct intercept *)q->context)->options;
    struct call *c = q->call;
    int64_t latest = q->started_ns + o->deadline_max_ms * NS_PER_MS;

    if (q->method->shape != METHOD_UNARY)
        return STATUS_OK;
    if (!c->deadline_ns)
        c->deadline_ns = q->started_ns + o->deadline_ms * NS_PER_MS;
    else if (c->deadline_ns > latest)
        c->deadline_ns = latest;
    return call_check(c); /* an expired call is not worth a look at its credential */
}

/* "admin, manager" */
static const char *roles_text(struct arena *a, uint32_t roles)
{
    struct buf b;

    buf_init(&b, a, 256);
#define X(name, number, text)                                                                      \
    if (roles & ROLE_BIT_##name)                                                                   \
        buf_printf(&b, "%s%s", b.n ? ", " : "", text);
    ROLE_LIST(X)
#undef X
    return b.n ? buf_str(&b).p : "none";
}

static enum status refuse_role(struct rpc_request *q, const char *rule)
{
    struct intercept *i = q->context;
    struct call *c = q->call;

    c->rule = rule;
    series_add(i->auth_failures[AUTH_ROLE], 1);
    call_detail(c, FAULT_METADATA, NULL, STR("rule"), "%s", rule);
    call_detail(c, FAULT_METADATA, NULL, STR("method"), "%s", q->method->path);
    call_detail(c, FAULT_METADATA, NULL, STR("roles_allowed"), "%s",
                roles_text(&c->arena, q->method->roles));
    call_detail(c, FAULT_METADATA, NULL, STR("roles_held"), "%s",
                roles_text(&c->arena, c->principal.roles));
    return call_fail_as(c, STATUS_DENIED, "ROLE_REQUIRED",
                        "none of the caller's roles may call this method");
}

/* An open stream asks the policy again: see authorise_again. */
static enum status follow_policy(struct rpc_request *q)
{
    int64_t *look_ns;

    if (q->method->shape == METHOD_UNARY)
        return STATUS_OK;
    if ((look_ns = NEW(&q->call->arena, int64_t, 1)) == NULL)
        return call_nomem(q->call);
    *look_ns = call_monotonic_ns(q->call) + (int64_t)LOOK_EVERY_MS * NS_PER_MS;
    *q->state = look_ns;
    return STATUS_OK;
}

/* With which records the method may deal for this caller. */
static enum status decide_reach(struct rpc_request *q)
{
    struct intercept *i = q->context;
    struct call *c = q->call;
    uint32_t roles = c->principal.roles & q->method->roles;
    RepScope scope = REP_SCOPE_OWN; /* of a server that knows no policy: the narrowest */
    struct access_use use;

    if (!access_of_method(q->method->path + 1, &use)) {
        c->reach = (struct reach){REACH_NONE, REACH_NONE, REACH_NONE, "access.none"};
        c->rule = "method.roles";
        return STATUS_OK;
    }
    if (access_needs_policy(roles, &use) && i->options.rep_scope) {
        TRY(i->options.rep_scope(i->options.rep_scope_context, c, &scope));
        TRY(follow_policy(q));
    }
    c->reach = access_decide(roles, &use, scope);
    c->rule = c->reach.rule;
    return c->reach.act == REACH_NONE ? refuse_role(q, c->reach.rule) : STATUS_OK;
}

enum status authorise_before(struct rpc_request *q)
{
    if (is_public(q->service))
        return STATUS_OK;
    if (!(q->method->roles & q->call->principal.roles))
        return refuse_role(q, "method.roles");
    return decide_reach(q);
}

static enum status refuse_rate(struct rpc_request *q, enum rate_class class,
                               const struct rate_answer *answer)
{
    struct intercept *i = q->context;
    struct call *c = q->call;

    series_add(i->rate_limited[class], 1);
    call_retry_after(c, answer->wait_ns / NS_PER_MS + 1);
    call_detail(c, FAULT_METADATA, NULL, STR("class"), "%s", rate_class_text(class));
    call_detail(c, FAULT_METADATA, NULL, STR("limit_per_second"), "%lld",
                (long long)answer->calls_per_second);
    return call_fail_as(c, STATUS_EXHAUSTED, "TENANT_RATE", "the tenant is over its rate of calls");
}

static enum status take_place(struct rpc_request *q)
{
    struct intercept *i = q->context;
    struct call *c = q->call;

    if (q->method->shape == METHOD_UNARY)
        return STATUS_OK;
    if ((*q->state = open_streams_enter(i->streams, c->principal.tenant_id)) != NULL)
        return STATUS_OK;
    series_add(i->rate_limited[rate_class_of(q->method)], 1);
    call_retry_after(c, STREAMS_RETRY_MS);
    call_detail(c, FAULT_METADATA, NULL, STR("limit"), "%lld",
                (long long)i->options.tenant_streams);
    return call_fail_as(c, STATUS_EXHAUSTED, "TENANT_STREAMS",
                        "the tenant holds the most streams open that this server lets it");
}

/* The policy says how far a rep reaches: a stream follows when it changes. While it cannot be read,
 * what was decided last holds. */
enum status authorise_again(struct rpc_request *q)
{
    struct intercept *i = q->context;
    uint32_t roles = q->call->principal.roles & q->method->roles;
    int64_t *look_ns = *q->state, now_ns = call_monotonic_ns(q->call);
    RepScope scope = REP_SCOPE_OWN;
    struct access_use use;
    struct call own;

    if (!look_ns || now_ns < *look_ns || q->method->execution == METHOD_ON_LOOP ||
        !access_of_method(q->method->path + 1, &use))
        return STATUS_OK;
    *look_ns = now_ns + (int64_t)LOOK_EVERY_MS * NS_PER_MS;
    call_init(&own, q->call->clock, LOOK_BYTES);
    own.principal = q->call->principal;
    own.deadline_ns = q->call->deadline_ns;
    own.cancelled = q->call->cancelled;
    if (i->options.rep_scope(i->options.rep_scope_context, &own, &scope) == STATUS_OK)
        q->call->reach = access_decide(roles, &use, scope);
    call_release(&own);
    return STATUS_OK;
}

enum status rate_before(struct rpc_request *q)
{
    struct intercept *i = q->context;
    struct call *c = q->call;
    struct rate_ask ask = {.tenant_id = c->principal.tenant_id,
                           .calls_per_second = c->principal.calls_per_second,
                           .class = rate_class_of(q->method)};
    struct rate_answer answer;

    if (is_public(q->service))
        return STATUS_OK;
    answer = tenant_rate_take(i->options.rates, c, &ask);
    return answer.wait_ns ? refuse_rate(q, ask.class, &answer) : take_place(q);
}

/* An API key that was never good here, or not lately, from an address that tries many. Tokens are
 * not looked up before their signature is found good: they may always try. */
static enum status shed_stranger(struct rpc_request *q, str header)
{
    struct intercept *i = q->context;
    struct call *c = q->call;
    int64_t wait_ns;

    if (!header.n || memchr(header.p, '.', header.n))
        return STATUS_OK;
    wait_ns = strangers_wait_ns(i->strangers, lane_host(str_of(c->peer)), call_monotonic_ns(c));
    if (!wait_ns)
        return STATUS_OK;
    series_add(i->auth_failures[AUTH_RATE], 1);
    call_retry_after(c, wait_ns / NS_PER_MS + 1);
    return call_fail_as(c, STATUS_EXHAUSTED, "CREDENTIAL_RATE",
                        "too many unknown keys from this address");
}

/* On the loop, before a worker is woken: what is known to be refused costs as little as it can. A
 * credential that was revoked since hears of the rate and not of that. */
enum status intercept_shed(struct rpc_request *q)
{
    struct intercept *i = q->context;
    str header = rpc_request_header(q, "authorization");
    int64_t tenant_id;
    enum rate_class class = rate_class_of(q->method);
    struct rate_answer closed;

    if (is_public(q->service))
        return STATUS_OK;
    if ((tenant_id = lanes_tenant(i->lanes, header)) == 0)
        return shed_stranger(q, header);
    closed = tenant_rate_closed(i->options.rates, tenant_id, class, call_monotonic_ns(q->call));
    return closed.wait_ns ? refuse_rate(q, class, &closed) : STATUS_OK;
}

void rate_after(struct rpc_request *q, enum status s)
{
    (void)s;
    if (*q->state)
        open_streams_leave(((struct intercept *)q->context)->streams, *q->state);
}

enum status validate_message(struct rpc_request *q, const ProtobufCMessage *m)
{
    return validate(q->call, q->method->rules, m);
}
