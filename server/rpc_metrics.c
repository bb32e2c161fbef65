/* Set at each rendering from rpc_server_stats. */
#include "server/rpc_metrics.h"

static const struct {
    enum metric metric;
    const char *labels[1];
} rows[RPC_METRICS] = {
    [RPC_METRIC_UNKNOWN_METHOD] = {METRIC_RPC_REFUSED, {"unknown_method"}},
    [RPC_METRIC_BUSY] = {METRIC_RPC_REFUSED, {"busy"}},
    [RPC_METRIC_UNDECODABLE] = {METRIC_RPC_REFUSED, {"undecodable"}},
    [RPC_METRIC_SLOW_READER] = {METRIC_RPC_CUT, {"slow_reader"}},
    [RPC_METRIC_CANCELLED] = {METRIC_RPC_CUT, {"cancelled"}},
    [RPC_METRIC_CALLS] = {METRIC_RPC_CALLS, {NULL}},
    [RPC_METRIC_QUEUED] = {METRIC_RPC_QUEUED, {NULL}},
};

static void collect(void *self)
{
    struct rpc_metrics *r = self;
    struct rpc_stats stats = rpc_server_stats(r->rpc);
    const int64_t values[RPC_METRICS] = {
        [RPC_METRIC_UNKNOWN_METHOD] = stats.n_unknown_method,
        [RPC_METRIC_BUSY] = stats.n_busy,
        [RPC_METRIC_UNDECODABLE] = stats.n_undecodable,
        [RPC_METRIC_SLOW_READER] = stats.n_slow_readers,
        [RPC_METRIC_CANCELLED] = stats.n_cancelled,
        [RPC_METRIC_CALLS] = stats.n_live,
        [RPC_METRIC_QUEUED] = stats.n_queued,
    };

    for (int i = 0; i < RPC_METRICS; i++)
        series_set(r->series[i], values[i]);
}

void rpc_metrics_watch(struct rpc_metrics *r, struct metrics *m, const struct rpc_server *rpc)
{
    r->rpc = rpc;
    for (int i = 0; i < RPC_METRICS; i++)
        r->series[i] = metrics_series(m, rows[i].metric, rows[i].labels);
    metrics_collect(m, collect, r);
}
