/*
 * load: a checking load client for SalesAgent, the same for every peer.
 *
 *   load op=get|create|list|import address=HOST:PORT key=API_KEY [ids=FILE] [first=N] [count=N]
 *        [conns=4] [calls=8] [warm=1] [seconds=5] [batch=500] [window=4] [pid=N] [once=1] [shed=1]
 *        [rate=N]
 *
 * get, create, list: `calls` calls in flight on each connection, closed loop, for `seconds` after
 * `warm`. create makes leads number `first` and up. import: sends leads first..first+count over one
 * stream per connection, `window` batches in flight, and appends the ids it got to the file; a lead
 * counts when its result came. once: create with a request id of its own for every lead. rate: so
 * many calls per second instead of a closed loop, as far as conns * calls in flight allow. shed:
 * calls that are refused for their rate or credential are counted and no mistake. Every reply is
 * checked; a wrong one, or a status that is not OK, ends in exit 1. Prints one line of JSON; CPU is
 * that of the process `pid` in the measured time.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h2.h"
#include "leads.h"
#include "stats.h"

enum { GRPC_EXHAUSTED = 8, GRPC_UNAUTHENTICATED = 16 };
enum op { OP_GET, OP_CREATE, OP_LIST, OP_IMPORT, OPS };

static const struct {
    const char *name, *path;
} OP[OPS] = {
    [OP_GET] = {"get", "/sales.v1.SalesAgent/GetLead"},
    [OP_CREATE] = {"create", "/sales.v1.SalesAgent/CreateLead"},
    [OP_LIST] = {"list", "/sales.v1.SalesAgent/ListLeads"},
    [OP_IMPORT] = {"import", "/sales.v1.SalesAgent/ImportLeads"},
};

static struct {
    const char *op, *address, *key, *ids;
    long first, count, conns, calls, batch, window, pid, once, shed, rate;
    double warm, seconds;
} opt = {.conns = 4, .calls = 8, .batch = 500, .window = 4, .warm = 1, .seconds = 5};

/* One slot of the closed loop, or one import stream. */
struct slot {
    struct h2_call call;
    int conn;
    uint64_t number, started_ns; /* lead made or asked for */
    uint64_t next, end;          /* import: rows still to send */
    bool done, closed;
    long in_flight;
};

static struct {
    enum op op;
    struct h2 *h2;
    char *ids; /* [n_ids * LEAD_ID_BYTES] */
    uint64_t n_ids, next_number, random;
    bool measuring, stopping;
    uint64_t ok, total, bad, created, shed; /* ok: in the measured time */
    uint64_t due_ns;                        /* with a rate: of the next call */
    struct latencies latencies;
    FILE *ids_out;
    uint8_t *request; /* [REQUEST_BYTES_MAX], packed anew for every message */
} run;

enum { REQUEST_BYTES_MAX = ROWS_MAX * (LEAD_BYTES_MAX + 64) };

static void wrong(const struct slot *s, const char *what)
{
    if (run.bad++ < 5)
        fprintf(stderr, "load: %s: %s (grpc-status %d %s)\n", OP[run.op].name, what,
                s->call.grpc_status, s->call.grpc_message);
}

static uint64_t random_next(void)
{
    run.random ^= run.random << 13;
    run.random ^= run.random >> 7;
    run.random ^= run.random << 17;
    return run.random;
}

static void send_request(struct slot *s, const struct wire_out *o)
{
    if (o->overflow) {
        fprintf(stderr, "load: a request does not fit\n");
        exit(1);
    }
    h2_send(&s->call, o->data, o->len);
}

