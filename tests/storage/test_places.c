/* Turns between tenants, and shares of a pool: who waits while another floods. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "sql/places.h"
#include "sql/turns.h"

enum { FLOOD = 20 };

static void order_of(struct turns *t, char out[64])
{
    size_t n = 0;

    for (struct turns_item *i; (i = turns_pop(t, NULL, NULL)) != NULL;)
        n += (size_t)snprintf(out + n, 64 - n, "%u", i->lane % 10);
    out[n] = 0;
}

Test(turns, lanes_are_served_round_robin)
{
    struct turns_item a[4] = {{.lane = 1}, {.lane = 1}, {.lane = 1}, {.lane = 1}},
                      b[2] = {{.lane = 2}, {.lane = 2}}, c = {.lane = 3};
    struct turns t;
    char got[64];

    turns_init(&t);
    for (int i = 0; i < 4; i++)
        turns_push(&t, &a[i]);
    turns_push(&t, &b[0]);
    turns_push(&t, &b[1]);
    turns_push(&t, &c);
    order_of(&t, got);
    cr_expect_str_eq(got, "1231211");
    cr_expect_eq(t.n, 0);
    order_of(&t, got);
    cr_expect_str_eq(got, "");
}

Test(turns, an_item_leaves_from_anywhere)
{
    static const char *const want[] = {"12391", "13911", "12391", "12911", "12391"};

    for (int gone = 0; gone < 5; gone++) {
        struct turns_item items[5] = {
            {.lane = 1}, {.lane = 2}, {.lane = 1}, {.lane = 3}, {.lane = 1}};
        struct turns_item late = {.lane = 9};
        struct turns t;
        char got[64];

        turns_init(&t);
        for (int i = 0; i < 5; i++)
            turns_push(&t, &items[i]);
        turns_remove(&t, &items[gone]);
        cr_expect_eq(t.n, 4);
        turns_push(&t, &late);
        order_of(&t, got);
        cr_expect_str_eq(got, want[gone], "without %d: %s", gone, got);
        cr_expect_eq(t.n, 0);
    }
}

static bool is_not_of_one(void *arg, const struct turns_item *item)
{
    (void)arg;
    return item->lane != 1;
}

Test(turns, who_may_not_is_passed_over_and_keeps_its_turn)
{
    struct turns_item a = {.lane = 1}, b = {.lane = 2}, c = {.lane = 3};
    struct turns t;

    turns_init(&t);
    turns_push(&t, &a);
    turns_push(&t, &b);
    turns_push(&t, &c);
    cr_expect_eq(turns_pop(&t, is_not_of_one, NULL), &b);
    cr_expect_eq(turns_pop(&t, NULL, NULL), &a);
    cr_expect_eq(turns_pop(&t, is_not_of_one, NULL), &c);
    cr_expect_null(turns_pop(&t, is_not_of_one, NULL));
}

/* ---- shares ---------------------------------------------------------------------------------- */

struct want {
    int64_t tenant_id;
    enum store_mode mode;
    bool is_background;
};

/* Takes a place, or finds within 30 ms that there is none. */
static bool try(struct places *p, const struct want *w, struct place *out)
{
    struct sql_unit unit = {.mode = w->mode, .tenant_id = w->tenant_id};
    struct call c;
    enum status s;

    call_init(&c, NULL, 1 << 16);
    c.is_background = w->is_background;
    c.deadline_ns = call_monotonic_ns(&c) + 30000000;
    s = places_take(p, &c, &unit, out);
    call_release(&c);
    cr_assert(s == STATUS_OK || s == STATUS_DEADLINE);
    return s == STATUS_OK;
}

static size_t take_all(struct places *p, struct want w, struct place *out)
{
    size_t n = 0;

    while (try(p, &w, &out[n]))
        n++;
    return n;
}

static const struct share {
    size_t n, tenant, write, background; /* of n places, at most */
} shares[] = {
    {1, 1, 1, 1}, {2, 2, 2, 1},     {3, 3, 3, 2},         {4, 3, 3, 3},
    {8, 7, 7, 6}, {16, 14, 14, 12}, {200, 175, 175, 150},
};

