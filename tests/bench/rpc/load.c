/*
 * The load client of the rpc benchmark, the same for every server. It checks each reply (order,
 * size) and each end (grpc-status 0); one thread, so that it leaves the other core to the server.
 *
 * usage: load address=HOST:PORT pid=SERVER mode=unary|paced|max streams=N conns=N dur=S [warm=S]
 * label=X unary   N concurrent calls, each followed by the next paced   N streams of 50 audio
 * frames a second; time counts from the *scheduled* send max     N streams with a few frames in
 * flight, as fast as they are answered Prints one line of JSON. Exit code 1: a reply or an end was
 * wrong.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "h2.h"
#include "stats.h"
#include "wire.h"

enum {
    FRAME_BYTES = 640, /* 20 ms of 16-bit PCM at 16 kHz */
    PAYLOAD_BYTES = 48,
    WINDOW = 4, /* frames in flight per stream of mode max */
    FRAMES_PER_S = 50,
    NS_PER_S = 1000000000,
    DRAIN_S = 5,
    MESSAGE_BYTES = 1024,
    CONNS_MAX = 64,
    STREAMS_MAX = 10000,
};

struct stream {
    struct h2_call call;
    int conn;
    uint64_t sent, got;  /* messages */
    uint64_t started_ns; /* unary: of the current call */
    uint64_t due_ns;     /* paced: the next frame */
    bool closed;
};

static struct {
    const char *address, *mode, *label;
    int pid, streams, conns;
    double dur, warm;
} o = {.address = "", .mode = "unary", .label = "", .streams = 50, .conns = 4, .dur = 5, .warm = 1};

static struct h2 *h2;
static struct stream *streams;
static struct latencies latencies, lags;
static bool measuring, stopping;
static uint64_t n_replies, n_wrong, n_bad_ends;

static bool is_mode(char c)
{
    return o.mode[0] == c;
}

static void send_frame(struct stream *s, uint64_t t_ns)
{
    static uint8_t pcm[FRAME_BYTES];
    uint8_t memory[MESSAGE_BYTES];
    struct wire_out m = {.data = memory, .cap = sizeof memory};

    s->sent++;
    memset(pcm, (int)(s->sent & 127), sizeof pcm);
    wire_put_uint(&m, 1, s->sent);
    wire_put_fixed64(&m, 2, t_ns);
    wire_put_bytes(&m, 3, pcm, sizeof pcm);
    h2_send(&s->call, memory, m.len);
}

static void send_echo(struct stream *s)
{
    static const uint8_t payload[PAYLOAD_BYTES] = {1}, tags[] = {1, 2, 3, 4};
    uint8_t memory[MESSAGE_BYTES];
    struct wire_out m = {.data = memory, .cap = sizeof memory};

    s->sent++;
    wire_put_text(&m, 1, "req-0123456789abcdef0123");
    wire_put_uint(&m, 2, s->sent);
    wire_put_text(&m, 3, "en-GB");
    wire_put_bytes(&m, 4, payload, sizeof payload);
    wire_put_bytes(&m, 5, tags, sizeof tags);
    s->started_ns = now_ns();
    h2_start(h2, s->conn, &s->call, "/bench.v1.Bench/Echo");
    h2_send(&s->call, memory, m.len);
    h2_finish(&s->call);
}

/* The fields of EchoReply and AudioEvent that are checked. */
struct reply {
    uint64_t seq, t_ns, n_bytes;
    size_t payload;
};

static struct reply parse(const uint8_t *data, size_t n)
{
    bool unary = is_mode('u');
    struct wire_in in = wire_in(data, n);
    struct wire_field f;
    struct reply r = {0};

    while (wire_next(&in, &f)) {
        if (f.number == (unary ? 2U : 1U))
            r.seq = f.value;
        else if (f.number == 2 && f.len == sizeof r.t_ns)
            memcpy(&r.t_ns, f.data, sizeof r.t_ns);
        else if (f.number == 3)
            r.n_bytes = f.value;
        else if (f.number == 4)
            r.payload = f.len;
    }
    n_wrong += in.bad;
    return r;
}

