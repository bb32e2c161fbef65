/* Sealing and verification: what is untouched verifies, what was touched behind the store's back is
 * found. */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

#include "storage/trail.h"
#include "store/key.h"

#define STORE_SUITE audit_chain

#define expect_intact(f, n)                                                                        \
    do {                                                                                           \
        struct verdict v_ = trail_verify(f);                                                       \
        cr_expect_eq(v_.problem, AUDIT_PROBLEM_UNSPECIFIED, "problem %d at %llu", (int)v_.problem, \
                     (unsigned long long)v_.sequence);                                             \
        cr_expect_eq(v_.checked, (uint64_t)(n), "%llu checked", (unsigned long long)v_.checked);   \
    } while (0)

STORE_TEST(an_untouched_chain_verifies_at_every_length)
{
    expect_intact(f, 0);
    for (int i = 1; i <= 12; i++) {
        trail_leads(f, 1);
        cr_expect_eq(trail_verify(f).unsealed, 1);
        cr_expect_eq(trail_seal(f), 1);
        expect_intact(f, i);
    }
}

STORE_TEST(a_long_chain_is_sealed_and_verified_in_batches)
{
    trail_leads(f, AUDIT_BATCH_MAX + 20);
    cr_expect_eq(trail_seal(f), AUDIT_BATCH_MAX + 20);
    expect_intact(f, AUDIT_BATCH_MAX + 20);
    trail_leads(f, AUDIT_CHECKPOINT_EVERY - 20);
    trail_seal(f);
    expect_intact(f, AUDIT_CHECKPOINT_EVERY + AUDIT_BATCH_MAX);
    cr_expect_eq(fixture_number(f, "SELECT COUNT(*) FROM audit_checkpoint"), 2);
}

STORE_TEST(entries_wait_for_the_sealer_across_a_restart)
{
    trail_leads(f, 3);
    cr_assert_eq(fixture_reopen(f), STATUS_OK);
    cr_expect_eq(trail_verify(f).unsealed, 3);
    cr_expect_eq(trail_seal(f), 3);
    expect_intact(f, 3);
}

static enum status seal_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_audit_seal(tx, arg);
}

/* A sealer that dies at any statement leaves a chain that the next one continues. */
STORE_TEST(a_sealer_that_fails_at_any_statement_leaves_a_whole_chain)
{
    trail_leads(f, 2);
    trail_seal(f);
    trail_leads(f, 3);
    for (int at = 1;; at++) {
        size_t n;
        enum status s;

        f->fault = (struct sql_fault){.countdown = at, .error = SQL_ERROR_IO};
        s = store_run(f->store, &f->call, STORE_WRITE, seal_unit, &n);
        f->fault.countdown = 0;
        call_clear(&f->call);
        if (s == STATUS_OK)
            break;
        expect_intact(f, 2);
        cr_assert_lt(at, 100);
    }
    trail_seal(f);
    expect_intact(f, 5);
}

struct load {
    struct fixture *f;
    int n;
};

static void *insert_many(void *arg)
{
    struct load *l = arg;
    struct call c;

    fixture_call(&c, 1);
    for (int i = 0; i < l->n; i++) {
        enum status s = put_lead(l->f, &c, make_lead(&c, "Ada", ""));

        cr_assert_eq(s, STATUS_OK, "%s", c.fault.why);
    }
    call_release(&c);
    return NULL;
}

static void *seal_many(void *arg)
{
    struct load *l = arg;
    struct call c;
    size_t n;

    fixture_call(&c, 1);
    for (int i = 0; i < l->n; i++) {
        enum status s = store_run(l->f->store, &c, STORE_WRITE, seal_unit, &n);

        cr_assert_eq(s, STATUS_OK, "%s", c.fault.why);
    }
    call_release(&c);
    return NULL;
}

STORE_TEST(two_sealers_and_writers_at_once_make_one_chain)
{
    pthread_t t[5];
    struct load writer = {f, 60}, sealer = {f, 20};

    for (int i = 0; i < 5; i++)
        pthread_create(&t[i], NULL, i < 3 ? insert_many : seal_many, i < 3 ? &writer : &sealer);
    for (int i = 0; i < 5; i++)
        pthread_join(t[i], NULL);
    trail_seal(f);
    expect_intact(f, 180);
    cr_expect_eq(fixture_number(f, "SELECT MAX(sequence) FROM audit"), 180);
}

