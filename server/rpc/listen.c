/* Addresses: binding them with an error that says why, and dialling them from inside. */
#include <errno.h>
#include <fcntl.h>
#include <grpc/grpc_security.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rpc/internal.h"

enum { HOST_BYTES = 256 };

struct target {
    struct sockaddr_storage address;
    socklen_t n;
};

static bool is_unix(const char *address)
{
    return strncmp(address, "unix:", 5) == 0;
}

static bool unix_target(const char *path, struct target *out)
{
    struct sockaddr_un *u = (struct sockaddr_un *)&out->address;
    size_t n = strlen(path);

    if (n == 0 || n >= sizeof u->sun_path)
        return false;
    *u = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(u->sun_path, path, n);
    out->n = sizeof *u;
    return true;
}

/* "host:port" or "[v6]:port"; port < 0: take it from the text. */
static bool tcp_target(const char *text, int port, struct target *out)
{
    struct addrinfo want = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    char host[HOST_BYTES], service[16];
    const char *colon = strrchr(text, ':');
    size_t n;

    if (!colon || (n = (size_t)(colon - text)) >= sizeof host)
        return false;
    memcpy(host, text, n);
    host[n] = 0;
    if (n > 1 && host[0] == '[' && host[n - 1] == ']') {
        host[n - 1] = 0;
        memmove(host, host + 1, n - 1);
    }
    if (port < 0)
        snprintf(service, sizeof service, "%s", colon + 1);
    else
        snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &want, &found) != 0)
        return false;
    memcpy(&out->address, found->ai_addr, found->ai_addrlen);
    out->n = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

/* "ipv4:", "ipv6:" and "dns:" as clients write them; the core takes none of them to listen on.
 * "dns:" may carry slashes and, between them, a server to ask, which is not for us. */
static const char *without_scheme(const char *address)
{
    static const char *const schemes[] = {"ipv4:", "ipv6:", "dns:"};

    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t n = strlen(schemes[i]);
        const char *rest = address + n;

        if (strncmp(address, schemes[i], n) != 0)
            continue;
        if (strncmp(rest, "//", 2) == 0 && strchr(rest + 2, '/'))
            return strchr(rest + 2, '/') + 1;
        return *rest == '/' ? rest + 1 : rest;
    }
    return address;
}

static bool parse(const char *address, int port, struct target *out)
{
    *out = (struct target){0};
    if (is_unix(address))
        return unix_target(address + 5, out);
    return tcp_target(without_scheme(address), port, out);
}

bool rpc_is_tls(const struct rpc_server *s, const char *address)
{
    return s->tls && !is_unix(address);
}

int rpc_dial(const char *address, int port, int timeout_ms)
{
    struct target t;
    struct pollfd p = {.events = POLLOUT};
    int error = 0;
    socklen_t n = sizeof error;

    if (!parse(address, port, &t))
        return -EINVAL;
    if ((p.fd = socket(t.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
        return -errno;
    if (connect(p.fd, (struct sockaddr *)&t.address, t.n) == 0)
        return p.fd;
    error = errno;
    if (error == EINPROGRESS) {
        error = poll(&p, 1, timeout_ms) == 1 ? 0 : ETIMEDOUT;
        if (!error && getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
            error = errno;
    }
    if (!error)
        return p.fd;
    close(p.fd);
    return -error;
}

/* The core says only that it failed: ask the system why. */
static int bind_error(const char *address)
{
    struct target t;
    int fd, error = 0, on = 1;

    if (!parse(address, -1, &t))
        return EINVAL;
    if ((fd = socket(t.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&t.address, t.n) != 0)
        error = errno;
    close(fd);
    return error ? error : EADDRINUSE;
}

/* A second server on a unix path would take it from the first without a word. */
static bool is_taken(const char *address)
{
    int fd;

    if (!is_unix(address))
        return false;
    if ((fd = rpc_dial(address, 0, 1000)) < 0)
        return false;
    close(fd);
    return true;
}

static int add_port(struct rpc_server *s, const char *address)
{
    grpc_server_credentials *credentials = rpc_is_tls(s, address)
                                               ? rpc_tls_credentials(s->tls)
                                               : grpc_insecure_server_credentials_create();
    int port = grpc_server_add_http2_port(
        s->core, is_unix(address) ? address : without_scheme(address), credentials);

    grpc_server_credentials_release(credentials);
    return port;
}

enum status rpc_listen(struct rpc_server *s, char *why_out)
{
    for (size_t i = 0; i < s->o.n_addresses; i++) {
        const char *address = s->addresses[i];
        int error = 0;

        if (is_taken(address))
            error = EADDRINUSE;
        else if ((s->ports[i] = add_port(s, address)) <= 0)
            error = bind_error(address);
        if (error) {
            snprintf(why_out, RPC_WHY_BYTES, "cannot listen on %s: %s%s", address, strerror(error),
                     error == EADDRINUSE ? " (is another server running?)" : "");
            return error == EINVAL ? STATUS_INVALID : STATUS_EXISTS;
        }
        if (is_unix(address))
            s->ports[i] = 0;
    }
    return STATUS_OK;
}
