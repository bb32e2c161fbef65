/* The watchdog: dials every own address and wants HTTP/2 SETTINGS back, or an answer to the start
 * of a TLS handshake, which it leaves there: the end would need a client's certificate. gRPC 1.51
 * removes a listener for ever after one EMFILE in accept; the process then looks alive to everybody
 * but its clients. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rpc/internal.h"

enum {
    ANSWER_MS = 2000,
    FRAME_TYPE_AT = 3,
    FRAME_SETTINGS = 4,
    FRAME_HEADER_BYTES = 9,
    RECORD_HANDSHAKE = 22,
    RECORD_ALERT = 21,
    HELLO_BYTES = 2048
};

struct watchdog {
    struct rpc_server *server;
    unsigned char tls_hello[HELLO_BYTES];
    size_t n_tls_hello;
    pthread_t thread;
    pthread_mutex_t lock; /* guards stopping */
    pthread_cond_t stop;
    bool stopping;
    int n_failed[RPC_ADDRESSES_MAX]; /* in a row */
    bool told;
};

/* The client's half of an HTTP/2 start: the preface and empty SETTINGS. */
static const char hello[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";

/* Says it and waits for the head of the answer. 0, or an errno. */
static int ask(int fd, const void *text, size_t n, unsigned char *answer, size_t n_answer)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (send(fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
        return errno ? errno : EPIPE;
    if (poll(&p, 1, ANSWER_MS) != 1)
        return ETIMEDOUT;
    return recv(fd, answer, n_answer, 0) == (ssize_t)n_answer ? 0 : ECONNRESET;
}

/* The first frame must be SETTINGS. */
static int greet(int fd)
{
    unsigned char frame[FRAME_HEADER_BYTES] = {0};
    int error = ask(fd, hello, sizeof hello - 1, frame, sizeof frame);

    return error ? error : frame[FRAME_TYPE_AT] == FRAME_SETTINGS ? 0 : EPROTO;
}

/* Any TLS record will do, also one that says no: somebody is there. */
static int greet_tls(const struct watchdog *w, int fd)
{
    unsigned char type = 0;
    int error = ask(fd, w->tls_hello, w->n_tls_hello, &type, 1);

    return error ? error : type == RECORD_HANDSHAKE || type == RECORD_ALERT ? 0 : EPROTO;
}

/* 0, or the errno of what went wrong. */
static int check(const struct watchdog *w, size_t i)
{
    const struct rpc_server *s = w->server;
    int error, fd = rpc_dial(s->addresses[i], s->ports[i] ? s->ports[i] : -1, ANSWER_MS);

    if (fd < 0)
        return -fd; /* EMFILE here means that accept fails the same way */
    error = rpc_is_tls(s, s->addresses[i]) ? greet_tls(w, fd) : greet(fd);
    close(fd);
    return error;
}

static void check_all(struct watchdog *w)
{
    struct rpc_server *s = w->server;

    for (size_t i = 0; i < s->o.n_addresses; i++) {
        int error = check(w, i);

        if (!error) {
            w->n_failed[i] = 0;
            continue;
        }
        w->n_failed[i]++;
        rpc_log(s, RPC_LOG_WARN, "watchdog: %s does not answer (%s), %d in a row", s->addresses[i],
                strerror(error), w->n_failed[i]);
        if (w->n_failed[i] < s->o.watchdog_failures || w->told)
            continue;
        w->told = true;
        rpc_log(s, RPC_LOG_ERROR, "watchdog: the listener of %s is dead", s->addresses[i]);
        if (s->o.listener_dead)
            s->o.listener_dead(s->o.context, s->addresses[i]);
    }
}

/* False: time to stop. */
static bool sleep_ms(struct watchdog *w, int ms)
{
    struct timespec t;
    bool stopping;

    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_sec += ms / 1000;
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    pthread_mutex_lock(&w->lock);
    while (!w->stopping && pthread_cond_timedwait(&w->stop, &w->lock, &t) == 0)
        continue;
    stopping = w->stopping;
    pthread_mutex_unlock(&w->lock);
    return !stopping;
}

static void *watchdog_main(void *arg)
{
    struct watchdog *w = arg;

    while (sleep_ms(w, w->server->o.watchdog_ms))
        check_all(w);
    return NULL;
}

enum status watchdog_new(struct rpc_server *s, struct watchdog **out)
{
    struct watchdog *w;
    pthread_condattr_t monotonic;

    *out = NULL;
    if (s->o.watchdog_ms < 0)
        return STATUS_OK;
    if ((w = calloc(1, sizeof *w)) == NULL)
        return STATUS_EXHAUSTED;
    w->server = s;
    if (s->tls && (w->n_tls_hello = rpc_tls_hello(w->tls_hello, sizeof w->tls_hello)) == 0) {
        free(w);
        return STATUS_EXHAUSTED;
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->stop, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&w->thread, NULL, watchdog_main, w) != 0) {
        pthread_cond_destroy(&w->stop);
        pthread_mutex_destroy(&w->lock);
        free(w);
        return STATUS_EXHAUSTED;
    }
    *out = w;
    return STATUS_OK;
}

void watchdog_free(struct watchdog *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stopping = true;
    pthread_mutex_unlock(&w->lock);
    pthread_cond_signal(&w->stop);
    pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->stop);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
