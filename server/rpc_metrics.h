/* rpc_metrics: what the gRPC runtime counts by itself, as metrics. */
#ifndef SERVER_RPC_METRICS_H
#define SERVER_RPC_METRICS_H

#include "obs/metrics.h"
#include "rpc/server.h"

enum rpc_metric {
    RPC_METRIC_UNKNOWN_METHOD,
    RPC_METRIC_BUSY,
    RPC_METRIC_UNDECODABLE,
    RPC_METRIC_SLOW_READER,
    RPC_METRIC_CANCELLED,
    RPC_METRIC_CALLS,
    RPC_METRIC_QUEUED,
    RPC_METRICS,
};

/* In the caller's storage; borrowed by the registry as long as it renders. */
struct rpc_metrics {
    const struct rpc_server *rpc;
    struct series series[RPC_METRICS];
};

void rpc_metrics_watch(struct rpc_metrics *r, struct metrics *m, const struct rpc_server *rpc);

#endif
