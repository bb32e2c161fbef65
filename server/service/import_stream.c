/* ImportLeads: `open`, then batches of rows; each batch is one unit of work and is answered after
 * its commit. Reading stops while a batch is stored, so the client cannot run ahead. */
#include <stdlib.h>

#include "agent/instant.h"
#include "agent/lead_import.h"
#include "service/sales_agent.h"
#include "service/scope.h"

enum { PROGRESS_EVERY_US = 1000000 };

struct import_stream {
    struct import import;
    uint64_t total_rows;
    int64_t progress_us; /* when the last progress was sent */
};

static enum status refuse(struct call *c, const char *field, const char *rule)
{
    call_detail(c, FAULT_FIELD, "import.order", str_of(field), "%s", rule);
    return call_fail_as(c, STATUS_INVALID, "IMPORT_ORDER",
                        "the import's messages are out of order");
}

static enum status start(struct call *c, struct agents *a, struct rpc_stream *s,
                         const ImportOpen *in)
{
    struct import_stream *k;
    ImportReady ready = IMPORT_READY_INIT;
    ImportLeadsResponse out = IMPORT_LEADS_RESPONSE_INIT;

    if (rpc_stream_state(s))
        return refuse(c, "open", "must come once, as the first message");
    if ((k = calloc(1, sizeof *k)) == NULL)
        return call_nomem(c);
    rpc_stream_set_state(s, k); /* freed in done() */
    TRY(import_open(c, a, in, &k->import));
    k->total_rows = in->total_rows;
    k->progress_us = k->import.started_us;
    ready.done_row_number = k->import.done_row_number;
    ready.max_rows_per_message = IMPORT_ROWS_MAX;
    out.message_case = IMPORT_LEADS_RESPONSE_MESSAGE_READY;
    out.ready = &ready;
    sales_agent_import_leads_send(s, &out);
    return STATUS_OK;
}

static enum status send_progress(struct call *c, struct rpc_stream *s, struct import_stream *k)
{
    int64_t now = call_now_us(c);
    Progress progress = PROGRESS_INIT;
    ImportLeadsResponse out = IMPORT_LEADS_RESPONSE_INIT;

    if (now - k->progress_us < PROGRESS_EVERY_US)
        return STATUS_OK;
    k->progress_us = now;
    progress.done = k->import.counts.rows;
    progress.failed = k->import.counts.failed;
    progress.total = k->total_rows;
    TRY(duration_new(c, now - k->import.started_us, &progress.elapsed));
    out.message_case = IMPORT_LEADS_RESPONSE_MESSAGE_PROGRESS;
    out.progress = &progress;
    sales_agent_import_leads_send(s, &out);
    return STATUS_OK;
}

static enum status take_rows(struct call *c, struct agents *a, struct rpc_stream *s,
                             const ImportRows *in)
{
    struct import_stream *k = rpc_stream_state(s);
    ImportResults results = IMPORT_RESULTS_INIT;
    ImportLeadsResponse out = IMPORT_LEADS_RESPONSE_INIT;

    if (!k)
        return refuse(c, "open", "must come before any rows");
    TRY(import_rows(c, a, &k->import, in, &results));
    out.message_case = IMPORT_LEADS_RESPONSE_MESSAGE_RESULTS;
    out.results = &results;
    sales_agent_import_leads_send(s, &out);
    return send_progress(c, s, k);
}

enum status import_leads_message(struct call *c, void *self, struct rpc_stream *s,
                                 const ImportLeadsRequest *in)
{
    struct scope scope;
    enum status r;

    scope_enter(&scope, c, s);
    if (in->message_case == IMPORT_LEADS_REQUEST_MESSAGE_OPEN)
        r = start(&scope.call, self, s, in->open);
    else if (in->message_case == IMPORT_LEADS_REQUEST_MESSAGE_ROWS)
        r = take_rows(&scope.call, self, s, in->rows);
    else
        r = refuse(&scope.call, "message", "must be `open` or `rows`");
    return scope_leave(&scope, r);
}

static enum status finish(struct call *c, struct agents *a, struct rpc_stream *s)
{
    struct import_stream *k = rpc_stream_state(s);
    ImportSummary summary = IMPORT_SUMMARY_INIT;
    ImportLeadsResponse out = IMPORT_LEADS_RESPONSE_INIT;

    if (!k)
        return refuse(c, "open", "must come before the end");
    TRY(import_finish(c, a, &k->import, &summary));
    out.message_case = IMPORT_LEADS_RESPONSE_MESSAGE_SUMMARY;
    out.summary = &summary;
    sales_agent_import_leads_send(s, &out);
    rpc_stream_finish(s);
    return STATUS_OK;
}

enum status import_leads_half_close(struct call *c, void *self, struct rpc_stream *s)
{
    struct scope scope;

    scope_enter(&scope, c, s);
    return scope_leave(&scope, finish(&scope.call, self, s));
}

void import_leads_done(struct call *c, void *self, struct rpc_stream *s)
{
    (void)c;
    (void)self;
    free(rpc_stream_state(s));
}
