/* One answer for equal questions, one question at a time, bounded, in time. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "ai/cache.h"
#include "support/table.h"

enum { THREADS = 16, MS_NS = 1000000 };

static struct ai_cache *cache;

static void open_cache(struct call *c, size_t bytes, int64_t ttl_ms)
{
    call_init(c, NULL, 16 << 20);
    cr_assert_eq(
        ai_cache_open(c, &(struct ai_cache_options){.max_bytes = bytes, .ttl_ms = ttl_ms}, &cache),
        STATUS_OK);
}

static struct ai_cache_key key_of(struct call *c, const char *a, const char *b)
{
    const str parts[] = {str_of(a), str_of(b)};
    struct ai_cache_key key;

    cr_assert_eq(ai_cache_key(c, parts, 2, &key), STATUS_OK);
    return key;
}

static bool has(struct call *c, const struct ai_cache_key *key)
{
    str value;

    cr_assert_eq(ai_cache_begin(cache, c, key, &value), STATUS_OK);
    if (!value.p)
        ai_cache_end(cache, c, key, (str){0});
    return value.p != NULL;
}

static void put(struct call *c, const struct ai_cache_key *key, str value)
{
    str got;

    cr_assert_eq(ai_cache_begin(cache, c, key, &got), STATUS_OK);
    cr_assert_null(got.p);
    ai_cache_end(cache, c, key, value);
}

Test(ai_cache, keys_depend_on_every_part_and_their_borders)
{
    struct call c;
    struct ai_cache_key a, b;

    call_init(&c, NULL, 1 << 20);
    a = key_of(&c, "ab", "c");
    b = key_of(&c, "a", "bc");
    cr_assert_neq(memcmp(&a, &b, sizeof a), 0);
    b = key_of(&c, "ab", "c");
    cr_assert_eq(memcmp(&a, &b, sizeof a), 0);
    call_release(&c);
}

Test(ai_cache, a_value_is_kept_until_its_time)
{
    struct call c;
    struct ai_cache_key key;

    open_cache(&c, 0, 30);
    key = key_of(&c, "1", "q");
    cr_assert_not(has(&c, &key));
    put(&c, &key, STR("answer"));
    cr_assert(has(&c, &key));
    usleep(40000);
    cr_assert_not(has(&c, &key));
    ai_cache_close(cache);
    call_release(&c);
}

Test(ai_cache, the_least_recently_used_goes_first)
{
    struct ai_cache_key keys[4];
    struct call c;
    static char value[400];

    memset(value, 'x', sizeof value);
    open_cache(&c, 3 * sizeof value, 0);
    for (int i = 0; i < 4; i++)
        keys[i] = key_of(&c, arena_printf(&c.arena, "%d", i), "q");
    for (int i = 0; i < 3; i++)
        put(&c, &keys[i], (str){value, sizeof value});
    cr_assert(has(&c, &keys[0]));
    put(&c, &keys[3], (str){value, sizeof value});
    cr_assert(has(&c, &keys[0]));
    cr_assert_not(has(&c, &keys[1]));
    cr_assert(has(&c, &keys[2]) && has(&c, &keys[3]));
    ai_cache_close(cache);
    call_release(&c);
}

Test(ai_cache, a_waiting_call_keeps_its_deadline)
{
    struct ai_cache_key key;
    struct call c, other;
    str value;

    open_cache(&c, 0, 0);
    call_init(&other, NULL, 1 << 20);
    key = key_of(&c, "1", "q");
    cr_assert_eq(ai_cache_begin(cache, &c, &key, &value), STATUS_OK);
    other.deadline_ns = call_monotonic_ns(&other) + 30 * (int64_t)MS_NS;
    cr_assert_eq(ai_cache_begin(cache, &other, &key, &value), STATUS_DEADLINE);
    ai_cache_end(cache, &c, &key, (str){0});
    ai_cache_close(cache);
    call_release(&other);
    call_release(&c);
}

static atomic_int asked;
static int fail_first;

static void *question(void *arg)
{
    struct ai_cache_key key;
    struct call c;
    str value;

    call_init(&c, NULL, 1 << 20);
    key = key_of(&c, "1", "q");
    cr_assert_eq(ai_cache_begin(cache, &c, &key, &value), STATUS_OK);
    if (!value.p) {
        int n = atomic_fetch_add(&asked, 1);

        usleep(20000);
        ai_cache_end(cache, &c, &key, n < fail_first ? (str){0} : STR("answer"));
    } else {
        cr_assert(str_eq(value, STR("answer")));
    }
    call_release(&c);
    return arg;
}

/* Of many equal questions one is asked; when that fails, the next one, not all. */
Test(ai_cache, equal_questions_at_once_are_asked_once)
{
    for (fail_first = 0; fail_first < 3; fail_first++) {
        pthread_t threads[THREADS];
        struct call c;

        open_cache(&c, 0, 0);
        atomic_store(&asked, 0);
        for (int i = 0; i < THREADS; i++)
            cr_assert_eq(pthread_create(&threads[i], NULL, question, NULL), 0);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        cr_assert_eq(atomic_load(&asked), fail_first + 1, "%d", atomic_load(&asked));
        ai_cache_close(cache);
        call_release(&c);
    }
}
