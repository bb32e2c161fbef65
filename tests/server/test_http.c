#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/ops.h"
#include "support/table.h"

static const char *not_ready;
static struct metrics *metrics;
static struct http_server *server;
static struct call c;

static const char *why_not_ready(void *self)
{
    (void)self;
    return not_ready;
}

static struct ops ops = {.why_not_ready = why_not_ready};

static void set_up(void)
{
    call_init(&c, NULL, 1 << 16);
    ops.metrics = metrics = metrics_open();
    metrics_series(metrics, METRIC_RPC_CALLS, NULL);
    cr_assert_eq(ops_open(&c, "127.0.0.1:0", &ops, &server), STATUS_OK, "%s", c.fault.why);
    cr_assert_gt(http_port(server), 0);
}

static void tear_down(void)
{
    http_close(server);
    metrics_close(metrics);
    call_release(&c);
}

TestSuite(http, .init = set_up, .fini = tear_down, .timeout = 30);

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_port(server)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

/* Sends a request, returns the whole answer. */
static const char *ask(const char *verb, const char *path)
{
    static char answer[1 << 16];
    size_t n = 0;
    int fd = dial();

    dprintf(fd, "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
            verb, path);
    for (ssize_t got; (got = read(fd, answer + n, sizeof answer - 1 - n)) > 0;)
        n += (size_t)got;
    answer[n] = 0;
    close(fd);
    return answer;
}

struct question {
    const char *not_ready, *verb, *path, *starts, *holds;
};

static const struct question questions[] = {
    {NULL, "GET", "/livez", "HTTP/1.1 200 ", "\r\n\r\nok\n"},
    {NULL, "GET", "/healthz", "HTTP/1.1 200 ", "\r\n\r\nok\n"},
    {NULL, "GET", "/readyz", "HTTP/1.1 200 ", "\r\n\r\nok\n"},
    {"draining", "GET", "/readyz", "HTTP/1.1 503 ", "\r\n\r\ndraining\n"},
    {"draining", "GET", "/healthz", "HTTP/1.1 503 ", "\r\n\r\ndraining\n"},
    {"draining", "GET", "/livez", "HTTP/1.1 200 ", "\r\n\r\nok\n"},
    {NULL, "GET", "/metrics", "HTTP/1.1 200 ", "\r\n\r\n# HELP sales_rpc_calls_active"},
    {NULL, "GET", "/metrics", "HTTP/1.1 200 ", "text/plain; version=0.0.4; charset=utf-8\r\n"},
    {NULL, "GET", "/metrics?name=x", "HTTP/1.1 200 ", "sales_rpc_calls_active 0\n"},
    {NULL, "POST", "/metrics", "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n"},
    {NULL, "GET", "/", "HTTP/1.1 404 ", "\r\n\r\nNot Found"},
    {NULL, "GET", "/metrics/../livez", "HTTP/1.1 404 ", "\r\n\r\nNot Found"},
    {NULL, "nonsense", "/livez", "HTTP/1.1 405 ", "\r\n\r\n"},
};

TABLE_TEST(http, answers, struct question, questions)
{
    const char *answer;

    not_ready = row->not_ready;
    answer = ask(row->verb, row->path);
    cr_assert(str_starts(str_of(answer), str_of(row->starts)), "%s %s: %s", row->verb, row->path,
              answer);
    cr_assert_not_null(strstr(answer, row->holds), "%s %s: %s", row->verb, row->path, answer);
}

Test(http, head_has_no_body)
{
    cr_assert(str_ends(str_of(ask("HEAD", "/livez")), STR("\r\n\r\n")));
}

Test(http, a_taken_port_is_said)
{
    struct http_server *second;
    char address[40];

    snprintf(address, sizeof address, "127.0.0.1:%d", http_port(server));
    cr_assert_eq(ops_open(&c, address, &ops, &second), STATUS_EXISTS);
    cr_assert_null(second);
    cr_assert_not_null(strstr(c.fault.why, address), "%s", c.fault.why);
}

static const char *const bad_addresses[] = {
    "", "9090", ":9090", "localhost:1", "127.0.0.1:x", "[::1", "256.0.0.1:1"};

TABLE_TEST(http, refuses_addresses_it_cannot_read, char *const, bad_addresses)
{
    struct http_server *none;

    cr_assert_eq(ops_open(&c, *row, &ops, &none), STATUS_INVALID, "%s", *row);
}

Test(http, idle_connections_do_not_lock_others_out_for_good)
{
    int fds[2 * HTTP_CONNECTIONS_MAX];

    for (int i = 0; i < 2 * HTTP_CONNECTIONS_MAX; i++)
        fds[i] = dial();
    for (int i = 0; i < 2 * HTTP_CONNECTIONS_MAX; i++)
        close(fds[i]);
    for (int i = 0; i < 100; i++) {
        if (str_starts(str_of(ask("GET", "/livez")), STR("HTTP/1.1 200 ")))
            return;
        usleep(50000);
    }
    cr_assert_fail("the server never came back");
}
