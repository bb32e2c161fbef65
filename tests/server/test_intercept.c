#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include "intercept/intercept.h"
#include "intercept/strangers.h"
#include "obs/log.h"
#include "sales/v1/sales_agent.service.h"
#include "support/table.h"

/* The runtime's side of a request, faked: headers in, headers out. */
enum { HEADERS_MAX = 8 };

static struct {
    const char *key, *value;
} headers_in[HEADERS_MAX];
static struct {
    char key[32], value[128];
} headers_out[HEADERS_MAX];
static size_t n_headers_in, n_headers_out;

str rpc_request_header(const struct rpc_request *q, const char *key)
{
    (void)q;
    for (size_t i = 0; i < n_headers_in; i++)
        if (strcmp(headers_in[i].key, key) == 0)
            return str_of(headers_in[i].value);
    return (str){0};
}

bool rpc_request_header_at(const struct rpc_request *q, size_t i, str *key_out, str *value_out)
{
    (void)q;
    if (i >= n_headers_in)
        return false;
    *key_out = str_of(headers_in[i].key);
    *value_out = str_of(headers_in[i].value);
    return true;
}

bool rpc_request_set_header(struct rpc_request *q, str key, str value)
{
    (void)q;
    cr_assert_lt(n_headers_out, HEADERS_MAX);
    snprintf(headers_out[n_headers_out].key, 32, STR_FMT, STR_ARG(key));
    snprintf(headers_out[n_headers_out++].value, 128, STR_FMT, STR_ARG(value));
    return true;
}

static const char *header_out(const char *key)
{
    for (size_t i = 0; i < n_headers_out; i++)
        if (strcmp(headers_out[i].key, key) == 0)
            return headers_out[i].value;
    return NULL;
}

static void header_in(const char *key, const char *value)
{
    headers_in[n_headers_in].key = key;
    headers_in[n_headers_in++].value = value;
}

/* Services: ours with one method of each kind, and one that is public. */
static const struct method methods[] = {
    {.name = "Get", .path = "/t.T/Get", .roles = ROLE_BIT_ADMIN | ROLE_BIT_VIEWER},
    {.name = "Nobody", .path = "/t.T/Nobody"},
    {.name = "Watch", .path = "/t.T/Watch", .shape = METHOD_SERVER_STREAM, .roles = ROLE_BIT_REP},
};
static const struct service service = {"t.T", methods, 3};
static const struct method health_methods[] = {
    {.name = "Check", .path = "/grpc.health.v1.Health/Check"}};
static const struct service health = {"grpc.health.v1.Health", health_methods, 1};
static const struct service *const services[] = {&service, &health,
                                                 &sales__v1__sales_agent__service};

static struct api_key_record stored;
static struct uuid stored_id = {{9}};

static enum status find_key(struct authenticator *a, struct call *c, struct uuid id,
                            struct api_key_record *out)
{
    (void)a;
    (void)c;
    (void)id;
    *out = stored;
    return STATUS_OK;
}

static struct authenticator keys = {.find_key = find_key};
static struct metrics *metrics;
static struct tenant_rate *rates;
static struct intercept *intercept;
static struct call c;
static struct rpc_request q;
static char header[128] = "Bearer ";
static size_t n_passed; /* rows whose `before` succeeded */
static void *states[16];

static int n_refused;
static enum status refused_as;

static void note_refusal(void *context, const struct call *call, enum status s)
{
    cr_assert_eq(call, &c);
    refused_as = s;
    ++*(int *)context;
}

static RepScope rep_scope = REP_SCOPE_TEAM;

static enum status tell_scope(void *context, struct call *call, RepScope *out)
{
    (void)context;
    (void)call;
    *out = rep_scope;
    return STATUS_OK;
}

