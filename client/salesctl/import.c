/*
 * CSV rows into ImportLeads. A sender thread reads, maps and sends; this thread receives results.
 * At most WINDOW_ROWS are unanswered at a time: with HTTP/2's own flow control that is what keeps a
 * slow server from filling this process. A connection that is cut is taken up again where the
 * server says.
 */
#include "ctl/import.h"

#include <pthread.h>
#include <time.h>

#include "base/banned.h"
#include "base/uuid.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"
#include "ctl/path.h"
#include "ctl/when.h"
#include "sales/v1/sales_agent.client.h"

enum {
    BATCH_ROWS = 500,       /* the server commits by message; 1000 is its limit */
    BATCH_BYTES = 1 << 20,  /* source bytes per message; 4 MiB is the server's limit */
    WINDOW_ROWS = 5000,     /* unanswered */
    BAD_ROWS_MAX = 1 << 16, /* unanswered rows that we could not read: WINDOW_ROWS bounds it */
    RESUMES_MAX = 5,
    RESUME_AFTER_S = 1,
    ERRORS_DEFAULT = 20,
};

struct import {
    struct ctl *ctl;
    const struct import_options *options;
    struct import_result *result;
    struct progress progress;
    const char *id;
    uint64_t done_row; /* rows up to it are done: the sender skips them */
    uint64_t n_data_rows, n_printed;
    size_t batch_rows;
    struct sales_stream *stream;
    struct reader *reader;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t answered;
    uint64_t n_sent, n_answered;
    uint64_t bad[BAD_ROWS_MAX]; /* ring: numbers of rows sent without a lead, ascending */
    size_t bad_head, bad_tail;
    bool over; /* no more results will come */
};

/* ---- what went wrong with a row -------------------------------------------------------------- */

static void print_row(struct import *m, uint64_t number, const char *what)
{
    if (m->n_printed++ >= m->options->errors_max || m->ctl->json)
        return;
    progress_wipe(&m->progress);
    fprintf(m->ctl->err.file, "row %llu: %s\n", (unsigned long long)number, what);
}

static void print_result(struct import *m, const Sales__V1__ImportRowResult *r)
{
    struct arena a;

    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < r->error->n_fields; i++) {
        const char *text =
            arena_printf(&a, "%s: %s", text_clean(&a, str_of(r->error->fields[i]->field), 128),
                         text_clean(&a, str_of(r->error->fields[i]->description), 300));
        print_row(m, r->row_number, text ? text : "not acceptable");
    }
    if (!r->error->n_fields)
        print_row(m, r->row_number, text_clean(&a, str_of(r->error->message), 300));
    arena_release(&a);
}

/* ---- sending --------------------------------------------------------------------------------- */

struct batch {
    struct arena arena;
    Sales__V1__ImportRow rows[BATCH_ROWS], *list[BATCH_ROWS];
    size_t n, bytes;
};

/* Waits for room in the window. False: the stream is over. */
static bool reserve(struct import *m, size_t n)
{
    bool may;

    pthread_mutex_lock(&m->lock);
    while (!m->over && m->n_sent - m->n_answered + n > WINDOW_ROWS)
        pthread_cond_wait(&m->answered, &m->lock);
    m->n_sent += n;
    may = !m->over;
    pthread_mutex_unlock(&m->lock);
    return may;
}

static bool send_batch(struct import *m, struct batch *b)
{
    Sales__V1__ImportLeadsRequest in = SALES__V1__IMPORT_LEADS_REQUEST__INIT;
    Sales__V1__ImportRows rows = SALES__V1__IMPORT_ROWS__INIT;
    bool sent;

    if (!b->n)
        return true;
    rows.rows = b->list;
    rows.n_rows = b->n;
    in.message_case = SALES__V1__IMPORT_LEADS_REQUEST__MESSAGE_ROWS;
    in.rows = &rows;
    sent = reserve(m, b->n) && sales_stream_send(m->stream, &in.base) == SALES_OK;
    b->n = b->bytes = 0;
    arena_reset(&b->arena);
    return sent;
}