static void on_message(struct h2_call *call, const uint8_t *data, size_t n)
{
    struct stream *s = call->user;
    struct reply r = parse(data, n);
    uint64_t now = now_ns();

    s->got++;
    if (is_mode('u'))
        n_wrong += r.seq != s->sent || r.payload != PAYLOAD_BYTES;
    else
        n_wrong += r.seq != s->got || r.n_bytes != FRAME_BYTES;
    if (measuring) {
        n_replies++;
        latencies_add(&latencies, now - (is_mode('u') ? s->started_ns : r.t_ns));
    }
    if (is_mode('m') && !stopping)
        send_frame(s, now);
}

static void on_closed(struct h2_call *call)
{
    struct stream *s = call->user;

    if (call->grpc_status != 0 || s->got != s->sent) {
        if (n_bad_ends++ == 0)
            fprintf(stderr, "load: a call ended with status %d (%s) after %lu of %lu replies\n",
                    call->grpc_status, call->grpc_message, s->got, s->sent);
        s->got = s->sent;
    }
    s->closed = true;
    if (!is_mode('u') || stopping)
        return;
    s->closed = false;
    send_echo(s);
}

static void start_all(uint64_t now)
{
    for (int i = 0; i < o.streams; i++) {
        struct stream *s = &streams[i];

        s->conn = i % o.conns;
        s->call.user = s;
        if (is_mode('u')) {
            send_echo(s);
            continue;
        }
        h2_start(h2, s->conn, &s->call, "/bench.v1.Bench/Audio");
        s->due_ns =
            now + NS_PER_S / 10 + (uint64_t)((double)i / o.streams * (NS_PER_S / FRAMES_PER_S));
        for (int w = 0; is_mode('m') && w < WINDOW; w++)
            send_frame(s, now_ns());
    }
}

/* Streams are in order of their phase, so a cursor finds the next one due. Returns ns until then.
 */
static uint64_t send_due(int *cursor)
{
    uint64_t now = now_ns();

    for (int k = 0; k < o.streams && streams[*cursor].due_ns <= now; k++) {
        struct stream *s = &streams[*cursor];

        if (measuring)
            latencies_add(&lags, now - s->due_ns);
        send_frame(s, s->due_ns);
        s->due_ns += NS_PER_S / FRAMES_PER_S;
        *cursor = (*cursor + 1) % o.streams;
    }
    now = now_ns();
    return streams[*cursor].due_ns > now ? streams[*cursor].due_ns - now : 0;
}

static void run_until(uint64_t end_ns, int *cursor)
{
    for (uint64_t now; (now = now_ns()) < end_ns;) {
        uint64_t wait = is_mode('p') && !stopping ? send_due(cursor) : NS_PER_S / 20;

        h2_poll_ns(h2, wait < end_ns - now ? wait : end_ns - now);
    }
}

static int n_open(void)
{
    int n = 0;

    for (int i = 0; i < o.streams; i++)
        n += !streams[i].closed;
    return n;
}

/* Ends what runs and waits for it: a server that forgets a stream is caught here. */
static void drain(void)
{
    uint64_t until = now_ns() + (uint64_t)DRAIN_S * NS_PER_S;

    stopping = true;
    for (int i = 0; i < o.streams && !is_mode('u'); i++)
        h2_finish(&streams[i].call);
    while (n_open() && now_ns() < until)
        h2_poll(h2, 10);
    n_bad_ends += (uint64_t)n_open();
}

static long status_kb(const char *key)
{
    char path[64], line[256];
    long value = 0;

    snprintf(path, sizeof path, "/proc/%d/status", o.pid);
    FILE *f = fopen(path, "r");

    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, key, strlen(key)) == 0)
            value = strtol(line + strlen(key), NULL, 10);
    }
    if (f)
        fclose(f);
    return value;
}