static void set_up(void)
{
    call_init(&c, NULL, 1 << 20);
    stored.principal = (struct principal){
        .tenant_id = 7, .tenant = "demo", .subject = "robot", .roles = ROLE_BIT_VIEWER};
    api_key_make(&c, stored_id, header + 7, stored.sha256);
    metrics = metrics_open();
    rates = tenant_rate_new(&c, &(struct tenant_rate_options){.calls_per_second = 1, .burst = 3});
    cr_assert_not_null(rates);
    intercept = intercept_new(&(struct intercept_options){.metrics = metrics,
                                                          .keys = &keys,
                                                          .services = services,
                                                          .n_services = 3,
                                                          .deadline_ms = 1000,
                                                          .deadline_max_ms = 5000,
                                                          .rates = rates,
                                                          .tenant_streams = 2,
                                                          .rep_scope = tell_scope,
                                                          .refused = {note_refusal, &n_refused}});
    cr_assert_not_null(intercept);
    q = (struct rpc_request){.method = &methods[0],
                             .service = &service,
                             .call = &c,
                             .context = intercept,
                             .started_ns = call_monotonic_ns(&c)};
    c.method = "t.T/Get";
    c.peer = "ipv4:192.0.2.77:4711";
}

static void tear_down(void)
{
    intercept_free(intercept);
    tenant_rate_free(rates);
    metrics_close(metrics);
    call_release(&c);
}

TestSuite(intercept, .init = set_up, .fini = tear_down);

/* As the runtime does. */
static enum status run_before(void)
{
    n_headers_out = n_passed = 0;
    memset(states, 0, sizeof states);
    for (size_t i = 0; i < intercept_n_rows; i++) {
        enum status s;

        q.state = &states[i];
        s = intercept_rows[i].before ? intercept_rows[i].before(&q) : STATUS_OK;

        if (s != STATUS_OK)
            return s;
        n_passed++;
    }
    return STATUS_OK;
}

static void run_after(enum status s)
{
    for (size_t i = n_passed; i-- > 0;) {
        q.state = &states[i];
        if (intercept_rows[i].after)
            intercept_rows[i].after(&q, s);
    }
}

static const char *detail(const char *key)
{
    for (size_t i = 0; i < c.fault.n_details; i++)
        if (c.fault.details[i].kind == FAULT_METADATA &&
            str_eq(c.fault.details[i].subject, str_of(key)))
            return c.fault.details[i].text.p;
    return "";
}

Test(intercept, rows_stand_in_the_decided_order)
{
    static const char *const order[] = {"trace",    "metrics",      "access log", "audit",
                                        "deadline", "authenticate", "rate limit", "authorise",
                                        "validate", "idempotency"};

    cr_assert_eq(intercept_n_rows, sizeof order / sizeof *order);
    for (size_t i = 0; i < intercept_n_rows; i++)
        cr_assert_str_eq(intercept_rows[i].name, order[i]);
}

Test(intercept, a_good_call_passes_and_is_counted)
{
    static const char *const labels[] = {"unary", "t.T", "Get", "OK"};

    header_in("authorization", header);
    cr_assert_eq(run_before(), STATUS_OK, "%s", c.fault.why);
    cr_assert_str_eq(c.principal.tenant, "demo");
    q.n_out = 1;
    run_after(STATUS_OK);
    cr_assert_eq(series_value(metrics_series(metrics, METRIC_GRPC_STARTED, labels)), 1);
    cr_assert_eq(series_value(metrics_series(metrics, METRIC_GRPC_HANDLED, labels)), 1);
    cr_assert_eq(series_value(metrics_series(metrics, METRIC_GRPC_SENT, labels)), 1);
}