static void add_row(struct import *m, struct batch *b, const struct reader_row *row)
{
    Sales__V1__ImportRow *r = &b->rows[b->n];

    *r = (Sales__V1__ImportRow)SALES__V1__IMPORT_ROW__INIT;
    r->row_number = row->number;
    r->lead = row->lead;
    b->list[b->n++] = r;
    b->bytes += row->bytes;
    if (row->lead)
        return;
    pthread_mutex_lock(&m->lock);
    m->bad[m->bad_tail++ % BAD_ROWS_MAX] = row->number;
    if (!m->over) /* else the row was cut by the end, not by its writer */
        print_row(m, row->number, row->complaint);
    pthread_mutex_unlock(&m->lock);
}

static void *send_rows(void *import)
{
    struct import *m = import;
    struct batch *b = calloc(1, sizeof *b);
    struct reader_row row;
    uint64_t n_rows = 0;
    bool going = b != NULL;

    if (b)
        arena_init(&b->arena, 64 << 20);
    while (going && n_rows < m->options->rows_max && reader_next(m->reader, &b->arena, &row)) {
        n_rows++;
        if (row.number <= m->done_row)
            continue;
        add_row(m, b, &row);
        if (b->n == m->batch_rows || b->bytes >= BATCH_BYTES)
            going = send_batch(m, b);
    }
    if (going && send_batch(m, b))
        (void)!sales_stream_close_send(m->stream); /* recv tells why not */
    if (b)
        arena_release(&b->arena);
    else
        sales_stream_cancel(m->stream);
    free(b);
    return NULL;
}

/* ---- receiving ------------------------------------------------------------------------------- */

/* Was the row sent without a lead? Its complaint is printed already. Results come in row order. */
static bool take_bad(struct import *m, uint64_t number)
{
    while (m->bad_head != m->bad_tail && m->bad[m->bad_head % BAD_ROWS_MAX] < number)
        m->bad_head++;
    return m->bad_head != m->bad_tail && m->bad[m->bad_head % BAD_ROWS_MAX] == number;
}

static void take_results(struct import *m, const Sales__V1__ImportResults *results)
{
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < results->n_results; i++) {
        const Sales__V1__ImportRowResult *r = results->results[i];

        m->result->done_row = r->row_number;
        if (r->outcome != SALES__V1__IMPORT_OUTCOME__IMPORT_OUTCOME_FAILED)
            continue;
        m->result->n_failed++;
        if (!take_bad(m, r->row_number) && r->error)
            print_result(m, r);
    }
    m->n_answered += results->n_results;
    progress_set(&m->progress, m->progress.done + results->n_results, m->result->n_failed,
                 ctl_now_ns());
    pthread_cond_signal(&m->answered);
    pthread_mutex_unlock(&m->lock);
}

static void take_reply(struct import *m, const Sales__V1__ImportLeadsResponse *r)
{
    if (m->ctl->json)
        ctl_json(m->ctl, &r->base);
    if (r->message_case == SALES__V1__IMPORT_LEADS_RESPONSE__MESSAGE_RESULTS) {
        take_results(m, r->results);
    } else if (r->message_case == SALES__V1__IMPORT_LEADS_RESPONSE__MESSAGE_SUMMARY) {
        m->result->summary = *r->summary;
        m->result->summary.elapsed = NULL; /* lives no longer than the reply */
        m->result->finished = true;
    }
}

/* ---- one stream ------------------------------------------------------------------------------ */

static enum sales_status open_import(struct import *m, bool resume)
{
    Sales__V1__ImportLeadsRequest in = SALES__V1__IMPORT_LEADS_REQUEST__INIT;
    Sales__V1__ImportOpen open = SALES__V1__IMPORT_OPEN__INIT;
    const Sales__V1__ImportLeadsResponse *r;
    enum sales_status status;
    ProtobufCMessage *reply;

