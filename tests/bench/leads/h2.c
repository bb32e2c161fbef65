/* h2: gRPC framing on nghttp2 sessions; every connection is flushed once per poll. */
#include "h2.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    PREFIX_BYTES = 5, /* compressed flag and length before every message */
    EVENTS_MAX = 64,
    READ_BYTES = 256 << 10,
    WRITE_BYTES = 128 << 10,
    CONNECTION_WINDOW_BYTES = 64 << 20,
    STREAM_WINDOW_BYTES = 4 << 20,
    NS_PER_S = 1000000000,
};

struct h2_conn {
    int fd;
    nghttp2_session *session;
    struct h2_bytes out;
    bool wants_out;
};

struct h2 {
    int epoll, n;
    struct h2_conn *conns;
    struct h2_handler on;
    const char *address, *authorization;
};

static void die(const char *what, const char *why)
{
    fprintf(stderr, "load: %s: %s\n", what, why);
    exit(1);
}

static void append(struct h2_bytes *b, const void *data, size_t n)
{
    if (b->len + n > b->cap && b->start > 0) {
        memmove(b->data, b->data + b->start, b->len - b->start);
        b->len -= b->start;
        b->start = 0;
    }
    if (b->len + n > b->cap) {
        b->cap = (b->len + n) * 2;
        if (b->cap > 4 * (size_t)H2_MESSAGE_BYTES_MAX)
            die("buffer", "too much is waiting");
        b->data = realloc(b->data, b->cap);
        if (!b->data)
            die("buffer", "no memory");
    }
    memcpy(b->data + b->len, data, n);
    b->len += n;
}

static ssize_t on_read(nghttp2_session *s, int32_t id, uint8_t *buf, size_t len, uint32_t *flags,
                       nghttp2_data_source *source, void *user)
{
    struct h2_call *call = source->ptr;
    size_t n = call->out.len - call->out.start;

    (void)s, (void)id, (void)user;
    n = n > len ? len : n;
    if (n == 0 && !call->finished) {
        call->deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (n > 0)
        memcpy(buf, call->out.data + call->out.start, n);
    call->out.start += n;
    if (call->finished && call->out.start == call->out.len)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static size_t message_length(const uint8_t *prefix)
{
    uint32_t n;

    memcpy(&n, prefix + 1, sizeof n);
    if (prefix[0] != 0 || ntohl(n) > H2_MESSAGE_BYTES_MAX)
        die("reply", "compressed or too large");
    return ntohl(n);
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *data, size_t n,
                   void *user)
{
    const struct h2 *h = user;
    struct h2_call *call = nghttp2_session_get_stream_user_data(s, id);

    (void)flags;
    if (!call)
        return 0;
    append(&call->in, data, n);
    while (call->in.len - call->in.start >= PREFIX_BYTES) {
        const uint8_t *at = call->in.data + call->in.start;
        size_t len = message_length(at);

        if (call->in.len - call->in.start < PREFIX_BYTES + len)
            break;
        call->in.start += PREFIX_BYTES + len;
        h->on.message(call, at + PREFIX_BYTES, len);
    }
    return 0;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags,
                     void *user)
{
    struct h2_call *call = nghttp2_session_get_stream_user_data(s, frame->hd.stream_id);

    (void)flags, (void)user;
    if (!call)
        return 0;
    if (name_len == 11 && memcmp(name, "grpc-status", 11) == 0)
        call->grpc_status = (int)strtol((const char *)value, NULL, 10);
    if (name_len == 12 && memcmp(name, "grpc-message", 12) == 0)
        snprintf(call->grpc_message, sizeof call->grpc_message, "%.*s", (int)value_len,
                 (const char *)value);
    return 0;
}

static int on_close(nghttp2_session *s, int32_t id, uint32_t error, void *user)
{
    const struct h2 *h = user;
    struct h2_call *call = nghttp2_session_get_stream_user_data(s, id);

    (void)error;
    if (call)
        h->on.closed(call);
    return 0;
}

static int dial(const char *address)
{
    char host[64];
    const char *colon = strrchr(address, ':');
    struct sockaddr_in to = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (!colon || (size_t)(colon - address) >= sizeof host)
        die(address, "is not HOST:PORT");
    snprintf(host, sizeof host, "%.*s", (int)(colon - address), address);
    to.sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10));
    if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
        die(address, "is no IPv4 address");
    if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof to) != 0)
        die(address, strerror(errno));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void conn_open(struct h2 *h, struct h2_conn *conn, const nghttp2_session_callbacks *cb)
{
    nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
    };
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = conn};

    conn->fd = dial(h->address);
    if (nghttp2_session_client_new(&conn->session, cb, h) != 0)
        die("session", "no memory");
    nghttp2_submit_settings(conn->session, 0, settings, sizeof settings / sizeof *settings);
    nghttp2_session_set_local_window_size(conn->session, 0, 0, CONNECTION_WINDOW_BYTES);
    epoll_ctl(h->epoll, EPOLL_CTL_ADD, conn->fd, &e);
}

struct h2 *h2_open(const char *address, int n, const char *authorization, struct h2_handler on)
{
    struct h2 *h = calloc(1, sizeof *h);
    nghttp2_session_callbacks *cb = NULL;