static enum status rotate_unit(struct call *c, struct tx *tx, void *arg)
{
    uint32_t version;

    (void)c, (void)arg;
    return tx_key_rotate(tx, &version);
}

static enum status reseal_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_key_reseal(tx, arg, KEY_RESEAL_MAX);
}

STORE_TEST(a_chain_survives_new_keys_under_its_bodies)
{
    struct key_walk walk = {0};

    trail_leads(f, 5);
    trail_seal(f);
    trail_leads(f, 1);
    RUN(f, STORE_WRITE, rotate_unit, NULL, STATUS_OK);
    store_keys_forget(f->store, 1);
    while (!walk.is_done)
        RUN(f, STORE_WRITE, reseal_unit, &walk, STATUS_OK);
    cr_expect_geq(walk.resealed, 12);
    expect_intact(f, 5);
    trail_seal(f);
    expect_intact(f, 6);
}

struct late {
    struct fixture *f;
    sem_t has_written, may_commit;
};

static enum status late_unit(struct call *c, struct tx *tx, void *arg)
{
    struct late *l = arg;
    struct list_page page;

    TRY(tx_insert_lead(tx, make_lead(c, "Late", "")));
    TRY(tx_list(tx, RECORD_LEAD, &(struct list_query){.page_size = 1}, &page)); /* sends the row */
    sem_post(&l->has_written);
    sem_wait(&l->may_commit);
    return STATUS_OK;
}

static void *commit_late(void *arg)
{
    struct late *l = arg;
    struct call c;
    enum status s;

    fixture_call(&c, 1);
    s = store_run(l->f->store, &c, STORE_WRITE, late_unit, l);
    cr_assert_eq(s, STATUS_OK, "%s", c.fault.why);
    call_release(&c);
    return NULL;
}

/* On SQLite there is one writer at a time: nobody can be late. */
STORE_TEST(a_late_commit_comes_behind_what_is_sealed)
{
    struct late l = {.f = f};
    pthread_t t;

    if (f->engine == ENGINE_SQLITE)
        return;
    sem_init(&l.has_written, 0, 0);
    sem_init(&l.may_commit, 0, 0);
    pthread_create(&t, NULL, commit_late, &l);
    sem_wait(&l.has_written);
    trail_leads(f, 3); /* younger, and there first */
    cr_expect_eq(trail_seal(f), 3);
    expect_intact(f, 3);
    sem_post(&l.may_commit);
    pthread_join(t, NULL);
    cr_expect_eq(trail_seal(f), 1);
    expect_intact(f, 4);
}

/* Attacks by somebody who can write the database, but has no key. */
enum { LENGTH = 40 };

struct attack {
    const char *name;
    const char *sql; /* @1 and @2: two sequences, the first the lower */
    AuditProblem problem;
    int at; /* 0: the first; 1: the end of the chain; -1: anywhere */
};

#define SWAP(a, b)                                                                                 \
    "UPDATE audit SET sequence = -1 WHERE sequence = " a "; "                                      \
    "UPDATE audit SET sequence = " a " WHERE sequence = " b "; "                                   \
    "UPDATE audit SET sequence = " b " WHERE sequence = -1; "
#define FORGED "(SELECT mac FROM audit WHERE sequence = @2)"