static void start_unary(struct slot *s)
{
    struct wire_out o = {.data = run.request, .cap = REQUEST_BYTES_MAX};

    switch (run.op) {
    case OP_GET:
        s->number = random_next() % run.n_ids;
        leads_put_get(&o, run.ids + s->number * LEAD_ID_BYTES);
        break;
    case OP_CREATE:
        s->number = run.next_number++;
        if (opt.once)
            leads_put_request_id(&o, random_next(), random_next());
        leads_put_create(&o, s->number);
        break;
    case OP_LIST: leads_put_list(&o); break;
    case OP_IMPORT:
    case OPS: break;
    }
    s->started_ns = now_ns();
    s->done = false;
    h2_start(run.h2, s->conn, &s->call, OP[run.op].path);
    send_request(s, &o);
    h2_finish(&s->call);
}

static const char *check_unary(const struct slot *s, const uint8_t *reply, size_t n)
{
    switch (run.op) {
    case OP_GET: return leads_check_get(reply, n, run.ids + s->number * LEAD_ID_BYTES);
    case OP_CREATE: return leads_check_create(reply, n, s->number);
    case OP_LIST: return leads_check_list(reply, n);
    case OP_IMPORT:
    case OPS: break;
    }
    return "no such operation";
}

static void start_import(struct slot *s, int i)
{
    uint64_t share = (uint64_t)(opt.count / opt.conns), first = (uint64_t)opt.first;
    char import_id[LEAD_ID_BYTES + 1];
    struct wire_out o = {.data = run.request, .cap = REQUEST_BYTES_MAX};

    s->next = first + share * (uint64_t)i;
    s->end = i + 1 == opt.conns ? first + (uint64_t)opt.count : s->next + share;
    snprintf(import_id, sizeof import_id, "%08" PRIx32 "-0000-4000-8000-%012" PRIx64,
             (uint32_t)random_next(), s->next & 0xffffffffffffU);
    h2_start(run.h2, s->conn, &s->call, OP[run.op].path);
    leads_put_open(&o, import_id, s->end - s->next);
    send_request(s, &o);
}

/* Keeps `window` batches on their way, and half-closes behind the last. */
static void feed_import(struct slot *s)
{
    while (s->in_flight < opt.window && s->next < s->end) {
        struct wire_out o = {.data = run.request, .cap = REQUEST_BYTES_MAX};
        uint64_t left = s->end - s->next;
        size_t n = left < (uint64_t)opt.batch ? (size_t)left : (size_t)opt.batch;

        leads_put_rows(&o, s->next, n);
        send_request(s, &o);
        s->next += n;
        s->in_flight++;
    }
    if (s->next == s->end && !s->call.finished)
        h2_finish(&s->call);
}

static const char *take_import(struct slot *s, const uint8_t *data, size_t n)
{
    static struct import_reply reply;
    const char *what = leads_read_import(data, n, &reply);

    if (what)
        return what;
    if (reply.n_results > 0) {
        s->in_flight--;
        run.ok += reply.n_created;
        if (reply.n_created != reply.n_results)
            return "rows that were not created";
        for (size_t i = 0; run.ids_out && i < reply.n_created; i++)
            fwrite(reply.ids[i], 1, LEAD_ID_BYTES, run.ids_out);
    }
    if (reply.summary) {
        s->done = true;
        run.created += reply.summary_created;
    }
    if (reply.ready || reply.n_results > 0)
        feed_import(s);
    return NULL;
}

static void on_message(struct h2_call *call, const uint8_t *data, size_t n)
{
    struct slot *s = call->user;
    const char *what = run.op == OP_IMPORT ? take_import(s, data, n) : check_unary(s, data, n);

    if (what)
        wrong(s, what);
    if (run.op != OP_IMPORT)
        s->done = true;
}

static void on_closed(struct h2_call *call)
{
    struct slot *s = call->user;

    bool is_shed = opt.shed && (call->grpc_status == GRPC_EXHAUSTED ||
                                call->grpc_status == GRPC_UNAUTHENTICATED);

    if (is_shed)
        run.shed++;
    else if (call->grpc_status != 0)
        wrong(s, "the call failed");
    else if (!s->done)
        wrong(s, "the call ended without an answer");
    run.total++;
    if (run.op != OP_IMPORT && run.measuring && !is_shed) {
        run.ok++;
        latencies_add(&run.latencies, now_ns() - s->started_ns);
    }
    s->closed = run.op == OP_IMPORT || run.stopping || opt.rate;
    if (!s->closed)
        start_unary(s);
}

