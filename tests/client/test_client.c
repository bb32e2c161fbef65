/* The client against a server that misbehaves to order (peer.py). */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client/fixture.h"
#include "sales/v1/sales_agent.client.h"

static void start(void)
{
    peer_start(&fx.peer);
    open_client((struct sales_options){.api_key = "k1", .backoff_first_ms = 5});
}

/* GetLead with `script` as id; the lead or NULL. */
static Sales__V1__Lead *get(struct sales_call *c, const char *script)
{
    Sales__V1__GetLeadRequest in = SALES__V1__GET_LEAD_REQUEST__INIT;
    Sales__V1__GetLeadResponse *out;
    enum sales_status s;

    in.id = unconst(script);
    s = sales_agent_get_lead(fx.client, c, &in, &out);
    cr_assert_eq(s, c->error.status);
    cr_assert_eq(!out, s != SALES_OK);
    return out ? out->lead : NULL;
}

TestSuite(client, .init = start, .fini = stop, .timeout = 60);

Test(client, brings_a_typed_reply_and_sends_headers)
{
    Sales__V1__Lead *lead;

    fx.call.correlation_id = "abc-1";
    fx.call.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    lead = get(&fx.call, "plain");
    cr_assert(lead, "%s", fx.call.error.message);
    cr_assert_str_eq(lead->id, "plain");
    cr_assert_str_eq(lead->external_id, "Bearer k1");
    cr_assert_str_eq(lead->source, fx.call.traceparent);
    cr_assert_eq(strncmp(lead->tags[0], "libsales/", 9), 0, "user agent %s", lead->tags[0]);
    cr_assert_str_eq(fx.call.answer_id, "abc-1");
    cr_assert_eq(fx.call.n_attempts, 1);
}

Test(client, replies_outlive_later_calls_until_reset)
{
    Sales__V1__Lead *first = get(&fx.call, "one"), *second = get(&fx.call, "two");

    cr_assert_str_eq(first->id, "one");
    cr_assert_str_eq(second->id, "two");
    sales_call_reset(&fx.call);
    cr_assert(get(&fx.call, "three"));
}

Test(client, retries_while_unavailable)
{
    Sales__V1__Lead *lead = get(&fx.call, "fail=UNAVAILABLE times=3");

    cr_assert(lead, "%s", fx.call.error.message);
    cr_assert_str_eq(lead->full_name, "4", "the server saw four attempts");
    cr_assert_eq(fx.call.n_attempts, 4);
    cr_assert_str_eq(fx.call.error.message, "");
}

Test(client, gives_up_after_the_last_attempt)
{
    fx.call.max_attempts = 3;
    cr_assert_null(get(&fx.call, "fail=UNAVAILABLE"));
    cr_assert_eq(fx.call.error.status, SALES_UNAVAILABLE);
    cr_assert_str_eq(fx.call.error.message, "attempt 3: as asked");
    cr_assert_eq(fx.call.n_attempts, 3);
}

Test(client, does_not_repeat_what_will_fail_again)
{
    cr_assert_null(get(&fx.call, "fail=NOT_FOUND"));
    cr_assert_eq(fx.call.error.status, SALES_NOT_FOUND);
    cr_assert_eq(fx.call.n_attempts, 1);
    cr_assert_null(get(&fx.call, "fail=ABORTED"));
    cr_assert_eq(fx.call.n_attempts, 1, "ABORTED without RetryInfo is a stale etag");
    cr_assert_null(get(&fx.call, "fail=RESOURCE_EXHAUSTED"));
    cr_assert_eq(fx.call.n_attempts, 1);
}

Test(client, waits_as_long_as_the_server_asks)
{
    int64_t began = now_ms();

    cr_assert(get(&fx.call, "fail=RESOURCE_EXHAUSTED times=2 retry_ms=150"));
    cr_assert_eq(fx.call.n_attempts, 3);
    cr_assert_geq(now_ms() - began, 300);
    cr_assert_null(get(&fx.call, "fail=ABORTED retry_ms=60000"));
    cr_assert_eq(fx.call.error.retry_after_ms, 60000);
    cr_assert_eq(fx.call.n_attempts, 1, "waiting would pass the deadline");
}

Test(client, decodes_every_detail)
{
    const struct sales_error *e = &fx.call.error;

    cr_assert_null(get(&fx.call, "fail=FAILED_PRECONDITION detail=1 retry_ms=1500"));
    cr_assert_eq(e->status, SALES_FAILED_PRECONDITION);
    cr_assert_str_eq(e->reason, "STAGE_GUARD");
    cr_assert_str_eq(e->domain, "sales.v1");
    cr_assert_eq(e->n_metadata, 1);
    cr_assert_str_eq(e->metadata[0].key, "guard");
    cr_assert_str_eq(e->metadata[0].value, "amount_set");
    cr_assert_eq(e->n_violations, 2);
    cr_assert_str_eq(e->violations[1].field, "lead.phone");
    cr_assert_str_eq(e->violations[1].description, "at most 40 characters");
    cr_assert_eq(e->n_preconditions, 1);
    cr_assert_str_eq(e->preconditions[0].subject, "deal.amount");
    cr_assert_eq(e->retry_after_ms, 1500);
}