/* clang-format off */
static const struct attack attacks[] = {
    {"another action in the column", "UPDATE audit SET action = 'x' WHERE sequence = @1",                         AUDIT_PROBLEM_ALTERED, 0},
    {"another record in the column", "UPDATE audit SET record_id = 'x' WHERE sequence = @1",                      AUDIT_PROBLEM_ALTERED, 0},
    {"no time",                      "UPDATE audit SET time = NULL WHERE sequence = @1",                          AUDIT_PROBLEM_ALTERED, 0},
    {"another's body",               "UPDATE audit SET body = (SELECT body FROM audit WHERE sequence = @2) WHERE sequence = @1", AUDIT_PROBLEM_ALTERED, 0},
    {"an empty body",                "UPDATE audit SET body = '' WHERE sequence = @1",                            AUDIT_PROBLEM_ALTERED, 0},
    {"another's MAC",                "UPDATE audit SET mac = " FORGED " WHERE sequence = @1",                     AUDIT_PROBLEM_ALTERED, -1},
    {"no MAC",                       "UPDATE audit SET mac = NULL WHERE sequence = @1",                           AUDIT_PROBLEM_ALTERED, 0},
    {"one is gone",                  "DELETE FROM audit WHERE sequence = @1",                                     AUDIT_PROBLEM_MISSING, 0},
    {"one is gone, all moved up",    "DELETE FROM audit WHERE sequence = @1; UPDATE audit SET sequence = sequence - 1000 WHERE sequence > @1 AND sequence < 1000; UPDATE audit SET sequence = sequence + 999 WHERE sequence < 0", AUDIT_PROBLEM_ALTERED, 0},
    {"two have changed places",      SWAP("@1", "@2"),                                                          AUDIT_PROBLEM_REORDERED, 0},
    {"the end is gone",              "DELETE FROM audit WHERE sequence >= @1",                                    AUDIT_PROBLEM_TRUNCATED, 0},
    {"all is gone",                  "DELETE FROM audit",                                                           AUDIT_PROBLEM_TRUNCATED, -1},
    {"the end is gone, and its head is moved", "DELETE FROM audit WHERE sequence >= @1; UPDATE audit_head SET count = @1 - 1, mac = (SELECT mac FROM audit WHERE sequence = @1 - 1)", AUDIT_PROBLEM_BAD_SIGNATURE, -1},
    {"the head is gone",             "DELETE FROM audit_head; DELETE FROM audit_checkpoint",                        AUDIT_PROBLEM_BAD_SIGNATURE, -1},
    {"the head is longer",           "UPDATE audit_head SET count = count + 1",                                     AUDIT_PROBLEM_BAD_SIGNATURE, -1},
    {"the head's MAC",               "UPDATE audit_head SET mac = (SELECT mac FROM audit WHERE sequence = @1)",   AUDIT_PROBLEM_BAD_SIGNATURE, -1},
    {"the head's digest",            "UPDATE audit_head SET digest = mac",                                          AUDIT_PROBLEM_BAD_SIGNATURE, -1},
    {"the head's time",              "UPDATE audit_head SET time = time + 1",                                       AUDIT_PROBLEM_BAD_SIGNATURE, -1},
    {"a forged trim",                "INSERT INTO audit_checkpoint SELECT tenant_id, count, 1, time, mac, digest, signature FROM audit_checkpoint; DELETE FROM audit WHERE sequence <= @1", AUDIT_PROBLEM_BAD_SIGNATURE, -1},
    {"a checkpoint's signature",     "UPDATE audit_checkpoint SET signature = mac",                                 AUDIT_PROBLEM_BAD_SIGNATURE, -1},
    {"one is moved behind the end",  "UPDATE audit SET sequence = 41 WHERE sequence = @1",                        AUDIT_PROBLEM_MISSING, 0},
};
/* clang-format on */

static void keep(struct fixture *f)
{
    fixture_sql(f, "CREATE TABLE kept_audit AS SELECT * FROM audit");
    fixture_sql(f, "CREATE TABLE kept_head AS SELECT * FROM audit_head");
    fixture_sql(f, "CREATE TABLE kept_checkpoint AS SELECT * FROM audit_checkpoint");
}

static void restore(struct fixture *f)
{
    fixture_sql(f, "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept_audit");
    fixture_sql(f, "DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM kept_head");
    fixture_sql(f, "DELETE FROM audit_checkpoint; "
                   "INSERT INTO audit_checkpoint SELECT * FROM kept_checkpoint");
}

static void attack(struct fixture *f, const struct attack *a, int first, int second)
{
    char sql[1024];
    struct verdict v;
    size_t n = 0;

    for (const char *p = a->sql; *p; p++)
        if (*p == '@')
            n += (size_t)snprintf(sql + n, sizeof sql - n, "%d", *++p == '1' ? first : second);
        else
            sql[n++] = *p;
    sql[n] = 0;
    fixture_sql(f, sql);
    v = trail_verify(f);
    cr_expect_neq(v.problem, AUDIT_PROBLEM_UNSPECIFIED, "%s at %d, %d: not found", a->name, first,
                  second);
    if (a->problem)
        cr_expect_eq(v.problem, a->problem, "%s at %d, %d: found %d", a->name, first, second,
                     (int)v.problem);
    if (a->at == 0 && a->problem)
        cr_expect_eq(v.sequence, (uint64_t)first, "%s at %d, %d: found at %llu", a->name, first,
                     second, (unsigned long long)v.sequence);
}

