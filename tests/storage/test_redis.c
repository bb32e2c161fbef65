/* The client of Redis against a real one (SALES_TEST_REDIS). */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cache/redis.h"
#include "cache/target.h"
#include "support/table.h"

enum { MIB = 1 << 20, NS_PER_MS = 1000000 };

static const char *url(void)
{
    static char text[128];
    const char *address = getenv("SALES_TEST_REDIS");

    cr_assert(address, "SALES_TEST_REDIS is not set: run this through ./dev test");
    snprintf(text, sizeof text, "redis://%s", address);
    return text;
}

static struct redis *open_at(struct call *c, struct redis_options options)
{
    struct redis *r;

    call_init(c, NULL, 64 * MIB);
    cr_assert_eq(redis_open(c, &options, &r), STATUS_OK, "%s", c->fault.why);
    return r;
}

static void close_all(struct call *c, struct redis *r)
{
    redis_close(r);
    call_release(c);
}

Test(redis, every_kind_of_reply_arrives_in_order)
{
    const str set[] = {STR("SET"), STR("t:a"), {"x\0\r\ny", 5}}, get[] = {STR("GET"), STR("t:a")};
    const str bad[] = {STR("INCR"), STR("t:a")}, none[] = {STR("GET"), STR("t:none")};
    const str count[] = {STR("STRLEN"), STR("t:a")};
    const str nested[] = {STR("EVAL"), STR("return {1, {'b', 'c'}, {}}"), STR("0")};
    const struct redis_command commands[] = {{set, 3},  {get, 2},   {bad, 2},
                                             {none, 2}, {count, 2}, {nested, 3}};
    struct redis_run run = {.commands = commands, .n = 6};
    struct call c;
    struct redis *r = open_at(&c, (struct redis_options){.url = url()});

    cr_assert_eq(redis_run(r, &c, &run), STATUS_OK, "%s", c.fault.why);
    cr_assert_eq(run.replies[0]->kind, REDIS_STATUS);
    cr_assert(str_eq(run.replies[1]->text, set[2]));
    cr_assert(redis_is_error(run.replies[2], "ERR"));
    cr_assert_eq(run.replies[3]->kind, REDIS_NIL);
    cr_assert_eq(run.replies[4]->number, 5);
    cr_assert_eq(run.replies[5]->n_items, 3);
    cr_assert(str_eq(run.replies[5]->items[1]->items[1]->text, STR("c")));
    cr_assert_eq(run.replies[5]->items[2]->n_items, 0);
    close_all(&c, r);
}

Test(redis, a_port_where_nobody_listens_fails_at_once_and_opens_the_breaker)
{
    const str ping[] = {STR("PING")};
    const struct redis_reply *reply;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0); /* bound, so nobody else gets it; not listening */
    char text[64];
    struct call c;
    struct redis *r;

    cr_assert_eq(bind(fd, (struct sockaddr *)&a, n), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    snprintf(text, sizeof text, "redis://:geheim@127.0.0.1:%d", ntohs(a.sin_port));
    r = open_at(&c, (struct redis_options){.url = text});
    for (int i = 0; i < 1000; i++) {
        call_clear(&c);
        cr_assert_eq(redis_ask(r, &c, ping, 1, &reply), STATUS_UNAVAILABLE);
        cr_assert_str_eq(c.fault.reason, "REDIS_DOWN");
        cr_assert_null(strstr(c.fault.why, "geheim"));
    }
    cr_assert(!redis_is_up(r));
    close(fd);
    close_all(&c, r);
}

Test(redis, a_server_that_is_slow_costs_the_time_limit_and_comes_back)
{
    const str nap[] = {STR("EVAL"),
                       STR("local t = redis.call('TIME'); repeat local n = redis.call('TIME') "
                           "until (n[1] - t[1]) * 1000000 + n[2] - t[2] > 400000"),
                       STR("0")};
    const str ping[] = {STR("PING")};
    const struct redis_reply *reply;
    struct call c;
    struct redis *r = open_at(&c, (struct redis_options){.url = url(), .timeout_ms = 100});

    cr_assert_eq(redis_ask(r, &c, nap, 3, &reply), STATUS_UNAVAILABLE);
    cr_assert_str_eq(c.fault.reason, "REDIS_SLOW");
    for (int i = 0; !redis_is_up(r); i++) {
        cr_assert_lt(i, 1000);
        usleep(20000);
        call_clear(&c);
        if (redis_ask(r, &c, ping, 1, &reply) == STATUS_OK)
            cr_assert(str_eq(reply->text, STR("PONG")));
    }
    close_all(&c, r);
}

Test(redis, a_run_bound_to_a_connection_never_uses_another)
{
    const str ping[] = {STR("PING")},
              kill[] = {STR("CLIENT"), STR("KILL"), STR("SKIPME"), STR("no"), STR("ID"), STR("")};
    const str id[] = {STR("CLIENT"), STR("ID")};
    struct redis_command command = {ping, 1};
    struct redis_run run = {.commands = &command, .n = 1};
    const struct redis_reply *reply;
    str argv[6];
    struct call c;
    struct redis *r = open_at(&c, (struct redis_options){.url = url(), .n_connections = 1});

    cr_assert_eq(redis_run(r, &c, &run), STATUS_OK);
    cr_assert_eq(run.connection, 1);
    cr_assert_eq(redis_run(r, &c, &run), STATUS_OK); /* the same one still */
    cr_assert_eq(redis_ask(r, &c, id, 2, &reply), STATUS_OK);
    memcpy(argv, kill, sizeof argv);
    argv[5] = str_of(arena_printf(&c.arena, "%lld", (long long)reply->number));
    (void)!redis_ask(r, &c, argv, 6, &reply);
    call_clear(&c);
    usleep(50000);
    cr_assert_eq(redis_run(r, &c, &run), STATUS_UNAVAILABLE);
    cr_assert_str_eq(c.fault.reason, "REDIS_CHANGED");
    close_all(&c, r);
}

