/* http_pool: handles of libcurl that wait with an open connection. Private to this folder. */
#ifndef INTEGRATION_HTTP_POOL_H
#define INTEGRATION_HTTP_POOL_H

#include <pthread.h>

#include "integration/http_url.h"

struct http_idle {
    CURL *curl; /* owned */
    enum http_reach reach;
    char origin[HTTP_ORIGIN_BYTES];
};

struct http_pool {
    pthread_mutex_t lock;                 /* guards what follows */
    struct http_idle idle[HTTP_IDLE_MAX]; /* [n_idle], oldest first */
    size_t n_idle;
};

/* The handle used last for this origin and reach, or a new one; the caller's until given back.
 * NULL: no memory. */
CURL *http_pool_take(struct http_pool *p, enum http_reach reach, const char *origin);

/* Keeps the handle, with its connection; the oldest has to go when there are too many. */
void http_pool_give(struct http_pool *p, enum http_reach reach, const char *origin, CURL *curl);

void http_pool_release(struct http_pool *p);

#endif
