/*
 * All cells are one array per shard, addressed by number: a series is a range of cells, and a
 * histogram's are its buckets, then its sum. Rendering adds the shards up.
 */
#include "obs/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SHARDS = 4, BUCKETS_MAX = 16, NAMES_BYTES_MAX = 4 << 20, LABELS_BYTES_MAX = 4096 };

enum kind { COUNTER, GAUGE, HISTOGRAM };

/* Upper bounds in 1/scale; the last bucket, +Inf, is not listed. */
struct buckets {
    size_t n;
    int64_t le[BUCKETS_MAX];
};

#define MS(n) (INT64_C(1000000) * (n))

static const struct buckets buckets_none = {0};

/* The defaults of the Prometheus clients, which dashboards for gRPC expect. */
static const struct buckets buckets_grpc = {11,
                                            {MS(5), MS(10), MS(25), MS(50), MS(100), MS(250),
                                             MS(500), MS(1000), MS(2500), MS(5000), MS(10000)}};

/* Of the OpenTelemetry conventions for generative AI: doubling from 10 ms; powers of four. */
static const struct buckets buckets_gen_ai = {14,
                                              {MS(10), MS(20), MS(40), MS(80), MS(160), MS(320),
                                               MS(640), MS(1280), MS(2560), MS(5120), MS(10240),
                                               MS(20480), MS(40960), MS(81920)}};
static const struct buckets buckets_tokens = {14,
                                              {1, 1 << 2, 1 << 4, 1 << 6, 1 << 8, 1 << 10, 1 << 12,
                                               1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24,
                                               1 << 26}};

#define BUCKETS_NONE   &buckets_none
#define BUCKETS_GRPC   &buckets_grpc
#define BUCKETS_GEN_AI &buckets_gen_ai
#define BUCKETS_TOKENS &buckets_tokens

