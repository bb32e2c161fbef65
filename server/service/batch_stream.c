/* BatchQualifyLeads: pieces of QUALIFY_BATCH_MAX leads, each one unit of work and one message. The
 * next piece starts when the client has taken the last, so a slow reader slows the batch. */
#include <stdio.h>
#include <stdlib.h>

#include "agent/instant.h"
#include "agent/list.h"
#include "service/sales_agent.h"
#include "service/scope.h"
#include "workflow/qualification.h"

enum { PROGRESS_EVERY_US = 1000000 };

/* Either all ids, or those of a page, a filter and the page token of what comes next. */
struct batch_stream {
    char request_id[UUID_TEXT_BYTES + 1]; /* for the audit trail; a stream is not repeated by it */
    bool validate_only, brief;
    InsightMode insight_mode;
    struct uuid *ids; /* owned; [n_ids] */
    size_t n_ids, next;
    uint64_t total; /* leads that the progress counts towards */
    char filter[FILTER_BYTES_MAX + 1];
    char page_token[1024 + 1];
    bool is_last_page;
    int64_t started_us, progress_us;
    QualifySummary counts;
};

static enum status keep_ids(struct call *c, struct batch_stream *k, const LeadIds *in)
{
    if ((k->ids = calloc(in->n_ids + 1, sizeof *k->ids)) == NULL)
        return call_nomem(c);
    k->is_last_page = true;
    for (size_t i = 0; i < in->n_ids; i++)
        if (uuid_parse(str_of(in->ids[i]), &k->ids[k->n_ids])) /* validation let nothing else in */
            k->n_ids++;
    k->total = k->n_ids;
    return STATUS_OK;
}

static enum status count_unit(struct call *c, struct tx *tx, void *arg)
{
    struct batch_stream *k = arg;
    struct group_rows rows;

    (void)c;
    TRY(tx_group(tx, RECORD_LEAD, &(struct group_query){.filter = str_of(k->filter)}, &rows));
    k->total = rows.n_rows ? (uint64_t)rows.rows[0].count : 0;
    return STATUS_OK;
}

enum status batch_qualify_message(struct call *c, void *self, struct rpc_stream *s,
                                  const BatchQualifyLeadsRequest *in)
{
    struct batch_stream *k;

    if (in->target_case == BATCH_QUALIFY_LEADS_REQUEST_TARGET_NOT_SET) {
        call_detail(c, FAULT_FIELD, "required", STR("target"), "lead_ids or filter is needed");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the batch names no leads");
    }
    if ((k = calloc(1, sizeof *k)) == NULL)
        return call_nomem(c);
    rpc_stream_set_state(s, k); /* freed in done() */
    k->validate_only = in->validate_only;
    k->brief = in->brief;
    k->insight_mode = in->insight_mode;
    snprintf(k->request_id, sizeof k->request_id, "%s", in->request_id);
    k->started_us = k->progress_us = call_now_us(c);
    k->counts = (QualifySummary)QUALIFY_SUMMARY_INIT;
    if (in->target_case == BATCH_QUALIFY_LEADS_REQUEST_TARGET_LEAD_IDS)
        return keep_ids(c, k, in->lead_ids);
    snprintf(k->filter, sizeof k->filter, "%s", in->filter); /* validated to fit */
    if ((k->ids = calloc(QUALIFY_BATCH_MAX, sizeof *k->ids)) == NULL)
        return call_nomem(c);
    return store_run(((struct agents *)self)->store, c, STORE_READ, count_unit, k);
}

/* The next page of the filter, in place of the last. */
static enum status turn_page(struct call *c, struct agents *a, struct batch_stream *k)
{
    struct list_query q = {.filter = str_of(k->filter),
                           .page_token = str_of(k->page_token),
                           .page_size = QUALIFY_BATCH_MAX};
    struct list_page page;

    TRY(list_run(c, a->store, RECORD_LEAD, &q, &page));
    k->n_ids = k->next = 0;
    for (size_t i = 0; i < page.n_items; i++)
        if (uuid_parse(str_of(((const Lead *)page.items[i])->id), &k->ids[k->n_ids]))
            k->n_ids++;
    k->is_last_page = !*page.next_page_token;
    snprintf(k->page_token, sizeof k->page_token, "%s", page.next_page_token);
    return STATUS_OK;
}

