/*
 * What the store alone does per second: `bench_store sqlite DIR ROWS...` or
 * `bench_store postgres DIR ROWS...` (SALES_TEST_PG and SALES_TEST_PG_ADMIN). Grows one tenant to
 * each of ROWS in turn and measures at each size. One JSON object per measurement.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "postgres/postgres_store.h"
#include "sqlite/sqlite_store.h"
#include "store/records.h"

enum { UNIT = 500, IDS_MAX = 1 << 20, SAMPLES = 2000, THREADS_MAX = 16 };

static struct store *store;
static const char *engine;
static char (*ids)[UUID_TEXT_BYTES + 1];
static atomic_long n_ids;

static void die(struct call *c, const char *what)
{
    fprintf(stderr, "bench_store: %s: %s\n", what, c->fault.why);
    exit(1);
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

static int64_t now_ns(void)
{
    return system_clock.monotonic_ns(&system_clock);
}

static double cpu_seconds(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* A lead with what an import has: two names, company, mail, phone, source, owner, tags. */
static Lead *make_lead(struct call *c, uint64_t n)
{
    static const char *const first[] = {"Ada", "Ben", "Chloe", "Dan", "Eva", "Finn", "Gil", "Hana"};
    uint64_t r = mix(n + 1);
    struct arena *a = &c->arena;
    Lead *lead = NEW(a, Lead, 1);
    Company *company = NEW(a, Company, 1);

    *lead = (Lead)LEAD_INIT;
    *company = (Company)COMPANY_INIT;
    company->name = arena_printf(a, "Company%llu Ltd", (unsigned long long)(r >> 8) % 50000);
    company->domain = arena_printf(a, "c%llu.example", (unsigned long long)(r >> 8) % 50000);
    company->employees = (int)(r % 5000);
    lead->company = company;
    lead->external_id = arena_printf(a, "crm-%llu", (unsigned long long)n);
    lead->given_name = (char *)first[r % 8];
    lead->family_name = arena_printf(a, "Name%llu", (unsigned long long)(r >> 16) % 100000);
    lead->email = arena_printf(a, "p%llu@c%llu.example", (unsigned long long)n,
                               (unsigned long long)(r >> 8) % 50000);
    lead->phone = arena_printf(a, "+4366%09llu", (unsigned long long)n);
    lead->job_title = "Head of Purchasing";
    lead->country_code = (char *)((const char *const[]){"AT", "DE", "US", "GB"})[r >> 20 & 3];
    lead->source = "webinar";
    lead->owner_id = arena_printf(a, "user-%llu", (unsigned long long)(r >> 24) % 40);
    lead->status = (LeadStatus)(1 + (r >> 32) % 4);
    lead->score = NEW(a, LeadScoreSummary, 1);
    *lead->score = (LeadScoreSummary)LEAD_SCORE_SUMMARY_INIT;
    lead->score->score = (int)((r >> 40) % 101);
    return lead;
}

struct unit {
    uint64_t first;
    size_t n;
    bool quiet; /* do not note the ids */
};

/* The way of ImportLeads: three look-ups for all rows, then rows and events. */
static enum status import_unit(struct call *c, struct tx *tx, void *arg)
{
    static const enum record_column by[] = {LEAD_BY_external_id, LEAD_BY_email, LEAD_BY_phone};
    struct unit *u = arg;
    Lead **leads = NEW(&c->arena, Lead *, u->n);
    str *values = NEW(&c->arena, str, u->n);
    struct uuid *found = NEW(&c->arena, struct uuid, u->n);

    for (size_t i = 0; i < u->n; i++)
        leads[i] = make_lead(c, u->first + i);
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < u->n; i++)
            values[i] = str_of(k == 0   ? leads[i]->external_id
                               : k == 1 ? leads[i]->email
                                        : leads[i]->phone);
        TRY(tx_find_ids(tx, by[k], values, u->n, found));
    }
    for (size_t i = 0; i < u->n; i++) {
        TRY(tx_insert_lead(tx, leads[i]));
        TRY(tx_event(tx, "sales.lead.created", RECORD_LEAD, str_of(leads[i]->id), &leads[i]->base));
    }
    for (size_t i = 0; i < u->n && !u->quiet; i++) {
        long at = atomic_fetch_add(&n_ids, 1);

        if (at < IDS_MAX)
            memcpy(ids[at], leads[i]->id, sizeof ids[at]);
    }
    return STATUS_OK;
}

struct work {
    atomic_long *next;
    long end;
    size_t unit;
    int64_t *latencies; /* [SAMPLES] */
    atomic_long *n_samples;
};

static void new_call(struct call *c)
{
    call_init(c, NULL, CALL_ARENA_BYTES);
    c->principal.tenant_id = 1;
}