/* With a rate: starts what is due, as far as slots are free. */
static void start_due(struct slot *slots, long n, uint64_t now)
{
    for (long i = 0; i < n && run.due_ns <= now && !run.stopping; i++) {
        if (!slots[i].closed)
            continue;
        slots[i].closed = false;
        run.due_ns += 1000000000 / (uint64_t)opt.rate;
        start_unary(&slots[i]);
    }
    if (run.due_ns < now)
        run.due_ns = now; /* all are in flight: what could not start is not made up for */
}

static bool any_open(const struct slot *slots, long n)
{
    for (long i = 0; i < n; i++)
        if (!slots[i].closed)
            return true;
    return false;
}

static void drive(struct slot *slots, long n, double *seconds, double *cpu_s)
{
    uint64_t start = now_ns(), from = start + (uint64_t)(opt.warm * 1e9);
    uint64_t to = from + (uint64_t)(opt.seconds * 1e9), began = start;
    double cpu = cpu_seconds(opt.pid);

    run.due_ns = start;
    while (any_open(slots, n) || (opt.rate && !run.stopping)) {
        uint64_t now = now_ns();

        if (opt.rate)
            start_due(slots, n, now);
        if (run.op != OP_IMPORT && !run.measuring && !run.stopping && now >= from) {
            run.measuring = true;
            began = now;
            cpu = cpu_seconds(opt.pid);
        }
        if (run.op != OP_IMPORT && run.measuring && now >= to) {
            run.measuring = false;
            run.stopping = true;
            *seconds = (double)(now - began) / 1e9;
            *cpu_s = cpu_seconds(opt.pid) - cpu;
        }
        h2_poll(run.h2, opt.rate ? 1 : 20);
    }
    if (run.op == OP_IMPORT) {
        *seconds = (double)(now_ns() - start) / 1e9;
        *cpu_s = cpu_seconds(opt.pid) - cpu;
    }
}

static void print_result(double seconds, double cpu_s)
{
    latencies_sort(&run.latencies);
    printf("{\"op\": \"%s\", \"rate\": %.1f, \"p50_ms\": %.3f, \"p99_ms\": %.3f, \"cpu_us\": %.1f,"
           " \"ok\": %" PRIu64 ", \"total\": %" PRIu64 ", \"bad\": %" PRIu64 ", \"shed\": %" PRIu64
           ", \"seconds\": %.3f}\n",
           OP[run.op].name, (double)run.ok / seconds, latencies_at(&run.latencies, 0.5),
           latencies_at(&run.latencies, 0.99), run.ok ? cpu_s * 1e6 / (double)run.ok : 0, run.ok,
           run.total, run.bad, run.shed, seconds);
}

static void load_ids(void)
{
    FILE *f = fopen(opt.ids ? opt.ids : "", "rb");

    if (!f || fseek(f, 0, SEEK_END) != 0 || ftell(f) < LEAD_ID_BYTES) {
        fprintf(stderr, "load: op=get needs ids=FILE of an import\n");
        exit(2);
    }
    run.n_ids = (uint64_t)ftell(f) / LEAD_ID_BYTES;
    rewind(f);
    run.ids = malloc(run.n_ids * LEAD_ID_BYTES);
    if (!run.ids || fread(run.ids, LEAD_ID_BYTES, run.n_ids, f) != run.n_ids)
        abort();
    fclose(f);
}

