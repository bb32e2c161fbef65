/* A socket that never blocks: every wait is a poll in short slices, so that a cancelled call ends
 * soon. TLS is the same loop with OpenSSL's word for what to wait for. */
#include "cache/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/wait.h"

enum { SLICE_MS = 100, NS_PER_MS = 1000000 };

struct link {
    int fd;
    SSL *tls; /* NULL: plain */
};

struct link_tls {
    SSL_CTX *context;
};

static enum status lost(struct call *c)
{
    return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_LOST", "the connection to Redis was lost");
}

static enum status down(struct call *c)
{
    return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_DOWN", "Redis cannot be reached");
}

enum status link_tls_new(struct call *c, const struct target *t, struct link_tls **out)
{
    struct link_tls *tls;

    *out = NULL;
    if (!t->is_tls)
        return STATUS_OK;
    if ((tls = calloc(1, sizeof *tls)) == NULL)
        return call_nomem(c);
    tls->context = SSL_CTX_new(TLS_client_method());
    if (!tls->context || !SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) ||
        !SSL_CTX_set_default_verify_paths(tls->context)) {
        link_tls_free(tls);
        return call_fail(c, STATUS_UNAVAILABLE, "no TLS for Redis: the authorities do not load");
    }
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls->context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    *out = tls;
    return STATUS_OK;
}

void link_tls_free(struct link_tls *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

static enum status await(struct call *c, const struct link *l, short events, int64_t until_ns)
{
    for (;;) {
        int64_t left_ms = (until_ns - call_monotonic_ns(c) + NS_PER_MS - 1) / NS_PER_MS;
        struct pollfd p = {.fd = l->fd, .events = events};
        int n;

        TRY(call_check(c));
        if (left_ms <= 0)
            return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_SLOW",
                                "Redis does not answer in time");
        wait_begins();
        n = poll(&p, 1, (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS));
        wait_ends();
        if (n > 0)
            return STATUS_OK;
        if (n < 0 && errno != EINTR)
            return lost(c);
    }
}

/* Waits as the failed TLS step asks. */
static enum status await_tls(struct call *c, const struct link *l, int result, int64_t until_ns)
{
    int why = SSL_get_error(l->tls, result);

    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ)
        return await(c, l, POLLIN, until_ns);
    if (why == SSL_ERROR_WANT_WRITE)
        return await(c, l, POLLOUT, until_ns);
    return lost(c);
}

static bool is_numeric(const char *host)
{
    unsigned char address[16];

    return inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
}

static enum status shake_hands(struct call *c, struct link *l, const struct target *t,
                               struct link_tls *tls, int64_t until_ns)
{
    int n;

    l->tls = SSL_new(tls->context);
    if (!l->tls || SSL_set_fd(l->tls, l->fd) != 1)
        return call_nomem(c);
    if (is_numeric(t->host)) {
        if (!X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(l->tls), t->host))
            return down(c);
    } else if (!SSL_set1_host(l->tls, t->host) || !SSL_set_tlsext_host_name(l->tls, t->host)) {
        return down(c);
    }
    while ((n = SSL_connect(l->tls)) != 1)
        TRY(await_tls(c, l, n, until_ns));
    return STATUS_OK;
}

static enum status connect_to(struct call *c, struct link *l, const struct addrinfo *a,
                              int64_t until_ns)
{
    int error = 0, on = 1;
    socklen_t n = sizeof error;

    l->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return down(c);
    setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(l->fd, a->ai_addr, a->ai_addrlen) == 0)
        return STATUS_OK;
    if (errno != EINPROGRESS)
        return down(c);
    TRY(await(c, l, POLLOUT, until_ns));
    if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0 || error)
        return down(c);
    return STATUS_OK;
}

/* The first address that answers. */
static enum status connect_any(struct call *c, struct link *l, const struct target *t,
                               int64_t until_ns)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL;
    enum status s = STATUS_UNAVAILABLE;

    wait_begins();
    if (getaddrinfo(t->host, t->port, &hints, &all) != 0)
        all = NULL;
    wait_ends();
    for (const struct addrinfo *a = all; a && s == STATUS_UNAVAILABLE; a = a->ai_next) {
        call_clear(c);
        if (l->fd >= 0)
            close(l->fd);
        s = connect_to(c, l, a, until_ns);
    }
    if (all)
        freeaddrinfo(all);
    return s == STATUS_OK ? s : call_fail_as(c, s, "REDIS_DOWN", "Redis cannot be reached");
}

enum status link_open(struct call *c, const struct target *t, struct link_tls *tls,
                      int64_t until_ns, struct link **out)
{
    struct link *l = calloc(1, sizeof *l);
    enum status s;

    *out = NULL;
    if (!l)
        return call_nomem(c);
    l->fd = -1;
    s = connect_any(c, l, t, until_ns);
    if (s == STATUS_OK && tls)
        s = shake_hands(c, l, t, tls, until_ns);
    if (s != STATUS_OK) {
        link_close(l);
        return s;
    }
    *out = l;
    return STATUS_OK;
}

/* What can be sent now, or a wait; *rest is what remains. */
static enum status send_some(struct call *c, struct link *l, int64_t until_ns, str *rest)
{
    if (l->tls) {
        size_t n = 0;
        int done = SSL_write_ex(l->tls, rest->p, rest->n, &n);

        *rest = str_sub(*rest, n, rest->n);
        return done ? STATUS_OK : await_tls(c, l, done, until_ns);
    }
    ssize_t n = send(l->fd, rest->p, rest->n, MSG_NOSIGNAL);

    if (n >= 0) {
        *rest = str_sub(*rest, (size_t)n, rest->n);
        return STATUS_OK;
    }
    if (errno == EINTR)
        return STATUS_OK;
    return errno == EAGAIN ? await(c, l, POLLOUT, until_ns) : lost(c);
}

enum status link_write(struct call *c, struct link *l, int64_t until_ns, str bytes)
{
    while (bytes.n)
        TRY(send_some(c, l, until_ns, &bytes));
    return STATUS_OK;
}

static enum status read_tls(struct call *c, struct link *l, int64_t until_ns, void *room, size_t *n)
{
    size_t got = 0;
    int done;

    while (got == 0)
        if ((done = SSL_read_ex(l->tls, room, *n, &got)) != 1)
            TRY(await_tls(c, l, done, until_ns));
    *n = got;
    return STATUS_OK;
}

static enum status read_plain(struct call *c, struct link *l, int64_t until_ns, void *room,
                              size_t *n)
{
    ssize_t got;

    while ((got = recv(l->fd, room, *n, 0)) <= 0) {
        if (got == 0 || (errno != EINTR && errno != EAGAIN))
            return lost(c);
        if (errno == EAGAIN)
            TRY(await(c, l, POLLIN, until_ns));
    }
    *n = (size_t)got;
    return STATUS_OK;
}

enum status link_read(struct call *c, struct link *l, int64_t until_ns, void *room, size_t *n)
{
    return l->tls ? read_tls(c, l, until_ns, room, n) : read_plain(c, l, until_ns, room, n);
}

bool link_is_stale(struct link *l)
{
    struct pollfd p = {.fd = l->fd, .events = POLLIN};

    return poll(&p, 1, 0) != 0;
}

void link_close(struct link *l)
{
    if (!l)
        return;
    SSL_free(l->tls);
    if (l->fd >= 0)
        close(l->fd);
    free(l);
}
