/* private_redis: a Redis of one test's own, to be stopped, paused and started again in place. */
#ifndef AI_PRIVATE_REDIS_H
#define AI_PRIVATE_REDIS_H

#include <sys/types.h>

struct private_redis {
    int port;
    char url[64];
    pid_t pid; /* 0: it does not run */
};

/* Picks a port and starts it; a failure fails the test. It keeps nothing on disk. */
void private_redis_start(struct private_redis *r);
void private_redis_stop(struct private_redis *r);

/* On the same port, empty. */
void private_redis_again(struct private_redis *r);

void private_redis_pause(struct private_redis *r, int is_paused);

#endif