static void *insert_many(void *arg)
{
    struct work *w = arg;
    long at;

    while ((at = atomic_fetch_add(w->next, (long)w->unit)) < w->end) {
        struct unit u = {(uint64_t)at, w->unit, false};
        struct call c;
        int64_t began = now_ns();
        long sample;

        new_call(&c);
        if (store_run(store, &c, STORE_WRITE, import_unit, &u) != STATUS_OK)
            die(&c, "insert");
        call_release(&c);
        sample = atomic_fetch_add(w->n_samples, 1);
        w->latencies[sample % SAMPLES] = now_ns() - began;
    }
    return NULL;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

static void report(const char *what, long rows, double per_second, int64_t *samples, size_t n,
                   double cpu_us)
{
    qsort(samples, n, sizeof *samples, by_number);
    printf("{\"engine\": \"%s\", \"what\": \"%s\", \"rows\": %ld, \"per_second\": %.0f, "
           "\"p50_us\": %.1f, \"p99_us\": %.1f, \"cpu_us\": %.1f}\n",
           engine, what, rows, per_second, (double)samples[n / 2] / 1e3,
           (double)samples[n * 99 / 100] / 1e3, cpu_us);
    fflush(stdout);
}

/* Inserts rows [from, to) in units of that size on so many threads. */
static void insert(const char *what, long from, long to, size_t unit, int threads)
{
    static int64_t latencies[SAMPLES];
    atomic_long next = from, n_samples = 0;
    struct work w = {&next, to, unit, latencies, &n_samples};
    pthread_t t[THREADS_MAX];
    int64_t began = now_ns();
    double cpu = cpu_seconds(), seconds;
    long n;

    for (int i = 0; i < threads; i++)
        pthread_create(&t[i], NULL, insert_many, &w);
    for (int i = 0; i < threads; i++)
        pthread_join(t[i], NULL);
    seconds = (double)(now_ns() - began) / 1e9;
    n = atomic_load(&n_samples);
    report(what, to, (double)(to - from) / seconds, latencies, (size_t)(n < SAMPLES ? n : SAMPLES),
           (cpu_seconds() - cpu) / (double)(to - from) * 1e6);
}

static enum status get_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead *lead;

    (void)c;
    return tx_get_lead(tx, str_of(arg), &lead);
}

static enum status list_unit(struct call *c, struct tx *tx, void *arg)
{
    struct list_page page;

    (void)c;
    return tx_list(tx, RECORD_LEAD, arg, &page);
}

static void measure(const char *what, long rows, int n, store_unit_fn fn, void *arg)
{
    static int64_t latencies[SAMPLES];
    double cpu = 0;
    int64_t began = 0;

    for (int i = -n / 10 - 5; i < n; i++) { /* the first ones warm up */
        struct call c;
        int64_t t;

        if (i == 0) {
            cpu = cpu_seconds();
            began = now_ns();
        }
        new_call(&c);
        t = now_ns();
        if (store_run(store, &c, STORE_READ, fn,
                      arg ? arg : ids[mix((uint64_t)i + 99) % (uint64_t)rows % IDS_MAX]) !=
            STATUS_OK)
            die(&c, what);
        if (i >= 0)
            latencies[i] = now_ns() - t;
        call_release(&c);
    }
    report(what, rows, n / ((double)(now_ns() - began) / 1e9), latencies, (size_t)n,
           (cpu_seconds() - cpu) / n * 1e6);
}

static void open_store(struct call *c, const char *dir)
{
    const char *path = arena_printf(&c->arena, "%s/store.db", dir),
               *key = arena_printf(&c->arena, "%s/key", dir);
    const char *app = getenv("SALES_TEST_PG"), *admin = getenv("SALES_TEST_PG_ADMIN");

    if (strcmp(engine, "sqlite") == 0) {
        if (sqlite_store_open(c, &(struct sqlite_options){.path = path, .master_key_path = key},
                              &store) != STATUS_OK)
            die(c, "open");
        return;
    }
    if (!app || !admin) {
        fprintf(stderr, "bench_store: SALES_TEST_PG and SALES_TEST_PG_ADMIN are not set\n");
        exit(2);
    }
    if (postgres_migrate(c, admin, "salesd_app") != STATUS_OK ||
        postgres_store_open(c,
                            &(struct postgres_options){
                                .conninfo = app, .master_key_path = key, .create_master_key = true},
                            &store) != STATUS_OK)
        die(c, "open");
}

int main(int argc, char **argv)
{
    static struct list_query first = {.page_size = 50},
                             status = {.page_size = 50, .filter = {"status = QUALIFIED", 18}},
                             owner = {.page_size = 50, .filter = {"owner_id = \"user-7\"", 19}},
                             score = {.page_size = 50, .filter = {"score >= 80", 11}},
                             best = {.page_size = 50, .order_by = {"score desc", 10}},
                             search = {.page_size = 50, .search = {"chloe", 5}};
    long rows = 0;
    struct call c;

    if (argc < 4) {
        fprintf(stderr, "usage: bench_store sqlite|postgres DIR ROWS...\n");
        return 2;
    }
    engine = argv[1];
    ids = calloc(IDS_MAX, sizeof *ids);
    call_init(&c, NULL, CALL_ARENA_BYTES);
    open_store(&c, argv[2]);
    insert("insert units of 1, 1 thread", 0, 400, 1, 1);
    insert("insert units of 1, 16 threads", 400, 4000, 1, 16);
    rows = 4000;
    for (int i = 3; i < argc; i++) {
        long to = strtol(argv[i], NULL, 10);

        insert("insert units of 500, 2 threads", rows, to, UNIT, 2);
        rows = to;
        measure("get", rows, SAMPLES, get_unit, NULL);
        measure("list first page", rows, 500, list_unit, &first);
        measure("list status =", rows, 500, list_unit, &status);
        measure("list owner_id =", rows, 500, list_unit, &owner);
        measure("list score >=", rows, 500, list_unit, &score);
        measure("list by score", rows, 500, list_unit, &best);
        measure("list search", rows, 500, list_unit, &search);
    }
    store_close(store);
    call_release(&c);
    free(ids);
    return 0;
}