Test(intercept, trace_and_request_id_come_back)
{
    header_in("authorization", header);
    header_in("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    header_in("x-request-id", "Order-7.a_b");
    cr_assert_eq(run_before(), STATUS_OK);
    cr_assert_eq(strncmp(header_out("traceparent"), "00-0af7651916cd43dd8448eb211c80319c-", 36), 0);
    cr_assert_null(strstr(header_out("traceparent"), "b7ad6b7169203331"), "our span, not theirs");
    cr_assert_str_eq(header_out("x-request-id"), "Order-7.a_b");
}

static const char *const bad_ids[] = {
    "", "ann@example.com", "a b", "x\ny",
    "0123456789012345678901234567890123456789012345678901234567890123456789"};

TABLE_TEST(intercept, other_request_ids_are_replaced_by_the_trace, char *const, bad_ids)
{
    header_in("x-request-id", *row);
    run_before();
    cr_assert_eq(strlen(header_out("x-request-id")), 32, "%s", *row);
    cr_assert_eq(strncmp(header_out("x-request-id"), header_out("traceparent") + 3, 32), 0);
}

struct deadline {
    int method;
    int64_t given_ms, want_ms; /* after the start; 0: none */
};

static const struct deadline deadlines[] = {
    {0, 0, 1000}, {0, 500, 500}, {0, 5000, 5000}, {0, 60000, 5000}, {2, 0, 0}, {2, 60000, 60000},
};

TABLE_TEST(intercept, deadlines_of_unary_calls_are_bounded, struct deadline, deadlines)
{
    q.method = &methods[row->method];
    c.deadline_ns = row->given_ms ? q.started_ns + row->given_ms * 1000000 : 0;
    run_before();
    cr_assert_eq(c.deadline_ns ? (c.deadline_ns - q.started_ns) / 1000000 : 0, row->want_ms);
}

Test(intercept, an_expired_call_goes_no_further)
{
    c.deadline_ns = q.started_ns - 1;
    cr_assert_eq(run_before(), STATUS_DEADLINE);
    cr_assert_eq(n_passed, 4);
}

Test(intercept, no_credential_no_call)
{
    static const char *const label[] = {"missing"}, *const labels[] = {"unary", "t.T", "Get",
                                                                       "Unauthenticated"};

    cr_assert_eq(run_before(), STATUS_UNAUTHENTICATED);
    cr_assert_str_eq(c.fault.reason, "CREDENTIAL_INVALID");
    run_after(STATUS_UNAUTHENTICATED);
    cr_assert_eq(series_value(metrics_series(metrics, METRIC_AUTH_FAILURES, label)), 1);
    cr_assert_eq(series_value(metrics_series(metrics, METRIC_GRPC_HANDLED, labels)), 1);
}

Test(intercept, public_services_need_no_credential)
{
    q.service = &health;
    q.method = &health_methods[0];
    for (int i = 0; i < 10; i++)
        cr_assert_eq(run_before(), STATUS_OK, "%s", c.fault.why);
}

struct permission {
    int method;
    uint32_t roles;
    enum status want;
};

static const struct permission permissions[] = {
    {0, ROLE_BIT_ADMIN, STATUS_OK},
    {0, ROLE_BIT_VIEWER, STATUS_OK},
    {0, ROLE_BIT_REP | ROLE_BIT_VIEWER, STATUS_OK},
    {0, ROLE_BIT_REP, STATUS_DENIED},
    {0, 0, STATUS_DENIED},
    {1, ROLE_BIT_ADMIN, STATUS_DENIED},
    {1, UINT32_MAX, STATUS_DENIED},
    {2, ROLE_BIT_REP, STATUS_OK},
    {2, ROLE_BIT_ADMIN, STATUS_DENIED},
};

TABLE_TEST(intercept, roles_decide, struct permission, permissions)
{
    stored.principal.roles = row->roles;
    q.method = &methods[row->method];
    header_in("authorization", header);
    cr_assert_eq(run_before(), row->want);
    run_after(row->want);
    cr_assert_eq(n_refused, row->want == STATUS_DENIED, "denials are for the audit trail");
    cr_assert_eq(refused_as, row->want);
    if (row->want == STATUS_OK)
        return;
    cr_assert_str_eq(c.fault.reason, "ROLE_REQUIRED");
    cr_assert_str_eq(detail("rule"), "method.roles");
    cr_assert_str_eq(detail("method"), methods[row->method].path);
}

Test(intercept, a_denial_names_roles_on_both_sides)
{
    stored.principal.roles = ROLE_BIT_REP | ROLE_BIT_AGENT;
    header_in("authorization", header);
    cr_assert_eq(run_before(), STATUS_DENIED);
    cr_assert_str_eq(detail("roles_allowed"), "admin, viewer");
    cr_assert_str_eq(detail("roles_held"), "rep, agent");
}

Test(intercept, denied_calls_count_against_the_rate)
{
    stored.principal.roles = ROLE_BIT_REP;
    header_in("authorization", header);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(run_before(), STATUS_DENIED);
        call_clear(&c);
    }
    cr_assert_eq(run_before(), STATUS_EXHAUSTED);
    cr_assert_str_eq(c.fault.reason, "TENANT_RATE");
}

