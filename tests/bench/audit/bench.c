/*
 * What the audit trail costs: `bench_audit sqlite|postgres DIR POSTMASTER_PID create|import`.
 *
 * The same work with and without the trail, in turn, round by round; CPU time of this process and
 * of the database's. Then sealing and verifying what was written. One JSON object per measurement.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "agent/audit.h"
#include "agent/lead.h"
#include "agent/lead_import.h"
#include "job/audit_seal.h"
#include "postgres/postgres_store.h"
#include "sqlite/sqlite_store.h"

enum { ROUNDS = 30, CREATES = 60, IMPORTS = 2, ROWS = 500, VERIFIES = 5 };

struct tx;
enum status __real_audit_flush(struct tx *tx);
enum status __wrap_audit_flush(struct tx *tx);

static bool is_off;
static struct store *store;
static struct agents agents;
static const char *engine;
static int postmaster;
static uint64_t serial;

/* The end of a unit, where the store writes the entries of what was changed. */
enum status __wrap_audit_flush(struct tx *tx)
{
    return is_off ? STATUS_OK : __real_audit_flush(tx);
}

static void must(enum status s, const struct call *c, const char *what)
{
    if (s == STATUS_OK)
        return;
    fprintf(stderr, "bench_audit: %s: %s\n", what, c->fault.why);
    exit(1);
}

static int parent_of(const char *pid)
{
    char path[300], line[512];
    int parent = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%s/stat", pid);
    if ((f = fopen(path, "r")) == NULL)
        return 0;
    if (fgets(line, sizeof line, f) && strrchr(line, ')'))
        (void)sscanf(strrchr(line, ')'), ") %*c %d", &parent);
    fclose(f);
    return parent;
}

static double run_seconds(const char *pid)
{
    unsigned long long ns = 0;
    char path[300];
    FILE *f;

    snprintf(path, sizeof path, "/proc/%s/schedstat", pid);
    if ((f = fopen(path, "r")) == NULL)
        return 0;
    if (fscanf(f, "%llu", &ns) != 1)
        ns = 0;
    fclose(f);
    return (double)ns / 1e9;
}

/* Of this process and of the backends of the database. */
static double cpu_seconds(void)
{
    struct rusage u;
    struct dirent *e;
    double sum;
    DIR *d;

    getrusage(RUSAGE_SELF, &u);
    sum = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
          (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    if (!postmaster || (d = opendir("/proc")) == NULL)
        return sum;
    while ((e = readdir(d)) != NULL)
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && parent_of(e->d_name) == postmaster)
            sum += run_seconds(e->d_name);
    closedir(d);
    return sum;
}

static double wall_seconds(void)
{
    return (double)system_clock.monotonic_ns(&system_clock) / 1e9;
}

static void new_call(struct call *c)
{
    call_init(c, NULL, CALL_ARENA_BYTES);
    c->principal.tenant_id = 1;
    c->principal.roles = ROLE_BIT_ADMIN;
    snprintf(c->principal.subject, sizeof c->principal.subject, "bench");
    c->rule = "admin.lead";
    c->peer = "ipv4:127.0.0.1:47900";
    memset(&c->trace, 7, sizeof c->trace);
}

static Lead *make(struct call *c)
{
    unsigned long long n = serial++;
    struct arena *a = &c->arena;
    Lead *lead = NEW(a, Lead, 1);
    Company *company = NEW(a, Company, 1);

    *lead = (Lead)LEAD_INIT;
    *company = (Company)COMPANY_INIT;
    company->name = arena_printf(a, "Company%llu Ltd", n % 5000);
    company->domain = arena_printf(a, "c%llu.example", n % 5000);
    company->employees = 50;
    lead->company = company;
    lead->external_id = arena_printf(a, "%s-%llu", engine, n);
    lead->given_name = "Ada";
    lead->family_name = arena_printf(a, "Name%llu", n);
    lead->email = arena_printf(a, "p%llu@c%llu.example", n, n % 5000);
    lead->phone = arena_printf(a, "+4366%09llu", n);
    lead->job_title = "Head of Purchasing";
    lead->country_code = "AT";
    lead->source = "webinar";
    lead->owner_id = "user-7";
    return lead;
}

static void create_one(void)
{
    CreateLeadRequest in = CREATE_LEAD_REQUEST_INIT;
    CreateLeadResponse out = CREATE_LEAD_RESPONSE_INIT;
    struct call c;

    new_call(&c);
    c.method = "sales.v1.SalesAgent/CreateLead";
    c.request_id = uuid_text(&c.arena, uuid_new(&c));
    in.lead = make(&c);
    must(lead_create(&c, &agents, &in, &out), &c, "create");
    call_release(&c);
}

static void import_batch(struct import *import)
{
    ImportRow rows[ROWS], *list[ROWS];
    ImportRows in = IMPORT_ROWS_INIT;
    ImportResults out = IMPORT_RESULTS_INIT;
    struct call c;

    new_call(&c);
    c.method = "sales.v1.SalesAgent/ImportLeads";
    for (size_t i = 0; i < ROWS; i++) {
        rows[i] = (ImportRow)IMPORT_ROW_INIT;
        rows[i].row_number = import->done_row_number + i + 1;
        rows[i].lead = make(&c);
        list[i] = &rows[i];
    }
    in.rows = list;
    in.n_rows = ROWS;
    must(import_rows(&c, &agents, import, &in, &out), &c, "import");
    if (import->counts.created != import->done_row_number) {
        fprintf(stderr, "bench_audit: rows were refused\n");
        exit(1);
    }
    call_release(&c);
}

