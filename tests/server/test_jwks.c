/* Keys of issuers under a clock of our own, fetched from a real HTTP server on loopback. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "integration/http.h"
#include "intercept/jwks.h"
#include "intercept/jwks_load.h"
#include "intercept/jwks_plan.h"
#include "support/mint.h"
#include "support/table.h"

static const int64_t ns_per_s = 1000000000;

/* ---- the clock ------------------------------------------------------------------------------- */

static atomic_llong fake_ns = 1000000000;

static int64_t fake_now(const struct clock_ops *c)
{
    (void)c;
    return fake_ns / 1000;
}
static int64_t fake_monotonic(const struct clock_ops *c)
{
    (void)c;
    return fake_ns;
}
static void fake_random(const struct clock_ops *c, void *out, size_t n)
{
    (void)c;
    memset(out, 1, n);
}
static const struct clock_ops fake_clock = {fake_now, fake_monotonic, fake_random};

/* ---- the issuer ------------------------------------------------------------------------------ */

static struct {
    int fd, port;
    pthread_t thread;
    atomic_int n_requests;
    atomic_bool down;
    pthread_mutex_t lock; /* guards the texts */
    const char *set, *cache_control;
} issuer = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void answer(int fd)
{
    char in[4096], out[8192];
    ssize_t got = read(fd, in, sizeof in);
    int n;

    if (got <= 0)
        return;
    atomic_fetch_add(&issuer.n_requests, 1);
    pthread_mutex_lock(&issuer.lock);
    n = snprintf(out, sizeof out,
                 "HTTP/1.1 %s\r\nContent-Length: %zu\r\nCache-Control: %s\r\nConnection: "
                 "close\r\n\r\n%s",
                 issuer.down ? "503 Busy" : "200 OK", strlen(issuer.set), issuer.cache_control,
                 issuer.set);
    pthread_mutex_unlock(&issuer.lock);
    cr_assert_eq(write(fd, out, (size_t)n), n);
}

static void *serve(void *unused)
{
    int fd;

    while ((fd = accept(issuer.fd, NULL, NULL)) >= 0) {
        answer(fd);
        close(fd);
    }
    return unused;
}