/* What the loop says to a call from this address with this header, without asking anybody. */
static enum status shed_of(const char *peer, const char *value)
{
    call_clear(&c);
    c.peer = peer;
    headers_in[0].value = value;
    return intercept_shed(&q);
}

Test(intercept, unknown_keys_are_refused_unread_when_an_address_tries_many)
{
    static const char unknown[] =
        "Bearer "
        "sk_0190163d-8694-739b-aea5-966c26f8ad90_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    static const char *const reason = "rate";
    int n = 0;

    header_in("authorization", unknown);
    while (shed_of("ipv4:192.0.2.77:1", unknown) == STATUS_OK && n < 10 * STRANGER_BURST) {
        cr_assert_eq(run_before(), STATUS_UNAUTHENTICATED);
        n++;
    }
    cr_assert_geq(n, STRANGER_BURST);
    cr_assert_lt(n, 10 * STRANGER_BURST);
    cr_assert_eq(shed_of("ipv4:192.0.2.77:2", unknown), STATUS_EXHAUSTED, "another port");
    cr_expect_str_eq(c.fault.reason, "CREDENTIAL_RATE");
    cr_expect_gt(c.fault.retry_after_ms, 0);
    cr_expect_geq(series_value(metrics_series(metrics, METRIC_AUTH_FAILURES, &reason)), 1);
    cr_expect_eq(shed_of("ipv4:192.0.2.78:1", unknown), STATUS_OK, "another address");
    cr_expect_eq(shed_of("ipv4:192.0.2.77:1", "Bearer a.b.c"), STATUS_OK, "a token");
    cr_expect_eq(shed_of("ipv4:192.0.2.78:1", header), STATUS_OK);
    cr_assert_eq(run_before(), STATUS_OK, "%s", c.fault.why);
    cr_expect_eq(shed_of("ipv4:192.0.2.77:1", header), STATUS_OK, "a key that was good");
    usleep(2 * 1000000 / STRANGER_FAILURES_S);
    cr_expect_eq(shed_of("ipv4:192.0.2.77:1", unknown), STATUS_OK, "there is a token again");
}

/* What may become of a credential while a stream is open. */
struct ending {
    bool is_revoked, is_suspended, is_demoted;
    enum status want;
    const char *reason;
};

static const struct ending endings[] = {
    {false, false, false, STATUS_OK, "none"},
    {true, false, false, STATUS_UNAUTHENTICATED, "revoked"},
    {false, true, false, STATUS_DENIED, "suspended"},
    {false, false, true, STATUS_UNAUTHENTICATED, "revoked"},
};

TABLE_TEST(intercept, an_open_stream_ends_with_its_credential, struct ending, endings)
{
    enum { AUTHENTICATE = 5 };
    const struct rpc_interceptor *r = &intercept_rows[AUTHENTICATE];

    cr_assert_str_eq(r->name, "authenticate");
    stored.principal.roles = ROLE_BIT_REP;
    q.method = &methods[2];
    header_in("authorization", header);
    cr_assert_eq(run_before(), STATUS_OK);
    q.state = &states[AUTHENTICATE];
    stored.is_revoked = row->is_revoked;
    stored.tenant_is_suspended = row->is_suspended;
    if (row->is_demoted)
        stored.principal.roles = ROLE_BIT_VIEWER;
    auth_forget(intercept_auth(intercept), stored_id);
    usleep(1100 * 1000); /* it looks once per second */
    cr_assert_eq(r->again(&q), row->want, "%s", row->reason);
    run_after(row->want);
    if (row->want == STATUS_OK)
        return;
    cr_assert_eq(series_value(metrics_series(metrics, METRIC_AUTH_FAILURES, &row->reason)), 1);
    cr_assert_eq(n_refused, 1, "a stream that was cut is for the audit trail");
    cr_assert_eq(refused_as, row->want);
}

Test(intercept, a_tenant_over_its_rate_is_told_when_to_come_back)
{
    header_in("authorization", header);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(run_before(), STATUS_OK);
    cr_assert_eq(run_before(), STATUS_EXHAUSTED);
    cr_assert_str_eq(c.fault.reason, "TENANT_RATE");
    cr_assert(c.fault.retry_after_ms > 0 && c.fault.retry_after_ms <= 1001, "%lld",
              (long long)c.fault.retry_after_ms);
    cr_assert_eq(
        series_value(metrics_series(metrics, METRIC_RATE_LIMITED, (const char *const[]){"read"})),
        1);
}