Test(client, survives_details_that_are_garbage)
{
    cr_assert_null(get(&fx.call, "fail=INTERNAL broken_detail=1"));
    cr_assert_eq(fx.call.error.status, SALES_INTERNAL);
    cr_assert_str_eq(fx.call.error.message, "attempt 1: as asked");
    cr_assert_str_eq(fx.call.error.reason, "");
}

Test(client, refuses_a_reply_that_is_no_message)
{
    cr_assert_null(get(&fx.call, "garbage=1"));
    cr_assert_eq(fx.call.error.status, SALES_INTERNAL);
}

Test(client, refuses_a_reply_over_the_limit)
{
    cr_assert(get(&fx.call, "bytes=4000000"), "%s", fx.call.error.message);
    cr_assert_null(get(&fx.call, "bytes=4300000"));
    cr_assert_eq(fx.call.error.status, SALES_RESOURCE_EXHAUSTED);
}

Test(client, deadline_ends_a_slow_call)
{
    fx.call.timeout_ms = 200;
    cr_assert_null(get(&fx.call, "sleep_ms=5000"));
    cr_assert_eq(fx.call.error.status, SALES_DEADLINE_EXCEEDED);
}

Test(client, deadline_covers_all_attempts)
{
    fx.call.timeout_ms = 400;
    fx.call.max_attempts = 20;
    cr_assert_null(get(&fx.call, "fail=UNAVAILABLE sleep_ms=90"));
    cr_assert(fx.call.error.status == SALES_UNAVAILABLE ||
              fx.call.error.status == SALES_DEADLINE_EXCEEDED);
    cr_assert_gt(fx.call.n_attempts, 0);
    cr_assert_lt(fx.call.n_attempts, 20); /* each takes 90 ms at least */
}

Test(client, illegal_headers_do_not_leave_the_process)
{
    struct sales_pair headers[] = {{"X-Upper", "v"}};
    struct sales_pair line_break[] = {{"x-note", "a\nb"}};

    fx.call.headers = headers;
    fx.call.n_headers = 1;
    cr_assert_null(get(&fx.call, "plain"));
    cr_assert_eq(fx.call.error.status, SALES_INVALID_ARGUMENT);
    fx.call.headers = line_break;
    cr_assert_null(get(&fx.call, "plain"));
    cr_assert_eq(fx.call.error.status, SALES_INVALID_ARGUMENT);
}

/* ---- idempotency ----------------------------------------------------------------------------- */

static Sales__V1__CreateLeadResponse *create(const char *request_id, const char *script)
{
    Sales__V1__CreateLeadRequest in = SALES__V1__CREATE_LEAD_REQUEST__INIT;
    Sales__V1__Lead lead = SALES__V1__LEAD__INIT;
    Sales__V1__CreateLeadResponse *out;

    in.request_id = unconst(request_id);
    lead.external_id = unconst(script);
    in.lead = &lead;
    (void)!sales_agent_create_lead(fx.client, &fx.call, &in, &out);
    return out;
}

Test(client, mutations_without_id_get_one_for_all_attempts)
{
    Sales__V1__CreateLeadResponse *made = create("", "fail=UNAVAILABLE times=2");

    cr_assert(made, "%s", fx.call.error.message);
    cr_assert_eq(made->n_normalized_fields, 3, "one id per attempt");
    cr_assert_eq(strlen(made->normalized_fields[0]), 36);
    cr_assert_str_eq(made->normalized_fields[0], made->normalized_fields[1]);
    cr_assert_str_eq(made->normalized_fields[0], made->normalized_fields[2]);
    made = create("", "again");
    cr_assert_str_neq(made->normalized_fields[0], made->normalized_fields[3],
                      "a new call, a new id");
}

Test(client, mutations_keep_the_id_of_the_caller)
{
    const char *id = "018f3e5c-7b1a-7cc0-9a5e-000000000001";
    Sales__V1__CreateLeadResponse *made = create(id, "fail=UNAVAILABLE times=1");

    cr_assert(made, "%s", fx.call.error.message);
    cr_assert_str_eq(made->normalized_fields[0], id);
    cr_assert_str_eq(made->normalized_fields[1], id);
}

/* ---- the server comes and goes --------------------------------------------------------------- */

static void start_unix(void)
{
    peer_start_unix(&fx.peer);
    open_client((struct sales_options){.max_attempts = 20, .backoff_most_ms = 1000});
    fx.call.timeout_ms = 30000;
}

TestSuite(restart, .init = start_unix, .fini = stop, .timeout = 90);