    if (!h || nghttp2_session_callbacks_new(&cb) != 0)
        die("open", "no memory");
    *h = (struct h2){.epoll = epoll_create1(0),
                     .n = n,
                     .conns = calloc((size_t)n, sizeof *h->conns),
                     .on = on,
                     .address = address,
                     .authorization = authorization};
    if (!h->conns)
        die("open", "no memory");
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    for (int i = 0; i < n; i++)
        conn_open(h, &h->conns[i], cb);
    nghttp2_session_callbacks_del(cb);
    return h;
}

void h2_close(struct h2 *h)
{
    for (int i = 0; i < h->n; i++) {
        nghttp2_session_del(h->conns[i].session);
        close(h->conns[i].fd);
        free(h->conns[i].out.data);
    }
    close(h->epoll);
    free(h->conns);
    free(h);
}

static nghttp2_nv header(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)name,
                        .value = (uint8_t *)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value)};
}

void h2_start(struct h2 *h, int i, struct h2_call *call, const char *path)
{
    nghttp2_nv headers[] = {header(":method", "POST"),
                            header(":scheme", "http"),
                            header(":path", path),
                            header(":authority", h->address),
                            header("content-type", "application/grpc"),
                            header("te", "trailers"),
                            header("authorization", h->authorization ? h->authorization : "")};
    size_t n = sizeof headers / sizeof *headers - (h->authorization ? 0 : 1);
    nghttp2_data_provider body = {.source.ptr = call, .read_callback = on_read};

    call->conn = &h->conns[i];
    call->grpc_status = -1;
    call->grpc_message[0] = 0;
    call->in.start = call->in.len = call->out.start = call->out.len = 0;
    call->deferred = call->finished = false;
    call->id = nghttp2_submit_request(call->conn->session, NULL, headers, n, &body, call);
    if (call->id < 0)
        die("request", nghttp2_strerror(call->id));
}

static void resume(struct h2_call *call)
{
    if (!call->deferred)
        return;
    call->deferred = false;
    nghttp2_session_resume_data(call->conn->session, call->id);
}

void h2_send(struct h2_call *call, const uint8_t *message, size_t n)
{
    uint8_t prefix[PREFIX_BYTES] = {0};
    uint32_t length = htonl((uint32_t)n);

    memcpy(prefix + 1, &length, sizeof length);
    append(&call->out, prefix, sizeof prefix);
    append(&call->out, message, n);
    resume(call);
}

void h2_finish(struct h2_call *call)
{
    call->finished = true;
    resume(call);
}

void h2_release(struct h2_call *call)
{
    free(call->in.data);
    free(call->out.data);
    *call = (struct h2_call){0};
}

static bool fill(struct h2_conn *conn)
{
    const uint8_t *data;
    ssize_t n = 0;

    while (conn->out.len < WRITE_BYTES && (n = nghttp2_session_mem_send(conn->session, &data)) > 0)
        append(&conn->out, data, (size_t)n);
    if (n < 0)
        die("send", nghttp2_strerror((int)n));
    return conn->out.len > conn->out.start;
}

static void flush(struct h2 *h, struct h2_conn *conn)
{
    while (conn->out.len > conn->out.start || fill(conn)) {
        ssize_t n =
            write(conn->fd, conn->out.data + conn->out.start, conn->out.len - conn->out.start);

        if (n < 0 && errno == EAGAIN)
            break;
        if (n < 0)
            die("write", strerror(errno));
        conn->out.start += (size_t)n;
        if (conn->out.start == conn->out.len)
            conn->out.start = conn->out.len = 0;
    }
    bool wants_out = conn->out.len > conn->out.start;

    if (wants_out != conn->wants_out) {
        struct epoll_event e = {.events = EPOLLIN | (wants_out ? EPOLLOUT : 0), .data.ptr = conn};

        epoll_ctl(h->epoll, EPOLL_CTL_MOD, conn->fd, &e);
        conn->wants_out = wants_out;
    }
}

static void receive(struct h2_conn *conn)
{
    static uint8_t data[READ_BYTES];
    ssize_t n;

    while ((n = read(conn->fd, data, sizeof data)) > 0) {
        ssize_t r = nghttp2_session_mem_recv(conn->session, data, (size_t)n);

        if (r < 0)
            die("receive", nghttp2_strerror((int)r));
        if (n < (ssize_t)sizeof data)
            return;
    }
    if (n == 0)
        die("receive", "the server closed the connection");
    if (errno != EAGAIN)
        die("receive", strerror(errno));
}

void h2_poll_ns(struct h2 *h, uint64_t timeout_ns)
{
    struct epoll_event events[EVENTS_MAX];
    struct timespec timeout = {(time_t)(timeout_ns / NS_PER_S), (long)(timeout_ns % NS_PER_S)};

    for (int i = 0; i < h->n; i++)
        flush(h, &h->conns[i]);
    int n = epoll_pwait2(h->epoll, events, EVENTS_MAX, &timeout, NULL);

    for (int i = 0; i < n; i++)
        if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            receive(events[i].data.ptr);
}

void h2_poll(struct h2 *h, int timeout_ms)
{
    h2_poll_ns(h, (uint64_t)timeout_ms * (NS_PER_S / 1000));
}