Test(intercept, an_open_stream_follows_the_policy)
{
    enum { AUTHORISE = 7 };
    const struct rpc_interceptor *r = &intercept_rows[AUTHORISE];

    cr_assert_str_eq(r->name, "authorise");
    stored.principal.roles = ROLE_BIT_REP;
    q.service = &sales__v1__sales_agent__service;
    for (size_t i = 0; i < q.service->n_methods; i++)
        if (strcmp(q.service->methods[i].name, "WatchLeads") == 0)
            q.method = &q.service->methods[i];
    header_in("authorization", header);
    cr_assert_eq(run_before(), STATUS_OK, "%s", c.fault.why);
    cr_assert_eq(c.reach.see, REACH_TEAM);
    q.state = &states[AUTHORISE];
    rep_scope = REP_SCOPE_OWN;
    cr_assert_eq(r->again(&q), STATUS_OK);
    cr_assert_eq(c.reach.see, REACH_TEAM, "not yet: it asks once per second");
    usleep(1100 * 1000);
    cr_assert_eq(r->again(&q), STATUS_OK);
    cr_assert_eq(c.reach.see, REACH_OWN);
    run_after(STATUS_OK);
}

/* One tenant must not hold all of the server's calls. */
Test(intercept, the_open_streams_of_a_tenant_are_bounded)
{
    static const struct {
        int64_t tenant_id;
        enum status want;
    } opens[] = {{7, STATUS_OK}, {7, STATUS_OK}, {7, STATUS_EXHAUSTED}, {8, STATUS_OK}};
    enum { OPENS = sizeof opens / sizeof *opens };
    const struct rpc_interceptor *r = &intercept_rows[6];
    void *open[OPENS] = {0};

    cr_assert_str_eq(r->name, "rate limit");
    q.method = &methods[2];
    for (int round = 0; round < 2; round++) { /* the second finds all places free again */
        for (size_t i = 0; i < OPENS; i++) {
            struct rpc_request one = q;

            usleep(250 * 1000); /* streams are let in at a slow rate */
            open[i] = NULL;
            one.state = &open[i];
            c.principal.tenant_id = opens[i].tenant_id;
            c.principal.calls_per_second = 100;
            cr_assert_eq(r->before(&one), opens[i].want, "%zu: %s", i, c.fault.why);
            if (opens[i].want != STATUS_OK)
                cr_assert_str_eq(c.fault.reason, "TENANT_STREAMS");
            call_clear(&c);
        }
        for (size_t i = 0; i < OPENS; i++) {
            struct rpc_request one = q;

            one.state = &open[i];
            if (open[i])
                r->after(&one, STATUS_OK);
        }
    }
}

Test(intercept, messages_are_checked_by_the_rules_of_their_method)
{
    GetLeadRequest in = GET_LEAD_REQUEST_INIT;
    enum status s = STATUS_OK;

    in.id = "no uuid";
    q.service = &sales__v1__sales_agent__service;
    q.method = service_find(q.service, "/sales.v1.SalesAgent/GetLead");
    cr_assert_not_null(q.method);
    for (size_t i = 0; i < intercept_n_rows && s == STATUS_OK; i++)
        if (intercept_rows[i].message)
            s = intercept_rows[i].message(&q, &in.base);
    cr_assert_eq(s, STATUS_INVALID);
    cr_assert_eq(c.fault.n_details, 1);
    cr_assert(str_eq(c.fault.details[0].subject, STR("id")));
}

/* The last row, as the runtime calls it for one of several requests that are open at once. */
struct open_request {
    struct call call;
    struct rpc_request q;
    void *state;
};

static void open_request(struct open_request *o, int64_t tenant_id, const char *method)
{
    *o = (struct open_request){.state = NULL};
    call_init(&o->call, NULL, 1 << 20);
    o->call.principal.tenant_id = tenant_id;
    o->q = (struct rpc_request){.call = &o->call, .context = intercept, .state = &o->state};
    for (size_t i = 0; i < sales__v1__sales_agent__service.n_methods; i++)
        if (strcmp(sales__v1__sales_agent__service.methods[i].name, method) == 0)
            o->q.method = &sales__v1__sales_agent__service.methods[i];
    cr_assert_not_null(o->q.method);
}