STORE_TEST(every_attack_is_found_wherever_it_is)
{
    unsigned seed = 20261120;

    trail_leads(f, LENGTH);
    trail_seal(f);
    keep(f);
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        for (int round = 0; round < 4; round++) {
            int first = 2 + rand_r(&seed) % (LENGTH - 4);
            int second = first + 1 + rand_r(&seed) % (LENGTH - first);

            attack(f, &attacks[i], first, second);
            restore(f);
            expect_intact(f, LENGTH);
        }
}

static void put_hex(char *out, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        snprintf(out + 2 * i, 3, "%02x", p[i]);
}

/* A literal of either engine. */
static void bytes_sql(struct fixture *f, char out[160], const unsigned char *p, size_t n)
{
    char hex[2 * AUDIT_SIGNATURE_BYTES + 1];

    put_hex(hex, p, n);
    snprintf(out, 160, f->engine == ENGINE_SQLITE ? "X'%s'" : "'\\x%s'::bytea", hex);
}

static void rewrite_row(struct fixture *f, AuditEntry *e, struct audit_chain *at,
                        const unsigned char key[AUDIT_KEY_BYTES])
{
    unsigned char digest[AUDIT_DIGEST_BYTES], mac[AUDIT_DIGEST_BYTES];
    char sql[512], text[160];
    uint64_t was = e->sequence;

    e->sequence = at->count + 1;
    audit_entry_digest(e, digest);
    audit_chain_mac(at, key, digest, mac);
    audit_chain_step(at, digest, mac);
    bytes_sql(f, text, mac, sizeof mac);
    snprintf(sql, sizeof sql, "UPDATE audit SET sequence = %llu, mac = %s WHERE sequence = %llu",
             (unsigned long long)at->count, text, (unsigned long long)was);
    fixture_sql(f, sql);
}

/* Drops an entry and makes all behind it anew: chain, head and signature, under keys of its own. */
static void rewrite(struct fixture *f, uint64_t drop)
{
    unsigned char key[AUDIT_KEY_BYTES] = "not the tenant's key at all";
    struct audit_checkpoint head = {.time_us = 1};
    char sql[1024], mac[160], digest[160], signature[160];
    AuditEntry **e;
    size_t n;

    e = trail_list(f, "", &n);
    snprintf(sql, sizeof sql, "DELETE FROM audit WHERE sequence = %llu", (unsigned long long)drop);
    fixture_sql(f, sql);
    for (size_t i = 0; i < n; i++)
        if (e[i]->sequence < drop) {
            unsigned char d[AUDIT_DIGEST_BYTES];

            audit_entry_digest(e[i], d);
            audit_chain_step(&head.chain, d, e[i]->chain_mac.data);
        } else if (e[i]->sequence > drop) {
            rewrite_row(f, e[i], &head.chain, key);
        }
    cr_assert(audit_sign(&head, key));
    bytes_sql(f, mac, head.chain.mac, sizeof head.chain.mac);
    bytes_sql(f, digest, head.chain.digest, sizeof head.chain.digest);
    bytes_sql(f, signature, head.signature, sizeof head.signature);
    snprintf(sql, sizeof sql,
             "UPDATE audit_head SET count = %llu, time = 1, mac = %s, digest = %s, signature = %s; "
             "DELETE FROM audit_checkpoint",
             (unsigned long long)head.chain.count, mac, digest, signature);
    fixture_sql(f, sql);
}

STORE_TEST(a_chain_rewritten_under_another_key_is_found)
{
    struct verdict before, after;

    trail_leads(f, LENGTH);
    trail_seal(f);
    before = trail_verify(f);
    keep(f);
    rewrite(f, 17);
    after = trail_verify(f);
    cr_expect_eq(after.problem, AUDIT_PROBLEM_BAD_SIGNATURE);
    cr_expect_not(audit_is_signed(&after.state.head, before.state.public_key));
    fixture_sql(f, "DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM kept_head");
    after = trail_verify(f);
    cr_expect_eq(after.problem, AUDIT_PROBLEM_ALTERED, "%d", (int)after.problem);
    cr_expect_eq(after.sequence, 17);
}