    open.import_id = arena_cstr(&m->ctl->arena, str_of(m->id));
    open.resume = resume;
    open.duplicate_policy = m->options->duplicate_policy;
    open.validate_only = m->options->dry_run;
    open.total_rows = m->n_data_rows;
    open.label = arena_cstr(&m->ctl->arena, str_sub(str_of(m->options->path), 0, 200));
    in.message_case = SALES__V1__IMPORT_LEADS_REQUEST__MESSAGE_OPEN;
    in.open = &open;
    (void)!sales_stream_send(m->stream, &in.base); /* recv tells why not */
    status = sales_stream_recv(m->stream, &reply);
    r = (const void *)reply;
    if (!reply)
        return status;
    if (r->message_case == SALES__V1__IMPORT_LEADS_RESPONSE__MESSAGE_READY) {
        m->done_row = r->ready->done_row_number;
        if (r->ready->max_rows_per_message && r->ready->max_rows_per_message < m->batch_rows)
            m->batch_rows = r->ready->max_rows_per_message;
    }
    return SALES_OK;
}

static enum sales_status run_stream(struct import *m)
{
    enum sales_status status;
    ProtobufCMessage *reply;
    pthread_t sender;

    if (pthread_create(&sender, NULL, send_rows, m) != 0) {
        sales_stream_cancel(m->stream);
        return sales_stream_recv(m->stream, &reply);
    }
    while ((status = sales_stream_recv(m->stream, &reply)) == SALES_OK && reply)
        take_reply(m, (const void *)reply);
    reader_stop(m->reader);
    pthread_mutex_lock(&m->lock);
    m->over = true;
    pthread_cond_signal(&m->answered);
    pthread_mutex_unlock(&m->lock);
    pthread_join(sender, NULL);
    return status;
}

/* Opens the file and the stream, and runs to its end. *code is final unless it returns true: the
 * connection was cut, try again. */
static bool attempt(struct import *m, struct sales_call *call, bool resume, enum exit_code *code)
{
    struct sales_client *client = ctl_client(m->ctl);
    const struct import_options *o = m->options;
    enum sales_status status;

    if (!client || !(m->reader = reader_open(m->ctl, o->path, o->map, o->encoding, code)))
        return false;
    m->n_sent = m->n_answered = m->bad_head = m->bad_tail = 0;
    m->over = false;
    m->stream = sales_agent_import_leads_open(client, call);
    status = m->stream ? open_import(m, resume) : call->error.status;
    if (status == SALES_OK)
        status = run_stream(m);
    sales_stream_close(m->stream);
    reader_close(m->reader);
    progress_wipe(&m->progress);
    if (status == SALES_OK)
        *code = m->result->n_failed ? CTL_PARTIAL : CTL_OK;
    else if (status == SALES_UNAVAILABLE && reader_is_file(o->path) && !o->dry_run)
        return true;
    else
        *code = explain(m->ctl, call);
    return false;
}

static void print_unfinished(const struct import *m)
{
    fprintf(m->ctl->err.file, "go on with: salesctl lead import %s --map %s --resume %s\n",
            m->options->path, m->options->map ? m->options->map : "FILE", m->id);
}

static const char *new_id(struct ctl *ctl)
{
    struct call moment;
    const char *id;

    call_init(&moment, NULL, 0);
    id = uuid_text(&ctl->arena, uuid_new(&moment));
    return id ? id : "";
}

enum exit_code import_file(struct ctl *ctl, const struct import_options *options,
                           struct import_result *result)
{
    struct import *m = NEW(&ctl->arena, struct import, 1);
    bool resume = options->resume_id != NULL, again = true;
    enum exit_code code = CTL_FAILED;