static void issuer_start(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t n = sizeof at;

    issuer.fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(issuer.fd, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(listen(issuer.fd, 16), 0);
    cr_assert_eq(getsockname(issuer.fd, (struct sockaddr *)&at, &n), 0);
    issuer.port = ntohs(at.sin_port);
    cr_assert_eq(pthread_create(&issuer.thread, NULL, serve, NULL), 0);
}

/* ---- the fixture ----------------------------------------------------------------------------- */

enum { KEYS = 3 };

static struct arena arena;
static struct mint_key keys[KEYS];
static struct jwks_shared shared;
static struct jwks *jwks;

static void publish(size_t first, size_t n, const char *cache_control)
{
    pthread_mutex_lock(&issuer.lock);
    issuer.set = mint_set(&arena, keys + first, n);
    issuer.cache_control = cache_control;
    pthread_mutex_unlock(&issuer.lock);
}

static void set_up(void)
{
    static const char *const kids[KEYS] = {"a", "b", "c"};

    arena_init(&arena, 16 << 20);
    for (int i = 0; i < KEYS; i++)
        keys[i] = mint_key_new(JWS_ES256, kids[i]);
    publish(0, 1, "max-age=1000");
    issuer_start();
    shared.http = http_client_open(&(struct http_options){.user_agent = "test"});
    shared.clock = &fake_clock;
    shared.waiters_max = JWKS_WAITERS_MAX;
    jwks = jwks_open(
        &shared, &(struct jwks_source){
                     .uri = str_of(arena_printf(&arena, "http://127.0.0.1:%d/jwks", issuer.port)),
                     .issuer = STR("https://id.example")});
    cr_assert_not_null(jwks);
}

static void tear_down(void)
{
    jwks_close(jwks);
    http_client_close(shared.http);
    shutdown(issuer.fd, SHUT_RDWR);
    close(issuer.fd);
    pthread_join(issuer.thread, NULL);
    for (int i = 0; i < KEYS; i++)
        mint_key_free(&keys[i]);
    arena_release(&arena);
}

TestSuite(jwks, .init = set_up, .fini = tear_down);

/* 'y': there is such a key, 'n': there is none, '?': nobody can say. */
static char ask(const char *kid)
{
    struct jwks_key found;
    struct call c;
    enum status s;

    call_init(&c, NULL, 1 << 16);
    s = jwks_find(jwks, &c, str_of(kid), JWS_ES256, &found);
    cr_assert(s == STATUS_OK || s == STATUS_UNAVAILABLE, "%s", c.fault.why);
    jwk_set_unref(found.set);
    call_release(&c);
    return s == STATUS_OK ? (found.key ? 'y' : 'n') : '?';
}

/* Time goes on, and what is due happens. */
static void pass(int64_t seconds, int n_requests)
{
    atomic_fetch_add(&fake_ns, seconds * ns_per_s);
    jwks_wake(jwks);
    for (int i = 0; i < 500 && issuer.n_requests < n_requests; i++)
        usleep(10000);
    cr_assert_eq(issuer.n_requests, n_requests, "%d fetches", issuer.n_requests);
    usleep(50000); /* the answer is read */
}

Test(jwks, keys_are_refreshed_at_four_fifths_of_their_time)
{
    cr_assert_eq(ask("a"), 'y');
    pass(799, 1);
    pass(2, 2);
    cr_assert_eq(ask("a"), 'y');
}

Test(jwks, an_unknown_kid_asks_once_in_thirty_seconds)
{
    cr_assert_eq(ask("a"), 'y');
    cr_assert_eq(ask("b"), 'n', "the first fetch was just now");
    cr_assert_eq(issuer.n_requests, 1);
    publish(0, 2, "max-age=1000");
    atomic_fetch_add(&fake_ns, 31 * ns_per_s);
    cr_assert_eq(ask("b"), 'y', "and waits for the answer");
    cr_assert_eq(issuer.n_requests, 2);
}

static void *flood(void *unused)
{
    char kid[32];

    for (int i = 0; i < 200; i++) {
        snprintf(kid, sizeof kid, "x%d-%lx", i, (unsigned long)pthread_self() & 0xFFFF);
        cr_assert_neq(ask(kid), 'y');
        cr_assert_eq(ask("a"), 'y', "who is known does not wait");
    }
    return unused;
}

Test(jwks, a_flood_of_unknown_kids_is_one_fetch)
{
    pthread_t threads[8];

    cr_assert_eq(ask("a"), 'y');
    atomic_fetch_add(&fake_ns, 31 * ns_per_s);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, flood, NULL), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(issuer.n_requests, 2, "%d fetches", issuer.n_requests);
}

Test(jwks, an_unknown_kid_is_remembered_for_a_minute)
{
    cr_assert_eq(ask("a"), 'y');
    atomic_fetch_add(&fake_ns, 31 * ns_per_s);
    cr_assert_eq(ask("b"), 'n');
    atomic_fetch_add(&fake_ns, 31 * ns_per_s);
    cr_assert_eq(ask("b"), 'n');
    cr_assert_eq(issuer.n_requests, 2, "not again for the same");
    cr_assert_eq(ask("c"), 'n');
    cr_assert_eq(issuer.n_requests, 3, "but for another");
}

Test(jwks, old_keys_serve_for_a_day_while_the_issuer_is_down)
{
    cr_assert_eq(ask("a"), 'y');
    atomic_store(&issuer.down, true);
    pass(86399, 2);
    cr_assert_eq(ask("a"), 'y');
    cr_assert_eq(ask("b"), 'n');
    atomic_fetch_add(&fake_ns, 2 * ns_per_s);
    cr_assert_eq(ask("a"), '?', "a day is over");
    atomic_store(&issuer.down, false);
    atomic_fetch_add(&fake_ns, 31 * ns_per_s);
    cr_assert_eq(ask("a"), 'y', "it is back");
}

Test(jwks, a_key_that_was_withdrawn_stops_at_the_next_refresh)
{
    unsigned long long generation;

    cr_assert_eq(ask("a"), 'y');
    generation = shared.generation;
    publish(1, 2, "no-store");
    pass(801, 2);
    cr_assert_eq(ask("a"), 'n');
    cr_assert_eq(ask("b"), 'y');
    cr_assert_gt(shared.generation, generation, "what was verified before is void");
    publish(1, 0, "no-store");
    pass(241, 3);
    cr_assert_eq(ask("b"), 'n', "an empty set withdraws all");
}