static bool set_option(const char *key, const char *value)
{
    /* clang-format off */
    const struct { const char *key; const char **text; int *number; double *seconds; } rows[] = {
        {"address", &o.address, NULL, NULL}, {"mode",  &o.mode, NULL, NULL},
        {"label",   &o.label, NULL, NULL},   {"dur",   NULL, NULL, &o.dur},
        {"streams", NULL, &o.streams, NULL}, {"conns", NULL, &o.conns, NULL},
        {"warm",    NULL, NULL, &o.warm},    {"pid",   NULL, &o.pid, NULL},
    };
    /* clang-format on */

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].key, key) != 0)
            continue;
        if (rows[i].text)
            *rows[i].text = value;
        else if (rows[i].number)
            *rows[i].number = (int)strtol(value, NULL, 10);
        else
            *rows[i].seconds = strtod(value, NULL);
        return true;
    }
    return false;
}

static bool parse_options(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        char *v = strchr(argv[i], '=');

        if (!v)
            return false;
        *v++ = 0;
        if (!set_option(argv[i], v))
            return false;
    }
    return o.streams > 0 && o.streams <= STREAMS_MAX && o.conns > 0 && o.conns <= CONNS_MAX &&
           (is_mode('u') || is_mode('p') || is_mode('m'));
}

struct usage {
    double seconds, server_cpu, client_cpu;
    long rss_kb, threads;
};

static void report(const struct usage *u)
{
    latencies_sort(&latencies);
    latencies_sort(&lags);
    printf("{\"label\":\"%s\",\"mode\":\"%s\",\"streams\":%d,\"conns\":%d,\"rate\":%.0f,"
           "\"p50\":%.3f,\"p99\":%.3f,\"p999\":%.3f,\"server_cpu_pct\":%.1f,\"us_per_msg\":%.3f,"
           "\"client_cpu_pct\":%.1f,\"client_lag_p99\":%.3f,\"rss_kb\":%ld,\"threads\":%ld,"
           "\"wrong\":%lu,\"bad_ends\":%lu}\n",
           o.label, o.mode, o.streams, o.conns, (double)n_replies / u->seconds,
           latencies_at(&latencies, .5), latencies_at(&latencies, .99),
           latencies_at(&latencies, .999), 100 * u->server_cpu / u->seconds,
           n_replies ? 1e6 * u->server_cpu / (double)n_replies : 0,
           100 * u->client_cpu / u->seconds, latencies_at(&lags, .99), u->rss_kb, u->threads,
           n_wrong, n_bad_ends);
}

int main(int argc, char **argv)
{
    struct h2_handler handler = {on_message, on_closed};
    int cursor = 0;

    if (!parse_options(argc, argv)) {
        fprintf(stderr, "load: bad option\n");
        return 2;
    }
    streams = calloc((size_t)o.streams, sizeof *streams);
    if (!streams)
        return 2;
    h2 = h2_open(o.address, o.conns, NULL, handler);
    start_all(now_ns());
    run_until(now_ns() + (uint64_t)(o.warm * NS_PER_S), &cursor);

    uint64_t begin = now_ns();
    double server = cpu_seconds(o.pid), client = cpu_seconds(getpid());

    measuring = true;
    run_until(begin + (uint64_t)(o.dur * NS_PER_S), &cursor);
    measuring = false;
    server = cpu_seconds(o.pid) - server;
    client = cpu_seconds(getpid()) - client;

    double seconds = (double)(now_ns() - begin) / NS_PER_S;
    long rss_kb = status_kb("VmRSS:"), threads = status_kb("Threads:"); /* those under load */

    drain();
    report(&(struct usage){seconds, server, client, rss_kb, threads});
    if (n_wrong || n_bad_ends)
        fprintf(stderr, "load: %lu wrong replies, %lu bad ends\n", n_wrong, n_bad_ends);
    h2_close(h2);
    free(streams);
    return n_wrong || n_bad_ends;
}