static void *get_in_background(void *lead)
{
    *(Sales__V1__Lead **)lead = get(&fx.call, "plain");
    return NULL;
}

Test(restart, calls_ride_out_a_restart)
{
    Sales__V1__Lead *lead = NULL;
    pthread_t thread;

    cr_assert(get(&fx.call, "plain"));
    peer_kill(&fx.peer);
    cr_assert_eq(pthread_create(&thread, NULL, get_in_background, &lead), 0);
    peer_restart(&fx.peer);
    pthread_join(thread, NULL);
    cr_assert(lead, "%s after %u attempts", fx.call.error.message, fx.call.n_attempts);
    cr_assert_gt(fx.call.n_attempts, 1);
}

Test(restart, a_server_that_stays_away_is_unavailable)
{
    peer_kill(&fx.peer);
    fx.call.timeout_ms = 500;
    cr_assert_null(get(&fx.call, "plain"));
    cr_assert_eq(fx.call.error.status, SALES_UNAVAILABLE);
    cr_assert_gt(fx.call.n_attempts, 1);
}

/* ---- cancelling ------------------------------------------------------------------------------ */

static void *fire_soon(void *cancel)
{
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    sales_cancel_fire(cancel);
    return NULL;
}

static void cancelled_soon(const char *script)
{
    struct sales_cancel *cancel = sales_cancel_new();
    int64_t began = now_ms();
    pthread_t thread;

    fx.call.cancel = cancel;
    cr_assert_eq(pthread_create(&thread, NULL, fire_soon, cancel), 0);
    cr_assert_null(get(&fx.call, script));
    cr_assert_eq(fx.call.error.status, SALES_CANCELLED);
    cr_assert_lt(now_ms() - began, 7500);
    pthread_join(thread, NULL);
    cr_assert_null(get(&fx.call, "plain"), "a fired switch stays fired");
    cr_assert_eq(fx.call.error.status, SALES_CANCELLED);
    fx.call.cancel = NULL;
    sales_cancel_free(cancel);
}

Test(client, cancel_ends_a_call_under_way)
{
    cancelled_soon("sleep_ms=8000");
}

Test(client, cancel_ends_the_wait_for_a_retry)
{
    cancelled_soon("fail=UNAVAILABLE retry_ms=8000");
}

/* ---- many threads ---------------------------------------------------------------------------- */

static void *get_many(void *ok)
{
    struct sales_call own = {.timeout_ms = 20000};

    for (int i = 0; i < 50; i++) {
        if (!get(&own, "plain"))
            return NULL;
        sales_call_reset(&own);
    }
    sales_call_release(&own);
    return ok;
}

Test(client, serves_many_threads)
{
    pthread_t threads[24]; /* more than idle queues are kept */
    int ok = 0;
    void *end;

    for (int i = 0; i < 24; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, get_many, &ok), 0);
    for (int i = 0; i < 24; i++) {
        pthread_join(threads[i], &end);
        cr_assert_eq(end, &ok);
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

TestSuite(open, .timeout = 60);

Test(open, rejects_what_cannot_work)
{
    struct sales_options no_address = {.api_key = "k"};
    struct sales_options half_pair = {.address = "localhost:1", .tls_cert_pem = "x"};

    cr_assert_eq(sales_client_open(&no_address, &fx.client), SALES_INVALID_ARGUMENT);
    cr_assert_null(fx.client);
    cr_assert_eq(sales_client_open(&half_pair, &fx.client), SALES_INVALID_ARGUMENT);
    cr_assert_null(fx.client);
    sales_client_close(NULL);
    sales_stream_close(NULL);
    sales_cancel_free(NULL);
    sales_call_release(&fx.call);
}

Test(open, nobody_there_is_unavailable)
{
    struct sales_options o = {.address = "unix:/tmp/no-such-folder/socket", .max_attempts = 1};

    cr_assert_eq(sales_client_open(&o, &fx.client), SALES_OK);
    fx.call.timeout_ms = 5000;
    cr_assert_null(get(&fx.call, "plain"));
    cr_assert_eq(fx.call.error.status, SALES_UNAVAILABLE);
    sales_call_release(&fx.call);
    sales_client_close(fx.client);
}

Test(open, tls_checks_the_server)
{
    peer_start_tls(&fx.peer);
    open_client((struct sales_options){.security = SALES_TLS, .tls_roots_pem = fx.peer.cert});
    cr_assert(get(&fx.call, "plain"), "%s", fx.call.error.message);
    sales_call_release(&fx.call);
    sales_client_close(fx.client);
    open_client((struct sales_options){.security = SALES_TLS, .max_attempts = 1});
    cr_assert_null(get(&fx.call, "plain"), "a certificate that nobody vouches for");
    cr_assert_eq(fx.call.error.status, SALES_UNAVAILABLE);
    stop();
}