static const struct {
    const char *name, *labels, *help;
    enum kind kind;
    int64_t scale;
    const struct buckets *buckets;
} rows[N_METRICS] = {
#define X(id, kind, scale, buckets, name, labels, help)                                            \
    {name, labels, help, kind, scale, BUCKETS_##buckets},
#include "obs/metric.def"
#undef X
};

static const char *const kind_names[] = {"counter", "gauge", "histogram"};

/* One registered series; the list of a metric is in order of registration. */
struct entry {
    struct entry *next;
    const char *labels; /* rendered: `a="x",b="y"`, "" when none */
    uint32_t cell;
};

struct metrics {
    pthread_mutex_t lock; /* guards names, first, last, n_cells and the collectors */
    struct arena names;
    struct entry *first[N_METRICS], *last[N_METRICS];
    uint32_t n_cells;
    struct {
        void (*collect)(void *self);
        void *self;
    } collectors[METRIC_COLLECTORS_MAX];
    size_t n_collectors;

    _Atomic int64_t cells[SHARDS][METRIC_CELLS_MAX];
};

static atomic_uint threads_seen;
static _Thread_local unsigned my_shard; /* + 1; 0: not chosen yet */

static unsigned shard(void)
{
    if (!my_shard)
        my_shard = 1 + atomic_fetch_add_explicit(&threads_seen, 1, memory_order_relaxed) % SHARDS;
    return my_shard - 1;
}

static void cell_add(struct series s, uint32_t i, int64_t n)
{
    atomic_fetch_add_explicit(&s.owner->cells[shard()][s.cell + i], n, memory_order_relaxed);
}

static int64_t cell_sum(const struct metrics *m, uint32_t cell)
{
    int64_t sum = 0;

    for (int i = 0; i < SHARDS; i++)
        sum += atomic_load_explicit(&m->cells[i][cell], memory_order_relaxed);
    return sum;
}

struct metrics *metrics_open(void)
{
    struct metrics *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    pthread_mutex_init(&m->lock, NULL);
    arena_init(&m->names, NAMES_BYTES_MAX);
    return m;
}

void metrics_close(struct metrics *m)
{
    if (!m)
        return;
    arena_release(&m->names);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

/* A label value: backslash, quote and newline are escaped. */
static void put_quoted(struct buf *b, const char *value)
{
    buf_putc(b, '"');
    for (; *value; value++) {
        if (*value == '\n')
            buf_put(b, STR("\\n"));
        else if (*value == '"' || *value == '\\')
            buf_printf(b, "\\%c", *value);
        else
            buf_putc(b, *value);
    }
    buf_putc(b, '"');
}

static str labels_text(struct arena *a, enum metric metric, const char *const *values)
{
    str keys = str_of(rows[metric].labels);
    struct buf b;

    buf_init(&b, a, LABELS_BYTES_MAX);
    for (size_t i = 0; keys.n; i++) {
        str key = str_cut(&keys, ',');

        assert(i < METRIC_LABELS_MAX && values && values[i]);
        buf_printf(&b, "%s" STR_FMT "=", i ? "," : "", STR_ARG(key));
        put_quoted(&b, values[i]);
    }
    return buf_str(&b);
}

static struct entry *find(struct metrics *m, enum metric metric, str labels)
{
    for (struct entry *e = m->first[metric]; e; e = e->next)
        if (str_eq(str_of(e->labels), labels))
            return e;
    return NULL;
}

static struct entry *add(struct metrics *m, enum metric metric, str labels)
{
    bool wide = rows[metric].kind == HISTOGRAM;
    struct entry *e = NEW(&m->names, struct entry, 1);

    assert(e && labels.p);
    *e = (struct entry){.labels = arena_cstr(&m->names, labels), .cell = m->n_cells};
    assert(e->labels);
    m->n_cells += wide ? (uint32_t)rows[metric].buckets->n + 2 : 1;
    assert(m->n_cells <= METRIC_CELLS_MAX);
    if (m->last[metric])
        m->last[metric]->next = e;
    else
        m->first[metric] = e;
    m->last[metric] = e;
    return e;
}

struct series metrics_series(struct metrics *m, enum metric metric, const char *const *values)
{
    struct arena scratch;
    struct entry *e;
    str labels;

    assert(metric < N_METRICS);
    arena_init(&scratch, 4 * (size_t)LABELS_BYTES_MAX);
    labels = labels_text(&scratch, metric, values);
    pthread_mutex_lock(&m->lock);
    e = find(m, metric, labels);
    if (!e)
        e = add(m, metric, labels);
    pthread_mutex_unlock(&m->lock);
    arena_release(&scratch);
    return (struct series){m, e->cell, metric};
}

void series_add(struct series s, int64_t n)
{
    assert(rows[s.metric].kind != HISTOGRAM);
    cell_add(s, 0, n);
}

void series_set(struct series s, int64_t value)
{
    assert(rows[s.metric].kind != HISTOGRAM);
    atomic_store_explicit(&s.owner->cells[0][s.cell], value, memory_order_relaxed);
}

int64_t series_value(struct series s)
{
    assert(rows[s.metric].kind != HISTOGRAM);
    return cell_sum(s.owner, s.cell);
}

void series_observe(struct series s, int64_t value)
{
    const struct buckets *b = rows[s.metric].buckets;
    uint32_t i = 0;

    assert(rows[s.metric].kind == HISTOGRAM);
    while (i < b->n && value > b->le[i])
        i++;
    cell_add(s, i, 1);
    cell_add(s, (uint32_t)b->n + 1, value);
}

void metrics_collect(struct metrics *m, void (*collect)(void *self), void *self)
{
    pthread_mutex_lock(&m->lock);
    assert(m->n_collectors < METRIC_COLLECTORS_MAX);
    m->collectors[m->n_collectors].collect = collect;
    m->collectors[m->n_collectors++].self = self;
    pthread_mutex_unlock(&m->lock);
}

/* Exactly value / scale, without floating point; scale is a power of ten. */
static void put_scaled(struct buf *b, int64_t value, int64_t scale)
{
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t rest = size % (uint64_t)scale;

    buf_printf(b, "%s%" PRIu64, value < 0 ? "-" : "", size / (uint64_t)scale);
    if (rest)
        buf_putc(b, '.');
    while (rest) {
        scale /= 10;
        buf_putc(b, (char)('0' + rest / (uint64_t)scale));
        rest %= (uint64_t)scale;
    }
}

static void put_simple(struct buf *b, const struct metrics *m, enum metric metric,
                       const struct entry *e)
{
    buf_put(b, str_of(rows[metric].name));
    if (e->labels[0])
        buf_printf(b, "{%s}", e->labels);
    buf_putc(b, ' ');
    put_scaled(b, cell_sum(m, e->cell), rows[metric].scale);
    buf_putc(b, '\n');
}

static void put_bucket(struct buf *b, enum metric metric, const struct entry *e, size_t i)
{
    const struct buckets *k = rows[metric].buckets;

    buf_printf(b, "%s_bucket{%s%sle=\"", rows[metric].name, e->labels, e->labels[0] ? "," : "");
    if (i < k->n)
        put_scaled(b, k->le[i], rows[metric].scale);
    else
        buf_put(b, STR("+Inf"));
    buf_put(b, STR("\"} "));
}

/* `_sum` or `_count`. */
static void put_total(struct buf *b, enum metric metric, const struct entry *e, const char *suffix)
{
    const char *open = e->labels[0] ? "{" : "", *close = e->labels[0] ? "}" : "";

    buf_printf(b, "%s%s%s%s%s ", rows[metric].name, suffix, open, e->labels, close);
}

static void put_histogram(struct buf *b, const struct metrics *m, enum metric metric,
                          const struct entry *e)
{
    size_t n = rows[metric].buckets->n;
    int64_t count = 0;

    for (size_t i = 0; i <= n; i++) {
        count += cell_sum(m, e->cell + (uint32_t)i);
        put_bucket(b, metric, e, i);
        buf_printf(b, "%" PRId64 "\n", count);
    }
    put_total(b, metric, e, "_sum");
    put_scaled(b, cell_sum(m, e->cell + (uint32_t)n + 1), rows[metric].scale);
    buf_putc(b, '\n');
    put_total(b, metric, e, "_count");
    buf_printf(b, "%" PRId64 "\n", count);
}

static void put_metric(struct buf *b, const struct metrics *m, enum metric metric)
{
    if (!m->first[metric])
        return;
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", rows[metric].name, rows[metric].help,
               rows[metric].name, kind_names[rows[metric].kind]);
    for (const struct entry *e = m->first[metric]; e; e = e->next) {
        if (rows[metric].kind == HISTOGRAM)
            put_histogram(b, m, metric, e);
        else
            put_simple(b, m, metric, e);
    }
}

bool metrics_render(struct metrics *m, struct buf *b)
{
    size_t n;

    pthread_mutex_lock(&m->lock);
    n = m->n_collectors;
    pthread_mutex_unlock(&m->lock);
    for (size_t i = 0; i < n; i++) /* collectors are only ever appended */
        m->collectors[i].collect(m->collectors[i].self);
    pthread_mutex_lock(&m->lock);
    for (int i = 0; i < N_METRICS; i++)
        put_metric(b, m, (enum metric)i);
    pthread_mutex_unlock(&m->lock);
    return buf_ok(b);
}