    *result = (struct import_result){.summary = SALES__V1__IMPORT_SUMMARY__INIT};
    if (!m)
        return CTL_FAILED;
    *m = (struct import){.ctl = ctl, .options = options, .result = result};
    m->id = resume ? options->resume_id : new_id(ctl);
    m->batch_rows = BATCH_ROWS;
    m->n_data_rows = reader_count(ctl, options->path, options->encoding);
    if (m->n_data_rows > options->rows_max)
        m->n_data_rows = options->rows_max;
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->answered, NULL);
    progress_init(&m->progress, &ctl->err, "importing", ctl_now_ns());
    m->progress.total = m->n_data_rows;
    m->progress.quiet = ctl->json;
    for (int i = 0; again && i <= RESUMES_MAX; i++) {
        struct sales_call call = ctl_call(ctl);

        call.timeout_ms = ctl->timeout_ms ? ctl->timeout_ms : -1;
        again = attempt(m, &call, resume || i > 0, &code);
        if (again && (i == RESUMES_MAX || sales_cancel_is_fired(ctl->cancel))) {
            code = explain(ctl, &call);
            again = false;
        } else if (again) {
            fprintf(ctl->err.file, "the connection was cut behind row %llu, resuming\n",
                    (unsigned long long)result->done_row);
            nanosleep(&(struct timespec){.tv_sec = RESUME_AFTER_S}, NULL);
        }
        sales_call_release(&call);
    }
    if (!result->finished && result->done_row)
        print_unfinished(m);
    pthread_cond_destroy(&m->answered);
    pthread_mutex_destroy(&m->lock);
    result->n_hidden = m->n_printed > options->errors_max ? m->n_printed - options->errors_max : 0;
    return code;
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool whole_number(const struct args *args, const char *option, uint64_t fallback,
                         uint64_t *out)
{
    const char *text = args_text(args, option);
    long long n;

    *out = fallback;
    if (!text)
        return true;
    if (!str_to_int64(str_of(text), &n) || n < 0)
        return false;
    *out = (uint64_t)n;
    return true;
}

void import_print(struct arena *a, const struct term *t, const struct import_result *r,
                  int64_t took_ns)
{
    const Sales__V1__ImportSummary *s = &r->summary;
    double seconds = (double)took_ns / 1e9;

    if (r->n_hidden)
        fprintf(t->file, "%s more errors, see --errors\n", text_count(a, r->n_hidden));
    fprintf(t->file, "%s rows in %s (%s/s): %s created, %s updated, %s duplicates, %s%s failed%s",
            text_count(a, s->rows), when_span_text(a, took_ns / 1000),
            text_count(a, seconds > 0 ? (uint64_t)((double)s->rows / seconds) : 0),
            text_count(a, s->created), text_count(a, s->updated), text_count(a, s->duplicates),
            term_ink(t, s->failed ? INK_BAD : INK_PLAIN), text_count(a, s->failed),
            term_ink(t, INK_PLAIN));
    if (s->already_done)
        fprintf(t->file, ", %s done before", text_count(a, s->already_done));
    fputc('\n', t->file);
}

enum exit_code import_run(struct ctl *ctl, const struct command *command, const struct args *args)
{
    Sales__V1__ImportOpen words = SALES__V1__IMPORT_OPEN__INIT;
    struct import_options o = {
        .path = args->words[0],
        .map = args_text(args, "map"),
        .encoding = args_text(args, "encoding"),
        .resume_id = args_text(args, "resume"),
        .dry_run = args_has(args, "dry-run"),
    };
    const char *duplicates = args_text(args, "duplicates");
    struct setter setter = {.arena = &ctl->arena};
    int64_t began = ctl_now_ns();
    struct import_result result;
    enum exit_code code;

    if (!whole_number(args, "rows", UINT64_MAX, &o.rows_max) ||
        !whole_number(args, "errors", ERRORS_DEFAULT, &o.errors_max))
        return usage_error(ctl, command, "--rows and --errors are whole numbers");
    if (duplicates && !path_set(&setter, &words.base, "duplicate_policy", str_of(duplicates)))
        return usage_error(ctl, command, "--duplicates %s", setter.why);
    o.duplicate_policy = words.duplicate_policy;
    code = import_file(ctl, &o, &result);
    if (result.finished && !ctl->json)
        import_print(&ctl->arena, &ctl->out, &result, ctl_now_ns() - began);
    return code;
}