/* clang-format off */
static const struct { const char *name; const char **text; long *number; double *real; } OPTION[] = {
    {"op", &opt.op, NULL, NULL},         {"address", &opt.address, NULL, NULL},
    {"key", &opt.key, NULL, NULL},       {"ids", &opt.ids, NULL, NULL},
    {"first", NULL, &opt.first, NULL},   {"count", NULL, &opt.count, NULL},
    {"conns", NULL, &opt.conns, NULL},   {"calls", NULL, &opt.calls, NULL},
    {"batch", NULL, &opt.batch, NULL},   {"window", NULL, &opt.window, NULL},
    {"pid", NULL, &opt.pid, NULL},       {"warm", NULL, NULL, &opt.warm},
    {"seconds", NULL, NULL, &opt.seconds}, {"once", NULL, &opt.once, NULL},
    {"shed", NULL, &opt.shed, NULL},     {"rate", NULL, &opt.rate, NULL},
};
/* clang-format on */

static bool set_option(const char *arg)
{
    const char *value = strchr(arg, '=');

    for (size_t i = 0; value && i < sizeof OPTION / sizeof *OPTION; i++) {
        if (strlen(OPTION[i].name) != (size_t)(value - arg) ||
            memcmp(OPTION[i].name, arg, (size_t)(value - arg)) != 0)
            continue;
        if (OPTION[i].text)
            *OPTION[i].text = value + 1;
        if (OPTION[i].number)
            *OPTION[i].number = strtol(value + 1, NULL, 10);
        if (OPTION[i].real)
            *OPTION[i].real = strtod(value + 1, NULL);
        return true;
    }
    return false;
}

static bool read_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!set_option(argv[i]))
            return false;
    run.op = OPS;
    for (enum op op = 0; op < OPS; op++)
        if (opt.op && strcmp(opt.op, OP[op].name) == 0)
            run.op = op;
    bool bounded = opt.conns > 0 && opt.conns <= 64 && opt.calls > 0 && opt.calls <= 1000 &&
                   opt.batch > 0 && opt.batch <= ROWS_MAX && opt.window > 0 && opt.seconds > 0;

    return run.op != OPS && opt.address && opt.key && bounded &&
           (run.op != OP_IMPORT || opt.count >= opt.conns);
}

int main(int argc, char **argv)
{
    char authorization[256];
    double seconds = 1, cpu_s = 0;

    if (!read_options(argc, argv)) {
        fprintf(stderr, "load: bad arguments, see the top of load.c\n");
        return 2;
    }
    snprintf(authorization, sizeof authorization, "Bearer %s", opt.key);
    run.random = now_ns() | 1;
    run.next_number = (uint64_t)opt.first;
    run.request = malloc(REQUEST_BYTES_MAX);
    if (run.op == OP_GET)
        load_ids();
    if (run.op == OP_IMPORT && opt.ids)
        run.ids_out = fopen(opt.ids, "ab");
    run.h2 = h2_open(opt.address, (int)opt.conns, authorization,
                     (struct h2_handler){.message = on_message, .closed = on_closed});
    long n = run.op == OP_IMPORT ? opt.conns : opt.conns * opt.calls;
    struct slot *slots = calloc((size_t)n, sizeof *slots);

    if (!run.request || !slots)
        return 1;
    for (long i = 0; i < n; i++) {
        slots[i].conn = (int)(i % opt.conns);
        slots[i].call.user = &slots[i];
        if (run.op == OP_IMPORT)
            start_import(&slots[i], (int)i);
        else if (opt.rate)
            slots[i].closed = true;
        else
            start_unary(&slots[i]);
    }
    drive(slots, n, &seconds, &cpu_s);
    if (run.op == OP_IMPORT && (run.created != (uint64_t)opt.count || run.ok != run.created)) {
        fprintf(stderr, "load: %" PRIu64 " rows were acknowledged, the summary says %" PRIu64 "\n",
                run.ok, run.created);
        run.bad++;
    }
    print_result(seconds, cpu_s);
    for (long i = 0; i < n; i++)
        h2_release(&slots[i].call);
    free(slots);
    free(run.request);
    free(run.ids);
    free(run.latencies.us);
    h2_close(run.h2);
    return (run.ids_out && fclose(run.ids_out) != 0) || run.bad > 0;
}
