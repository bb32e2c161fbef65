/*
 * metrics: counters, gauges and histograms, rendered in Prometheus text format 0.0.4.
 *
 * What exists is one table, metric.def. A series (a metric with its label values) is registered
 * once, when its owner is made, and is then a small value to update through. Updates are lock-free:
 * the cells exist once per shard and each thread keeps to one shard, so threads rarely share a
 * cache line.
 *
 *   struct series started = metrics_series(m, METRIC_GRPC_STARTED, (const char *[]){type, service,
 * name}); series_add(started, 1);
 */
#ifndef OBS_METRICS_H
#define OBS_METRICS_H

#include "base/buf.h"

enum metric {
#define X(id, kind, scale, buckets, name, labels, help) METRIC_##id,
#include "obs/metric.def"
#undef X
    N_METRICS
};

enum {
    METRIC_LABELS_MAX = 4,
    METRIC_CELLS_MAX = 1 << 15,  /* of all series: 100 methods x 33 cells, ten times over */
    METRIC_TEXT_BYTES = 8 << 20, /* one rendering of all of them */
};

struct metrics;

struct series {
    struct metrics *owner;
    uint32_t cell; /* first of its cells */
    enum metric metric;
};

/* NULL: no memory. */
struct metrics *metrics_open(void);
void metrics_close(struct metrics *m);

/*
 * Registers a series, or finds the one with these label values.
 *
 *   values   in the order of the row's labels; copied. NULL when the row has no labels
 *
 * Takes a lock: for start-up, not for requests. Too many series is our mistake and asserts.
 */
struct series metrics_series(struct metrics *m, enum metric metric, const char *const *values);

/* Counters and gauges, in 1/scale of the unit; a counter only grows. */
void series_add(struct series s, int64_t n);

/* Sets a gauge, or a counter that somebody else counts (the kernel, another module). A series is
 * either added to or set, never both. */
void series_set(struct series s, int64_t value);

/* Histograms, in 1/scale of the unit: nanoseconds for the *_seconds ones. */
void series_observe(struct series s, int64_t value);

/* Sum over the shards of a counter or gauge: for tests and collectors. */
int64_t series_value(struct series s);

/* Has collect(self) called at the start of each rendering, to set what is only then looked up. At
 * most METRIC_COLLECTORS_MAX. */
enum { METRIC_COLLECTORS_MAX = 16 };
void metrics_collect(struct metrics *m, void (*collect)(void *self), void *self);

/* Writes everything. Renderings are serialised. False: b overflowed. */
MUST_CHECK bool metrics_render(struct metrics *m, struct buf *b);

#endif