static void start_import(struct import *import)
{
    ImportOpen in = IMPORT_OPEN_INIT;
    struct call c;

    new_call(&c);
    in.import_id = uuid_text(&c.arena, uuid_new(&c));
    must(import_open(&c, &agents, &in, import), &c, "open");
    call_release(&c);
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *list, size_t n)
{
    qsort(list, n, sizeof *list, by_size);
    return list[n / 2];
}

/* Which of both goes first changes from round to round. */
static void compare(const char *what, bool is_import)
{
    double cpu[2][ROUNDS], wall[2][ROUNDS];
    const int n = is_import ? IMPORTS * ROWS : CREATES;
    struct import import;

    if (is_import)
        start_import(&import);
    for (int i = -2; i < ROUNDS; i++)
        for (int k = 0; k < 2; k++) {
            int off = (i + k) & 1;
            double began_cpu = cpu_seconds(), began = wall_seconds();

            is_off = off;
            for (int j = 0; j < (is_import ? IMPORTS : CREATES); j++)
                if (is_import)
                    import_batch(&import);
                else
                    create_one();
            is_off = false;
            if (i < 0)
                continue;
            wall[off][i] = (wall_seconds() - began) / n * 1e6;
            cpu[off][i] = (cpu_seconds() - began_cpu) / n * 1e6;
        }
    for (int off = 1; off >= 0; off--)
        printf("{\"engine\": \"%s\", \"what\": \"%s\", \"audit\": %s, \"cpu_us\": %.2f, "
               "\"wall_us\": %.2f}\n",
               engine, what, off ? "false" : "true", median(cpu[off], ROUNDS),
               median(wall[off], ROUNDS));
}

static void tell_rate(const char *what, uint64_t n, double seconds, double cpu)
{
    printf("{\"engine\": \"%s\", \"what\": \"%s\", \"entries\": %llu, \"per_second\": %.0f, "
           "\"cpu_us\": %.2f}\n",
           engine, what, (unsigned long long)n, (double)n / seconds, cpu / (double)n * 1e6);
}

static void seal_and_verify(const char *seal_name, const char *verify_name)
{
    double began = wall_seconds(), cpu = cpu_seconds(), best = 1e9, best_cpu = 0;
    VerifyAuditRequest in = VERIFY_AUDIT_REQUEST_INIT;
    struct call c;
    uint64_t n = 0;

    new_call(&c);
    must(audit_seal(&c, store, &n), &c, "seal");
    tell_rate(seal_name, n, wall_seconds() - began, cpu_seconds() - cpu);
    call_release(&c);
    for (int i = 0; i < VERIFIES; i++) {
        VerifyAuditResponse out = VERIFY_AUDIT_RESPONSE_INIT;

        new_call(&c);
        began = wall_seconds();
        cpu = cpu_seconds();
        must(audit_verify(&c, &agents, &in, &out), &c, "verify");
        if (!out.intact || out.unsealed) {
            fprintf(stderr, "bench_audit: the trail does not hold\n");
            exit(1);
        }
        if (wall_seconds() - began < best) {
            best = wall_seconds() - began;
            best_cpu = cpu_seconds() - cpu;
        }
        n = out.checked;
        call_release(&c);
    }
    tell_rate(verify_name, n, best, best_cpu);
}

static void open_store(struct call *c, const char *dir)
{
    const char *path = arena_printf(&c->arena, "%s/store.db", dir),
               *key = arena_printf(&c->arena, "%s/key", dir);
    const char *app = getenv("SALES_TEST_PG"), *admin = getenv("SALES_TEST_PG_ADMIN");

    if (strcmp(engine, "sqlite") == 0) {
        must(sqlite_store_open(c, &(struct sqlite_options){.path = path, .master_key_path = key},
                               &store),
             c, "open");
        return;
    }
    if (!app || !admin) {
        fprintf(stderr, "bench_audit: SALES_TEST_PG and SALES_TEST_PG_ADMIN are not set\n");
        exit(2);
    }
    must(postgres_migrate(c, admin, "salesd_app"), c, "migrate");
    must(postgres_store_open(c,
                             &(struct postgres_options){.conninfo = app,
                                                        .master_key_path = key,
                                                        .create_master_key = true},
                             &store),
         c, "open");
}

int main(int argc, char **argv)
{
    struct call c;
    bool is_import;

    if (argc != 5) {
        fprintf(stderr, "usage: bench_audit sqlite|postgres DIR POSTMASTER_PID create|import\n");
        return 2;
    }
    engine = argv[1];
    postmaster = strcmp(engine, "postgres") == 0 ? atoi(argv[3]) : 0;
    is_import = strcmp(argv[4], "import") == 0;
    call_init(&c, NULL, CALL_ARENA_BYTES);
    serial = is_import ? 1000000 : 0; /* other people than those of the run before */
    open_store(&c, argv[2]);
    must(agents_init(&c, &agents, store), &c, "agents");
    compare(is_import ? "imported lead" : "CreateLead", is_import);
    if (is_import)
        seal_and_verify("seal, with imports", "verify, with imports");
    else
        seal_and_verify("seal", "verify");
    agents_release(&agents);
    store_close(store);
    call_release(&c);
    return 0;
}