/* The ids of the next piece; none: the batch is at its end. */
static enum status next_ids(struct call *c, struct agents *a, struct batch_stream *k, str *ids,
                            size_t *n_out)
{
    *n_out = 0;
    if (k->next == k->n_ids && !k->is_last_page)
        TRY(turn_page(c, a, k));
    for (; k->next + *n_out < k->n_ids && *n_out < QUALIFY_BATCH_MAX; ++*n_out) {
        char *text = uuid_text(&c->arena, k->ids[k->next + *n_out]);

        if (!text)
            return call_nomem(c);
        ids[*n_out] = str_of(text);
    }
    return STATUS_OK;
}

static void count(QualifySummary *s, const QualifyResult *r)
{
    s->total++;
    s->failed += r->error != NULL;
    if (r->error)
        return;
    s->qualified += r->status == LEAD_STATUS_QUALIFIED;
    s->nurture += r->status == LEAD_STATUS_NURTURE;
    s->disqualified += r->status == LEAD_STATUS_DISQUALIFIED;
    s->premium += r->score && r->score->routing == LEAD_ROUTING_PREMIUM;
}

static enum status send_progress(struct call *c, struct rpc_stream *s, struct batch_stream *k)
{
    int64_t now = call_now_us(c);
    Progress progress = PROGRESS_INIT;
    BatchQualifyLeadsResponse out = BATCH_QUALIFY_LEADS_RESPONSE_INIT;

    if (now - k->progress_us < PROGRESS_EVERY_US)
        return STATUS_OK;
    k->progress_us = now;
    progress.done = k->counts.total;
    progress.failed = k->counts.failed;
    progress.total = k->total;
    TRY(duration_new(c, now - k->started_us, &progress.elapsed));
    out.message_case = BATCH_QUALIFY_LEADS_RESPONSE_MESSAGE_PROGRESS;
    out.progress = &progress;
    sales_agent_batch_qualify_leads_send(s, &out);
    return STATUS_OK;
}

static enum status send_summary(struct call *c, struct rpc_stream *s, struct batch_stream *k)
{
    BatchQualifyLeadsResponse out = BATCH_QUALIFY_LEADS_RESPONSE_INIT;

    TRY(duration_new(c, call_now_us(c) - k->started_us, &k->counts.elapsed));
    out.message_case = BATCH_QUALIFY_LEADS_RESPONSE_MESSAGE_SUMMARY;
    out.summary = &k->counts;
    sales_agent_batch_qualify_leads_send(s, &out);
    rpc_stream_finish(s);
    return STATUS_OK;
}

static enum status produce(struct call *c, struct agents *a, struct rpc_stream *s)
{
    struct batch_stream *k = rpc_stream_state(s);
    BatchQualifyLeadsResponse out = BATCH_QUALIFY_LEADS_RESPONSE_INIT;
    QualifyResults results = QUALIFY_RESULTS_INIT;
    str ids[QUALIFY_BATCH_MAX];
    struct qualify_batch batch = {.ids = ids,
                                  .validate_only = k->validate_only,
                                  .brief = k->brief,
                                  .insight_mode = k->insight_mode};

    c->request_id = k->request_id;
    TRY(next_ids(c, a, k, ids, &batch.n));
    if (k->insight_mode == INSIGHT_MODE_PREFERRED && batch.n > QUALIFY_BATCH_ASKED)
        batch.n = QUALIFY_BATCH_ASKED;
    if (batch.n == 0)
        return send_summary(c, s, k);
    TRY(qualification_batch(c, a, &batch, &results));
    k->next += results.n_results;
    for (size_t i = 0; i < results.n_results; i++)
        count(&k->counts, results.results[i]);
    out.message_case = BATCH_QUALIFY_LEADS_RESPONSE_MESSAGE_RESULTS;
    out.results = &results;
    sales_agent_batch_qualify_leads_send(s, &out);
    return send_progress(c, s, k);
}

enum status batch_qualify_writable(struct call *c, void *self, struct rpc_stream *s)
{
    struct scope scope;

    scope_enter(&scope, c, s);
    return scope_leave(&scope, produce(&scope.call, self, s));
}

void batch_qualify_done(struct call *c, void *self, struct rpc_stream *s)
{
    struct batch_stream *k = rpc_stream_state(s);

    (void)c;
    (void)self;
    if (k)
        free(k->ids);
    free(k);
}
