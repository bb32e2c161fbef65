/* probe: the handlers of probe.v1.Probe and what they share with their main. */
#ifndef TEST_PROBE_H
#define TEST_PROBE_H

#include <pthread.h>
#include <stdatomic.h>

#include "probe.service.h"
#include "rpc/server.h"

struct watcher;

struct probe {
    struct rpc_server *server;
    bool deny; /* calls need a word in their metadata */
    atomic_int n_open_streams, n_gave_up, n_entered, n_left, last_status;
    pthread_mutex_t lock; /* guards everything below */
    int64_t number;
    struct watcher *watchers;
};

#define PROBE_INIT                                                                                 \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                          \
    }

extern const struct probe_handlers probe_handlers;

#endif