Test(redis, a_reply_beyond_the_limit_is_refused_and_the_client_lives_on)
{
    const str big[] = {STR("EVAL"), STR("return string.rep('x', 9 * 1024 * 1024)"), STR("0")};
    const str wide[] = {STR("EVAL"), STR("local t = {} for i = 1, 70000 do t[i] = 1 end return t"),
                        STR("0")};
    const str ping[] = {STR("PING")};
    const struct redis_reply *reply;
    struct call c;
    struct redis *r = open_at(&c, (struct redis_options){.url = url(), .timeout_ms = 5000});

    cr_assert_eq(redis_ask(r, &c, big, 3, &reply), STATUS_EXHAUSTED);
    call_clear(&c);
    cr_assert_eq(redis_ask(r, &c, wide, 3, &reply), STATUS_EXHAUSTED);
    call_clear(&c);
    cr_assert_eq(redis_ask(r, &c, ping, 1, &reply), STATUS_OK);
    close_all(&c, r);
}

struct user {
    struct redis *r;
    int n_ok;
};

static void *use(void *arg)
{
    struct user *u = arg;
    const str add[] = {STR("INCR"), STR("t:many")};
    const struct redis_reply *reply;

    for (int i = 0; i < 200; i++) {
        struct call c;

        call_init(&c, NULL, MIB);
        u->n_ok += redis_ask(u->r, &c, add, 2, &reply) == STATUS_OK && reply->kind == REDIS_INT;
        call_release(&c);
    }
    return NULL;
}

Test(redis, many_threads_share_few_connections)
{
    const str del[] = {STR("DEL"), STR("t:many")}, get[] = {STR("GET"), STR("t:many")};
    const struct redis_reply *reply;
    struct user users[8];
    pthread_t threads[8];
    struct call c;
    struct redis *r =
        open_at(&c, (struct redis_options){.url = url(), .n_connections = 2, .timeout_ms = 5000});

    cr_assert_eq(redis_ask(r, &c, del, 2, &reply), STATUS_OK);
    for (int i = 0; i < 8; i++) {
        users[i] = (struct user){.r = r};
        cr_assert_eq(pthread_create(&threads[i], NULL, use, &users[i]), 0);
    }
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        cr_expect_eq(users[i].n_ok, 200);
    }
    cr_assert_eq(redis_ask(r, &c, get, 2, &reply), STATUS_OK);
    cr_assert(str_eq(reply->text, STR("1600")));
    close_all(&c, r);
}

static const struct target_case {
    char url[80];
    bool is_good, is_tls;
    char host[40], port[8], user[8], password[16], database[8];
} targets[] = {
    {"redis://h", true, false, "h", "6379", "", "", ""},
    {"redis://h:1/15", true, false, "h", "1", "", "", "15"},
    {"rediss://u:p%40%3a%2F@h:6380/", true, true, "h", "6380", "u", "p@:/", ""},
    {"redis://:p@[::1]:7", true, false, "::1", "7", "", "p", ""},
    {"redis://p@h", true, false, "h", "6379", "", "p", ""},
    {"redis://a:b@c@h", true, false, "h", "6379", "a", "b@c", ""},
    {"http://h", false, false, "", "", "", "", ""},
    {"redis://", false, false, "", "", "", "", ""},
    {"redis://h:99999", false, false, "", "", "", "", ""},
    {"redis://h:x", false, false, "", "", "", "", ""},
    {"redis://h/x", false, false, "", "", "", "", ""},
    {"redis://:p%4@h", false, false, "", "", "", "", ""},
    {"redis://:p%00@h", false, false, "", "", "", "", ""},
    {"redis://[::1", false, false, "", "", "", "", ""},
    {"redis://[::1]x", false, false, "", "", "", "", ""},
};

TABLE_TEST(redis, urls_are_read_or_refused_without_repeating_them, struct target_case, targets)
{
    struct target t;
    struct call c;
    enum status s;

    call_init(&c, NULL, MIB);
    s = target_parse(&c, str_of(row->url), &t);
    cr_assert_eq(s, row->is_good ? STATUS_OK : STATUS_INVALID, "%s", row->url);
    cr_assert_eq(t.is_tls, row->is_tls, "%s", row->url);
    cr_assert_str_eq(t.host, row->host, "%s", row->url);
    cr_assert_str_eq(t.port, row->port, "%s", row->url);
    cr_assert_str_eq(t.user, row->user, "%s", row->url);
    cr_assert_str_eq(t.password, row->password, "%s", row->url);
    cr_assert_str_eq(t.database, row->database, "%s", row->url);
    cr_assert(s == STATUS_OK || !strstr(c.fault.why, row->url));
    call_release(&c);
}