STORE_TEST(nothing_is_sealed_on_top_of_a_forged_end)
{
    size_t n;

    trail_leads(f, 3);
    trail_seal(f);
    keep(f);
    fixture_sql(f, "UPDATE audit_head SET count = 2");
    trail_leads(f, 1);
    RUN(f, STORE_WRITE, seal_unit, &n, STATUS_DATA_LOSS);
    fixture_sql(f, "DELETE FROM audit_head");
    RUN(f, STORE_WRITE, seal_unit, &n, STATUS_DATA_LOSS);
    fixture_sql(f, "DELETE FROM audit_head; INSERT INTO audit_head SELECT * FROM kept_head");
    cr_expect_eq(trail_seal(f), 1);
    expect_intact(f, 4);
}

static enum status placed_unit(struct call *c, struct tx *tx, void *arg)
{
    AuditEntry e = AUDIT_ENTRY_INIT;
    uint64_t *sequence = arg;

    (void)c;
    e.record_kind = "lead";
    e.reason = "an erasure";
    return tx_audit_placed(tx, &e, sequence);
}

/* And what waits comes behind it. */
STORE_TEST(a_placed_entry_has_its_place_at_once)
{
    uint64_t sequence = 0;
    AuditEntry **entries;
    size_t n;

    trail_leads(f, 2);
    trail_seal(f);
    trail_leads(f, 2);
    RUN(f, STORE_WRITE, placed_unit, &sequence, STATUS_OK);
    cr_expect_eq(sequence, 3);
    entries = trail_list(f, "sequence = 3", &n);
    cr_assert_eq(n, 1);
    cr_expect_str_eq(entries[0]->reason, "an erasure");
    cr_expect_eq(trail_seal(f), 2);
    expect_intact(f, 5);
    keep(f);
    fixture_sql(f, "UPDATE audit_head SET count = 4");
    RUN(f, STORE_WRITE, placed_unit, &sequence, STATUS_DATA_LOSS);
}

static enum status trim_unit(struct call *c, struct tx *tx, void *arg)
{
    size_t *n = arg;

    return tx_audit_trim(tx, call_now_us(c), n);
}

/* The clock is that of the database's rows: they are made older, not the time later. */
STORE_TEST(retention_never_takes_what_is_younger_than_183_days)
{
    size_t n;

    trail_leads(f, 20);
    trail_seal(f);
    RUN(f, STORE_WRITE, trim_unit, &n, STATUS_OK);
    cr_expect_eq(n, 0);
    expect_intact(f, 20);
}

static int64_t offset_us;

static int64_t shifted_now(const struct clock_ops *clock)
{
    (void)clock;
    return system_clock.now_us(&system_clock) + offset_us;
}

STORE_TEST(a_trimmed_chain_stays_verifiable)
{
    struct clock_ops clock = system_clock;
    struct verdict v;
    size_t n;

    clock.now_us = shifted_now;
    f->call.clock = &clock;
    offset_us = -200 * INT64_C(86400000000);
    trail_leads(f, 20);
    trail_seal(f);
    offset_us = 0;
    trail_leads(f, 5);
    trail_seal(f);
    RUN(f, STORE_WRITE, trim_unit, &n, STATUS_OK);
    cr_expect_eq(n, 20);
    RUN(f, STORE_WRITE, trim_unit, &n, STATUS_OK);
    cr_expect_eq(n, 0);
    v = trail_verify(f);
    cr_expect_eq(v.problem, AUDIT_PROBLEM_UNSPECIFIED);
    cr_expect_eq(v.checked, 5);
    cr_expect_eq(v.state.trimmed.chain.count, 20);
    trail_leads(f, 1);
    trail_seal(f);
    expect_intact(f, 6);
    fixture_sql(f, "DELETE FROM audit WHERE sequence = 21");
    cr_expect_eq(trail_verify(f).problem, AUDIT_PROBLEM_MISSING);
}
