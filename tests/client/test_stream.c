/* Streams against a server that misbehaves to order (peer.py). */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client/fixture.h"
#include "sales/v1/sales_agent.client.h"

static void start(void)
{
    peer_start(&fx.peer);
    open_client((struct sales_options){.api_key = "k1"});
}

TestSuite(stream, .init = start, .fini = stop, .timeout = 60);

static enum sales_status send_rows(struct sales_stream *s, uint64_t first, size_t n, char *script)
{
    Sales__V1__ImportLeadsRequest in = SALES__V1__IMPORT_LEADS_REQUEST__INIT;
    Sales__V1__ImportRows rows = SALES__V1__IMPORT_ROWS__INIT;
    Sales__V1__ImportRow row[100], *list[100];
    Sales__V1__Lead lead = SALES__V1__LEAD__INIT;

    lead.external_id = script;
    for (size_t i = 0; i < n; i++) {
        row[i] = (Sales__V1__ImportRow)SALES__V1__IMPORT_ROW__INIT;
        row[i].row_number = first + i;
        row[i].lead = &lead;
        list[i] = &row[i];
    }
    rows.rows = list;
    rows.n_rows = n;
    in.message_case = SALES__V1__IMPORT_LEADS_REQUEST__MESSAGE_ROWS;
    in.rows = &rows;
    return sales_agent_import_leads_send(s, &in);
}

static void *send_many(void *stream)
{
    for (uint64_t i = 0; i < 300; i++)
        if (send_rows(stream, i * 100 + 1, 100, (char[]){""}) != SALES_OK)
            return stream;
    return sales_stream_close_send(stream) == SALES_OK ? NULL : stream;
}

Test(stream, one_thread_sends_while_another_receives)
{
    struct sales_stream *s = sales_agent_import_leads_open(fx.client, &fx.call);
    Sales__V1__ImportLeadsResponse *out;
    uint64_t next = 1, total = 0;
    pthread_t thread;
    void *failed;

    fx.call.timeout_ms = -1;
    cr_assert_eq(pthread_create(&thread, NULL, send_many, s), 0);
    while (sales_agent_import_leads_recv(s, &out) == SALES_OK && out) {
        if (out->message_case == SALES__V1__IMPORT_LEADS_RESPONSE__MESSAGE_RESULTS)
            for (size_t i = 0; i < out->results->n_results; i++)
                cr_assert_eq(out->results->results[i]->row_number, next++);
        if (out->message_case == SALES__V1__IMPORT_LEADS_RESPONSE__MESSAGE_SUMMARY)
            total = out->summary->rows;
    }
    pthread_join(thread, &failed);
    cr_assert_null(failed);
    cr_assert_eq(fx.call.error.status, SALES_OK, "%s", fx.call.error.message);
    cr_assert_eq(total, 30000);
    cr_assert_eq(sales_agent_import_leads_recv(s, &out), SALES_OK, "the end stays the end");
    cr_assert_null(out);
    sales_stream_close(s);
}

Test(stream, a_failing_stream_stops_the_sender_and_says_why)
{
    struct sales_stream *s = sales_agent_import_leads_open(fx.client, &fx.call);
    Sales__V1__ImportLeadsResponse *out;
    int n = 0;

    cr_assert_eq(send_rows(s, 1, 1, (char[]){"fail=FAILED_PRECONDITION detail=1"}), SALES_OK);
    while (send_rows(s, 2, 100, (char[]){""}) == SALES_OK)
        cr_assert_lt(n++, 100000, "the sender is never told");
    cr_assert_eq(sales_agent_import_leads_recv(s, &out), SALES_FAILED_PRECONDITION);
    cr_assert_null(out);
    cr_assert_str_eq(fx.call.error.reason, "STAGE_GUARD");
    cr_assert_eq(sales_agent_import_leads_recv(s, &out), SALES_FAILED_PRECONDITION, "and again");
    sales_stream_close(s);
    cr_assert_str_eq(fx.call.error.reason, "STAGE_GUARD", "the error outlives the stream");
}

static void *cancel_soon(void *stream)
{
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    sales_stream_cancel(stream);
    return NULL;
}

static struct sales_stream *watch(const char *filter)
{
    Sales__V1__WatchLeadsRequest in = SALES__V1__WATCH_LEADS_REQUEST__INIT;
    struct sales_stream *s = sales_agent_watch_leads_open(fx.client, &fx.call);

    in.filter = unconst(filter);
    cr_assert_eq(sales_agent_watch_leads_send(s, &in), SALES_OK);
    cr_assert_eq(sales_stream_close_send(s), SALES_OK);
    return s;
}

Test(stream, server_streams_end_with_null)
{
    struct sales_stream *s = watch("events=50 every_ms=0");
    Sales__V1__WatchLeadsResponse *out;
    int n = 0;

    while (sales_agent_watch_leads_recv(s, &out) == SALES_OK && out)
        cr_assert_eq(strtol(out->resume_token, NULL, 10), n++);
    cr_assert_eq(n, 50);
    cr_assert_eq(fx.call.error.status, SALES_OK);
    sales_stream_close(s);
}

Test(stream, streams_obey_cancel_deadline_and_close)
{
    Sales__V1__WatchLeadsResponse *out;
    struct sales_stream *s = watch("");
    enum sales_status end;
    pthread_t thread;

    cr_assert_eq(pthread_create(&thread, NULL, cancel_soon, s), 0);
    while ((end = sales_agent_watch_leads_recv(s, &out)) == SALES_OK)
        ;
    cr_assert_eq(end, SALES_CANCELLED);
    pthread_join(thread, NULL);
    sales_stream_close(s);

    fx.call.timeout_ms = 300;
    s = watch("");
    while ((end = sales_agent_watch_leads_recv(s, &out)) == SALES_OK)
        ;
    cr_assert_eq(end, SALES_DEADLINE_EXCEEDED);
    sales_stream_close(s);

    s = watch("every_ms=60000");
    sales_stream_close(s); /* nothing received: must not hang */
    sales_stream_close(
        sales_agent_import_leads_open(fx.client, &fx.call)); /* nothing sent either */
}

/* A reader that stalls stops the server by flow control: its memory is bounded, ours too. */
Test(stream, long_streams_do_not_grow)
{
    struct sales_stream *s = watch("events=400 bytes=100000 every_ms=0");
    Sales__V1__WatchLeadsResponse *out;
    long pages_before = 0, pages_after = 0;
    int n = 0;
    FILE *f;

    while (sales_agent_watch_leads_recv(s, &out) == SALES_OK && out)
        if (++n == 50 || n == 400) {
            f = fopen("/proc/self/statm", "r");
            cr_assert(f && fscanf(f, "%*d %ld", n == 50 ? &pages_before : &pages_after) == 1);
            fclose(f);
        }
    cr_assert_eq(n, 400);
#if !defined(__SANITIZE_ADDRESS__) /* which keeps what was freed for a while */
    cr_assert_lt((pages_after - pages_before) * 4096, 16 << 20, "35 MB went through");
#endif
    sales_stream_close(s);
}

Test(stream, a_stream_tells_that_the_server_died)
{
    Sales__V1__WatchLeadsResponse *out;
    struct sales_stream *s = watch("");

    cr_assert_eq(sales_agent_watch_leads_recv(s, &out), SALES_OK);
    cr_assert(out);
    peer_kill(&fx.peer);
    while (sales_agent_watch_leads_recv(s, &out) == SALES_OK)
        cr_assert(out, "an end without a reason");
    cr_assert_eq(fx.call.error.status, SALES_UNAVAILABLE);
    sales_stream_close(s);
}