static enum status send_request(struct open_request *o, const ProtobufCMessage *m)
{
    return intercept_rows[intercept_n_rows - 1].message(&o->q, m);
}

static void close_request(struct open_request *o)
{
    intercept_rows[intercept_n_rows - 1].after(&o->q, STATUS_OK);
    call_release(&o->call);
}

Test(intercept, a_repetition_of_a_running_request_is_sent_away)
{
    DeleteLeadRequest in = DELETE_LEAD_REQUEST_INIT;
    ConvertLeadRequest convert = CONVERT_LEAD_REQUEST_INIT;
    struct open_request first, second, foreign, other;

    in.request_id = convert.request_id = "01890000-0000-7000-8000-00000000000A";
    open_request(&first, 1, "DeleteLead");
    open_request(&second, 1, "DeleteLead");
    open_request(&foreign, 2, "DeleteLead");
    open_request(&other, 1, "ConvertLead");
    cr_assert_eq(send_request(&first, &in.base), STATUS_OK);
    cr_assert_str_eq(first.call.request_id, "01890000-0000-7000-8000-00000000000a");
    in.request_id = "01890000-0000-7000-8000-00000000000a";
    cr_assert_eq(send_request(&second, &in.base), STATUS_CONFLICT);
    cr_assert_str_eq(second.call.fault.reason, "REQUEST_RUNNING");
    cr_assert_gt(second.call.fault.retry_after_ms, 0);
    cr_assert_eq(send_request(&foreign, &in.base), STATUS_OK, "the id is another tenant's");
    cr_assert_eq(send_request(&other, &convert.base), STATUS_OK, "and another method's");
    close_request(&second);
    close_request(&first);
    open_request(&second, 1, "DeleteLead");
    cr_assert_eq(send_request(&second, &in.base), STATUS_OK, "the first is done");
    close_request(&second);
    close_request(&foreign);
    close_request(&other);
}

Test(intercept, requests_without_an_id_and_reads_are_not_tracked)
{
    DeleteLeadRequest in = DELETE_LEAD_REQUEST_INIT;
    GetLeadRequest get = GET_LEAD_REQUEST_INIT;
    struct open_request a, b;

    open_request(&a, 1, "DeleteLead");
    open_request(&b, 1, "DeleteLead");
    cr_assert_eq(send_request(&a, &in.base), STATUS_OK);
    cr_assert_eq(send_request(&b, &in.base), STATUS_OK);
    cr_assert_str_eq(b.call.request_id, "");
    close_request(&b);
    open_request(&b, 1, "GetLead");
    cr_assert_eq(send_request(&b, &get.base), STATUS_OK);
    close_request(&a);
    close_request(&b);
}

/* The digest of a CreateLead with two attributes in either order of the map, and this e-mail. */
static void digest_of(const char *request_id, const char *email, bool turned, unsigned char *out)
{
    CreateLeadRequest in = CREATE_LEAD_REQUEST_INIT;
    Lead lead = LEAD_INIT;
    Lead_AttributesEntry entries[2] = {LEAD_ATTRIBUTES_ENTRY_INIT, LEAD_ATTRIBUTES_ENTRY_INIT},
                         *order[2] = {&entries[turned], &entries[!turned]};
    AttributeValue value = ATTRIBUTE_VALUE_INIT;
    struct open_request o;

    entries[0].key = "seats";
    entries[1].key = "plan";
    entries[0].value = entries[1].value = &value;
    lead.email = (char *)email;
    lead.n_attributes = 2;
    lead.attributes = order;
    in.lead = &lead;
    in.request_id = (char *)request_id;
    open_request(&o, 1, "CreateLead");
    cr_assert_eq(send_request(&o, &in.base), STATUS_OK);
    memcpy(out, o.call.request_sha256, sizeof o.call.request_sha256);
    close_request(&o);
}