Test(places, nobody_has_them_all)
{
    struct place have[201];

    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        const struct share *row = &shares[i];
        struct places *p = places_new(row->n);
        size_t n = take_all(p, (struct want){1, STORE_READ, false}, have);

        cr_expect_eq(n, row->tenant, "%zu places: a tenant had %zu", row->n, n);
        while (n)
            places_leave(p, &have[--n]);
        for (int64_t t = 1; t <= 40 && n < row->write; t++) /* each less than its share */
            for (size_t k = 0; k <= row->n / 40 + 1 && n < row->write; k++)
                n += try(p, &(struct want){t, STORE_WRITE, false}, &have[n]);
        cr_expect_eq(n, row->write);
        cr_expect_not(try(p, &(struct want){50, STORE_WRITE, false}, &have[n]));
        if (row->write < row->n) {
            cr_expect(try(p, &(struct want){50, STORE_READ_ONE, false}, &have[n]),
                      "a read finds one");
            places_leave(p, &have[n]);
        }
        while (n)
            places_leave(p, &have[--n]);
        n = take_all(p, (struct want){1, STORE_READ, true}, have);
        cr_expect_eq(n, row->background, "%zu places: jobs had %zu", row->n, n);
        if (row->background < row->n) {
            cr_expect(try(p, &(struct want){2, STORE_WRITE, false}, &have[n]),
                      "a caller finds one");
            places_leave(p, &have[n]);
        }
        while (n)
            places_leave(p, &have[--n]);
        places_free(p);
    }
}

/* ---- turns between those who wait ------------------------------------------------------------ */

static struct places *pool;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t served[FLOOD + 1];
static size_t n_served;
static atomic_int n_begun;

static int64_t noisy = 1, quiet = 2;

static void *one_unit(void *arg)
{
    struct sql_unit unit = {.mode = STORE_WRITE, .tenant_id = *(const int64_t *)arg};
    struct place place;
    struct call c;

    call_init(&c, NULL, 1 << 16);
    atomic_fetch_add(&n_begun, 1);
    if (places_take(pool, &c, &unit, &place) == STATUS_OK) {
        pthread_mutex_lock(&lock);
        served[n_served++] = unit.tenant_id;
        pthread_mutex_unlock(&lock);
        places_leave(pool, &place);
    }
    call_release(&c);
    return NULL;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

Test(places, a_flood_is_one_unit_ahead_of_the_others)
{
    struct sql_unit unit = {.mode = STORE_WRITE, .tenant_id = 3};
    pthread_t threads[FLOOD + 1];
    struct place first;
    struct call c;

    pool = places_new(1);
    call_init(&c, NULL, 1 << 16);
    cr_assert_eq(places_take(pool, &c, &unit, &first), STATUS_OK);
    for (int i = 0; i < FLOOD; i++)
        pthread_create(&threads[i], NULL, one_unit, &noisy);
    while (atomic_load(&n_begun) < FLOOD)
        pause_ms(1);
    pause_ms(100);
    pthread_create(&threads[FLOOD], NULL, one_unit, &quiet);
    while (atomic_load(&n_begun) < FLOOD + 1)
        pause_ms(1);
    pause_ms(200);
    cr_expect_eq(n_served, 0);
    places_leave(pool, &first);
    for (int i = 0; i <= FLOOD; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(n_served, FLOOD + 1);
    cr_expect(served[0] == 2 || served[1] == 2, "the quiet one is served second at the latest");
    call_release(&c);
    places_free(pool);
}

Test(places, who_gives_up_leaves_nothing_behind)
{
    struct places *p = places_new(1);
    struct place have, none;

    cr_assert(try(p, &(struct want){1, STORE_READ, false}, &have));
    for (int i = 0; i < 3; i++)
        cr_expect_not(try(p, &(struct want){2, STORE_READ, false}, &none));
    places_leave(p, &have);
    cr_expect(try(p, &(struct want){2, STORE_READ, false}, &have));
    places_leave(p, &have);
    places_free(p);
}
