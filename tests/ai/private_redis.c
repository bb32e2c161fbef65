#include "ai/private_redis.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WAITS = 500, WAIT_US = 20000 };

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    cr_assert_eq(bind(fd, (struct sockaddr *)&a, n), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    close(fd);
    return ntohs(a.sin_port);
}

static int connects(int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr = {htonl(INADDR_LOOPBACK)},
                            .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int ok = connect(fd, (struct sockaddr *)&a, sizeof a) == 0;

    close(fd);
    return ok;
}

void private_redis_again(struct private_redis *r)
{
    char port[8];

    snprintf(port, sizeof port, "%d", r->port);
    r->pid = fork();
    cr_assert(r->pid >= 0);
    if (r->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)!freopen("/dev/null", "w", stdout);
        execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "",
               "--appendonly", "no", (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < WAITS && !connects(r->port); i++)
        usleep(WAIT_US);
    cr_assert(connects(r->port), "redis-server does not start");
}

void private_redis_start(struct private_redis *r)
{
    *r = (struct private_redis){.port = free_port()};
    snprintf(r->url, sizeof r->url, "redis://127.0.0.1:%d", r->port);
    private_redis_again(r);
}

void private_redis_stop(struct private_redis *r)
{
    if (r->pid <= 0)
        return;
    kill(r->pid, SIGKILL);
    waitpid(r->pid, NULL, 0);
    r->pid = 0;
}

void private_redis_pause(struct private_redis *r, int is_paused)
{
    cr_assert_eq(kill(r->pid, is_paused ? SIGSTOP : SIGCONT), 0);
}