Test(intercept, the_digest_is_of_the_content_not_of_its_order_and_id)
{
    unsigned char a[32], b[32];

    digest_of("01890000-0000-7000-8000-000000000001", "ann@x.example", false, a);
    digest_of("01890000-0000-7000-8000-000000000002", "ann@x.example", true, b);
    cr_assert_eq(memcmp(a, b, sizeof a), 0);
    digest_of("01890000-0000-7000-8000-000000000002", "bob@x.example", true, b);
    cr_assert_neq(memcmp(a, b, sizeof a), 0);
}

/* The same subject with fewer rights must not be told what it was told with more. */
Test(intercept, the_digest_is_of_the_callers_reach_too)
{
    static const struct reach reaches[] = {
        {REACH_ALL, REACH_ALL, REACH_ALL, NULL},
        {REACH_OWN, REACH_OWN, REACH_OWN, NULL},
        {REACH_TEAM, REACH_TEAM, REACH_TEAM, NULL},
    };
    static const char *const teams[] = {"north", "south"};
    unsigned char digests[5][32];
    DeleteLeadRequest in = DELETE_LEAD_REQUEST_INIT;

    in.request_id = (char *)"01890000-0000-7000-8000-000000000001";
    for (size_t i = 0; i < 5; i++) {
        struct open_request o;

        open_request(&o, 1, "DeleteLead");
        o.call.reach = reaches[i < 3 ? i : 2];
        o.call.principal.teams = teams + (i == 4);
        o.call.principal.n_teams = i > 2;
        cr_assert_eq(send_request(&o, &in.base), STATUS_OK);
        memcpy(digests[i], o.call.request_sha256, sizeof digests[i]);
        close_request(&o);
        for (size_t j = 0; j < i; j++)
            cr_assert_neq(memcmp(digests[i], digests[j], sizeof digests[i]), 0, "%zu %zu", i, j);
    }
}

Test(intercept, every_method_of_ours_names_its_roles)
{
    const struct service *s = &sales__v1__sales_agent__service;

    for (size_t i = 0; i < s->n_methods; i++)
        cr_assert_neq(s->methods[i].roles, 0, "%s", s->methods[i].path);
}

struct origin {
    const char *peer, *network;
};

static const struct origin origins[] = {
    {"ipv4:192.0.2.77:4711", "\"peer\":\"192.0.2.0\""},
    {"ipv6:[2001:db8:1:2::3]:1", "\"peer\":\"2001:db8:1::\""},
    {"ipv6:%5B2001:db8:1:2::3%5D:1", "\"peer\":\"2001:db8:1::\""},
    {"ipv6:[::1]:1", "\"peer\":\"::\""},
    {"unix:/run/x", "\"peer\":\"unix\""},
    {"", "\"n_out\":0"},
    {"ipv4:", "\"n_out\":0"},
    {"ipv6:[zz]:1", "\"n_out\":0"},
};

TABLE_TEST(intercept, the_access_log_tells_the_call_and_no_person, struct origin, origins)
{
    char path[] = "/tmp/test_intercept.XXXXXX", text[4096];
    FILE *f;

    close(mkstemp(path));
    cr_assert_eq(log_open(&c, &(struct log_options){.path = path, .level = LOG_INFO}), STATUS_OK);
    header_in("authorization", header);
    header_in("x-request-id", "ann@example.com");
    c.peer = row->peer;
    stored.principal.roles = 0;
    cr_assert_eq(run_before(), STATUS_DENIED);
    run_after(STATUS_DENIED);
    log_close();
    f = fopen(path, "r");
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    unlink(path);
    cr_assert_not_null(strstr(text, "\"event\":\"rpc.finished\""), "%s", text);
    cr_assert_not_null(strstr(text, "\"code\":\"PERMISSION_DENIED\""), "%s", text);
    cr_assert_not_null(strstr(text, "\"tenant\":\"demo\""), "%s", text);
    cr_assert_not_null(strstr(text, "\"reason\":\"ROLE_REQUIRED\""), "%s", text);
    cr_assert_not_null(strstr(text, row->network), "%s: %s", row->peer, text);
    cr_assert_null(strstr(text, "ann@"), "%s", text);
    cr_assert_null(strstr(text, "sk_"), "%s", text);
    cr_assert_null(strstr(text, "robot"), "%s", text);
}