Test(jwks, what_is_no_set_changes_nothing)
{
    static const char *const bad[] = {
        "", "[]", "{}", "{\"keys\":{}}", "<html>", "{\"keys\":[],\"keys\":[]}"};

    cr_assert_eq(ask("a"), 'y');
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pthread_mutex_lock(&issuer.lock);
        issuer.set = bad[i];
        pthread_mutex_unlock(&issuer.lock);
        pass(i ? 301 : 801, (int)i + 2);
        cr_assert_eq(ask("a"), 'y', "%s", bad[i]);
    }
}

/* ---- plan and parsing ------------------------------------------------------------------------ */

struct freshness {
    int64_t max_age_s, refresh_s;
};

static const struct freshness freshness[] = {
    {-1, 240}, {0, 240}, {300, 240}, {600, 480}, {86400, 69120}, {1000000, 69120},
};

TABLE_TEST(jwks_plan, refreshes_within_bounds, struct freshness, freshness)
{
    struct jwks_plan p = {0};

    cr_assert(jwks_plan_is_due(&p, 1));
    cr_assert(jwks_plan_may_ask(&p, 1));
    cr_assert_not(jwks_plan_is_usable(&p, 1));
    jwks_plan_tried(&p, ns_per_s);
    jwks_plan_loaded(&p, ns_per_s, row->max_age_s);
    cr_assert_not(jwks_plan_is_due(&p, row->refresh_s * ns_per_s));
    cr_assert(jwks_plan_is_due(&p, (row->refresh_s + 1) * ns_per_s));
    cr_assert_not(jwks_plan_may_ask(&p, 30 * ns_per_s));
    cr_assert(jwks_plan_may_ask(&p, 31 * ns_per_s));
    cr_assert(jwks_plan_is_usable(&p, 86400 * ns_per_s));
    cr_assert_not(jwks_plan_is_usable(&p, 86401 * ns_per_s));
}

Test(jwks_plan, failures_wait_longer_each_time)
{
    static const int64_t waits_s[] = {5, 10, 20, 40, 80, 160, 300, 300};
    struct jwks_plan p = {0};

    for (size_t i = 0; i < sizeof waits_s / sizeof *waits_s; i++) {
        jwks_plan_failed(&p, ns_per_s);
        cr_assert_eq(p.next_ns, (waits_s[i] + 1) * ns_per_s, "%zu", i);
    }
    jwks_plan_loaded(&p, ns_per_s, -1);
    jwks_plan_failed(&p, ns_per_s);
    cr_assert_eq(p.next_ns, 6 * ns_per_s);
}

struct control {
    const char *text;
    int64_t max_age_s;
};

static const struct control controls[] = {
    {"", -1},
    {"public", -1},
    {"public, max-age=300", 300},
    {"MAX-AGE=5 , public", 5},
    {"no-cache", 0},
    {"max-age=60, no-store", 60},
    {"no-store, max-age=60", 0},
    {"max-age=-1", -1},
    {"max-age=x", -1},
    {"max-age=99999999999999999999", 86400},
    {"s-maxage=7", -1},
};

TABLE_TEST(jwks_load, cache_control, struct control, controls)
{
    cr_assert_eq(jwks_max_age(str_of(row->text)), row->max_age_s, "%s", row->text);
}

struct origins {
    const char *a, *b;
    bool same;
};

static const struct origins origins[] = {
    {"https://a/x", "https://a/y", true},    {"https://a", "https://A/", true},
    {"https://a:1/x", "https://a/x", false}, {"http://a/x", "https://a/x", false},
    {"https://a.b/x", "https://a/x", false}, {"https://a@b/x", "https://a/x", false},
    {"https://", "https://", false},         {"a", "a", false},
    {"https://a?x", "https://a#y", true},
};

TABLE_TEST(jwks_load, same_origin, struct origins, origins)
{
    cr_assert_eq(jwks_same_origin(str_of(row->a), str_of(row->b)), row->same, "%s %s", row->a,
                 row->b);
}
