/* Rotation of data keys and master keys, on both engines. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/store_test.h"
#include "store/key.h"

#define STORE_SUITE store_key

enum { LEADS = 300, BATCH = 64, NEVER_S = 3600 };

static enum status rotate_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_key_rotate(tx, arg);
}

static enum status pending_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_key_pending(tx, arg);
}

static enum status reseal_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_key_reseal(tx, arg, BATCH);
}

struct retire {
    int64_t grace_s;
    size_t n, n_left;
};

static enum status retire_unit(struct call *c, struct tx *tx, void *arg)
{
    struct retire *r = arg;

    (void)c;
    return tx_key_retire(tx, r->grace_s, &r->n, &r->n_left);
}

static enum status rewrap_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_key_rewrap(tx, arg);
}

static uint32_t rotate(struct fixture *f)
{
    uint32_t version = 0;

    RUN(f, STORE_WRITE, rotate_unit, &version, STATUS_OK);
    store_keys_forget(f->store, f->call.principal.tenant_id);
    return version;
}

static uint64_t pending(struct fixture *f)
{
    uint64_t n = 0;

    RUN(f, STORE_READ, pending_unit, &n, STATUS_OK);
    return n;
}

static struct key_walk reseal_all(struct fixture *f)
{
    struct key_walk walk = {0};

    for (int i = 0; !walk.is_done && i < 1000; i++)
        RUN(f, STORE_WRITE, reseal_unit, &walk, STATUS_OK);
    cr_assert(walk.is_done);
    return walk;
}

static struct retire retire(struct fixture *f, int64_t grace_s)
{
    struct retire r = {.grace_s = grace_s};

    RUN(f, STORE_WRITE, retire_unit, &r, STATUS_OK);
    return r;
}

static size_t rewrap(struct fixture *f)
{
    size_t n = 0;
    enum status s = store_run_system(f->store, &f->call, STORE_WRITE, rewrap_unit, &n);

    cr_assert_eq(s, STATUS_OK, "%s", f->call.fault.why);
    return n;
}

static Lead **put_leads(struct fixture *f, int n)
{
    Lead **leads = NEW(&f->call.arena, Lead *, (size_t)n);
    char text[64];

    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof text, "person%d@example.org", i);
        leads[i] = make_lead(&f->call, "Ada Lovelace", text);
        cr_assert_eq(put_lead(f, &f->call, leads[i]), STATUS_OK, "%s", f->call.fault.why);
    }
    return leads;
}

static void all_readable(struct fixture *f, Lead *const *leads, int n)
{
    for (int i = 0; i < n; i++) {
        Lead *out;

        cr_assert_eq(get_lead(f, &f->call, leads[i]->id, &out), STATUS_OK, "%d: %s", i,
                     f->call.fault.why);
        cr_assert_str_eq(out->email, leads[i]->email);
        cr_assert_str_eq(out->etag, leads[i]->etag);
    }
}

static enum status event_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead *lead = arg;

    (void)c;
    return tx_event(tx, "sales.lead.created", RECORD_LEAD, str_of(lead->id), &lead->base);
}

static enum status events_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_event_list(tx, (struct event_cursor){0}, 100, arg);
}

static enum status update_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_update_lead(tx, arg);
}

STORE_TEST(a_rotation_moves_everything_to_the_new_key)
{
    Lead **leads = put_leads(f, LEADS);
    struct event_page events;
    struct key_walk walk;
    struct retire r;

    RUN(f, STORE_WRITE, event_unit, leads[0], STATUS_OK);
    cr_assert_eq(pending(f), 0);
    cr_assert_eq(rotate(f), 2);
    cr_assert_eq(pending(f), 2 * LEADS + 1, "leads, their audit entries and an event");
    RUN(f, STORE_WRITE, update_unit, leads[1], STATUS_OK); /* moves by being written */
    cr_assert_eq(pending(f), 2 * LEADS);
    all_readable(f, leads, LEADS);
    r = retire(f, 0);
    cr_assert(r.n == 0 && r.n_left == 1, "a key in use stays");
    walk = reseal_all(f);
    cr_assert(walk.resealed == 2 * LEADS && walk.damaged == 0, "%llu",
              (unsigned long long)walk.resealed);
    cr_assert_eq(pending(f), 0);
    r = retire(f, NEVER_S);
    cr_assert(r.n == 0 && r.n_left == 1, "a key replaced just now stays");
    r = retire(f, 0);
    cr_assert(r.n == 1 && r.n_left == 0);
    cr_assert_eq(fixture_number(f, "SELECT COUNT(*) FROM tenant_key WHERE tenant_id = 1"), 2);
    cr_assert_eq(fixture_reopen(f), STATUS_OK);
    all_readable(f, leads, LEADS);
    RUN(f, STORE_WRITE, update_unit, leads[2], STATUS_OK); /* its etag is the one from before */
    RUN(f, STORE_READ, events_unit, &events, STATUS_OK);
    cr_assert_eq(events.n_events, 1);
}

STORE_TEST(another_server_notices_a_new_key)
{
    Lead *old = make_lead(&f->call, "Old", "old@example.org"), *new, *out;
    struct fixture other = *f;
    struct event_page events;
    uint32_t version;

    other.store = NULL;
    fixture_call(&other.call, 1);
    cr_assert_eq(fixture_reopen(&other), STATUS_OK, "%s", other.call.fault.why);
    cr_assert_eq(put_lead(f, &f->call, old), STATUS_OK);
    cr_assert_eq(get_lead(&other, &other.call, old->id, &out), STATUS_OK); /* its keys are read */
    version = rotate(f);
    new = make_lead(&f->call, "New", "new@example.org");
    cr_assert_eq(put_lead(f, &f->call, new), STATUS_OK);
    RUN(f, STORE_WRITE, event_unit, new, STATUS_OK);
    cr_assert_eq(get_lead(&other, &other.call, new->id, &out), STATUS_OK, "%s",
                 other.call.fault.why);
    cr_assert_str_eq(out->email, "new@example.org");
    RUN(&other, STORE_READ, events_unit, &events, STATUS_OK);
    cr_assert_eq(version, 2);
    cr_assert_eq(pending(&other), 2, "the lead and its audit entry");
    store_close(other.store);
    call_release(&other.call);
}

STORE_TEST(what_a_destroyed_key_sealed_stays_closed)
{
    Lead **leads = put_leads(f, 1), *out;

    fixture_sql(f, "CREATE TABLE copy_of_lead AS SELECT id, body FROM lead");
    rotate(f);
    reseal_all(f);
    cr_assert_eq(retire(f, 0).n, 1);
    cr_assert_eq(get_lead(f, &f->call, leads[0]->id, &out), STATUS_OK);
    fixture_sql(f, "UPDATE lead SET body = (SELECT body FROM copy_of_lead)");
    store_keys_forget(f->store, 1);
    cr_assert_eq(get_lead(f, &f->call, leads[0]->id, &out), STATUS_DATA_LOSS);
    cr_assert_str_eq(f->call.fault.reason, "RECORD_DAMAGED");
    cr_assert_not_null(strstr(f->call.fault.why, "lead"));
    cr_assert_null(strstr(f->call.fault.why, "person0"));
}

STORE_TEST(a_damaged_row_keeps_its_key_and_stops_nothing)
{
    Lead **leads = put_leads(f, 3), *out;
    struct key_walk walk;
    struct retire r;

    fixture_sql(f, "UPDATE lead SET version = 7 WHERE id = (SELECT id FROM lead ORDER BY id LIMIT "
                   "1)");
    rotate(f);
    walk = reseal_all(f);
    cr_assert(walk.resealed == 2 + 3 && walk.damaged == 1, "two leads, three audit entries");
    r = retire(f, 0);
    cr_assert(r.n == 0 && r.n_left == 1);
    fixture_sql(f, "UPDATE lead SET version = 1");
    cr_assert_eq(get_lead(f, &f->call, leads[0]->id, &out), STATUS_OK); /* not overwritten */
}

STORE_TEST(too_many_keys_are_refused)
{
    uint32_t version;

    for (uint32_t i = 2; i <= 16; i++)
        cr_assert_eq(rotate(f), i);
    RUN(f, STORE_WRITE, rotate_unit, &version, STATUS_EXHAUSTED);
    cr_assert_eq(retire(f, 0).n, 15);
    cr_assert_eq(rotate(f), 17);
}

/* Rotation under load. */

struct load {
    struct fixture *f;
    atomic_bool stop;
    atomic_int writes, failures;
};

static void *load_thread(void *arg)
{
    struct load *l = arg;
    struct call c;
    Lead *lead, *out;

    for (int i = 0; !atomic_load(&l->stop); i++) {
        fixture_call(&c, 1);
        lead = make_lead(&c, "Grace Hopper", NULL);
        if (put_lead(l->f, &c, lead) != STATUS_OK ||
            store_run(l->f->store, &c, STORE_WRITE, update_unit, lead) != STATUS_OK ||
            get_lead(l->f, &c, lead->id, &out) != STATUS_OK ||
            strcmp(out->full_name, "Grace Hopper") != 0) {
            fprintf(stderr, "%s\n", c.fault.why);
            atomic_fetch_add(&l->failures, 1);
        }
        atomic_fetch_add(&l->writes, 1);
        call_release(&c);
    }
    return NULL;
}

STORE_TEST(writes_and_reads_go_on_through_rotations)
{
    struct load l = {.f = f};
    Lead **leads = put_leads(f, LEADS);
    pthread_t threads[3];
    int before;

    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, load_thread, &l), 0);
    for (uint32_t round = 2; round < 7; round++) {
        before = atomic_load(&l.writes);
        cr_assert_eq(rotate(f), round);
        reseal_all(f);
        while (atomic_load(&l.writes) < before + 20)
            usleep(1000);
    }
    atomic_store(&l.stop, true);
    for (size_t i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    cr_assert_eq(atomic_load(&l.failures), 0);
    reseal_all(f);
    cr_assert_eq(pending(f), 0);
    cr_assert_eq(retire(f, 0).n_left, 0);
    cr_assert_eq(fixture_reopen(f), STATUS_OK);
    all_readable(f, leads, LEADS);
}

/* A process that rotates until it is killed. */
static void rotate_forever(struct fixture *f)
{
    f->store = NULL; /* the parent's */
    fixture_call(&f->call, 1);
    if (fixture_reopen(f) != STATUS_OK)
        _exit(1);
    for (;;) {
        rotate(f);
        reseal_all(f);
        retire(f, 0);
    }
}

STORE_TEST(a_server_killed_in_mid_rotation_loses_nothing)
{
    Lead **leads = put_leads(f, LEADS);
    unsigned char random;
    int status;

    for (int i = 0; i < 8; i++) {
        pid_t child;

        store_close(f->store);
        f->store = NULL;
        child = fork();
        cr_assert_geq(child, 0);
        if (child == 0)
            rotate_forever(f);
        system_clock.random(&system_clock, &random, 1);
        usleep(60000 + random * 500U);
        cr_assert_eq(kill(child, SIGKILL), 0);
        cr_assert_eq(waitpid(child, &status, 0), child);
        cr_assert(WIFSIGNALED(status), "the child ended by itself");
        cr_assert_eq(fixture_reopen(f), STATUS_OK, "%s", f->call.fault.why);
        all_readable(f, leads, LEADS);
    }
    reseal_all(f);
    cr_assert_eq(pending(f), 0);
    cr_assert_eq(retire(f, 0).n_left, 0);
    all_readable(f, leads, LEADS);
}

/* Master keys. */

#define KEY_1 "00112233445566778899aabbccddeeff00112233445566778899aabbccddee01"
#define KEY_2 "2026-11:q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA="
#define KEY_3 "2027-05:ABEiM0RVZneImaq7zN3u_wARIjNEVWZ3iJmqu8zd7gE"

/* Replaces the file at once, as Vault's agent does. */
static void write_master(struct fixture *f, const char *text)
{
    char path[160], tmp[170];
    FILE *file;

    snprintf(path, sizeof path, "%s/master.key", f->dir);
    snprintf(tmp, sizeof tmp, "%s.tmp", path);
    file = fopen(tmp, "w");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0 && rename(tmp, path) == 0);
}

/* The fixture made a key of its own: go on from there. */
static char *own_master(struct fixture *f)
{
    char path[160], text[128] = "";
    FILE *file;

    snprintf(path, sizeof path, "%s/master.key", f->dir);
    file = fopen(path, "r");
    cr_assert(file && fgets(text, sizeof text, file) && fclose(file) == 0);
    return arena_cstr(&f->call.arena, str_trim(str_of(text)));
}

static void refused(struct fixture *f, enum status got, const char *why)
{
    cr_assert_eq(got, STATUS_PRECONDITION, "%s", status_name(got));
    cr_assert_str_eq(f->call.fault.reason, "MASTER_KEY");
    cr_assert_not_null(strstr(f->call.fault.why, why), "%s", f->call.fault.why);
    call_clear(&f->call);
}

STORE_TEST(a_master_key_rotates_without_a_stop)
{
    Lead **leads = put_leads(f, 3);
    char *old = own_master(f);

    cr_assert_eq(rewrap(f), 0);
    write_master(f, arena_printf(&f->call.arena, "# two\n%s\n\nold:%s\n", KEY_2, old));
    cr_assert_eq(store_keys_refresh(f->store, &f->call), STATUS_OK, "%s", f->call.fault.why);
    cr_assert_eq(rewrap(f), 4); /* index and data key of the tenant and of the service */
    cr_assert_eq(rewrap(f), 0);
    all_readable(f, leads, 3);
    write_master(f, KEY_2 "\n");
    cr_assert_eq(store_keys_refresh(f->store, &f->call), STATUS_OK, "%s", f->call.fault.why);
    store_keys_forget(f->store, 1);
    all_readable(f, leads, 3);
    cr_assert_eq(fixture_reopen(f), STATUS_OK, "%s", f->call.fault.why);
    all_readable(f, leads, 3);
    write_master(f, KEY_3 "\n" KEY_2 "\n");
    cr_assert_eq(fixture_reopen(f), STATUS_OK, "%s", f->call.fault.why);
    cr_assert_eq(rewrap(f), 4);
    all_readable(f, leads, 3);
    write_master(f, KEY_2); /* the old one comes back alone: nothing opens, nothing is changed */
    refused(f, fixture_reopen(f), "lack");
    write_master(f, KEY_3);
    cr_assert_eq(fixture_reopen(f), STATUS_OK, "%s", f->call.fault.why);
    all_readable(f, leads, 3);
}

STORE_TEST(an_old_master_key_that_is_still_needed_is_missed)
{
    Lead **leads = put_leads(f, 3);
    char *old = own_master(f), path[160];

    write_master(f, KEY_2);
    refused(f, store_keys_refresh(f->store, &f->call), "lack");
    all_readable(f, leads, 3); /* the keys from before stay in use */
    refused(f, fixture_reopen(f), "lack");
    write_master(f, "no key at all");
    refused(f, fixture_reopen(f), "line 1");
    write_master(f, "");
    refused(f, fixture_reopen(f), "no key");
    snprintf(path, sizeof path, "%s/master.key", f->dir);
    cr_assert_eq(unlink(path), 0);
    refused(f, fixture_reopen(f), "missing");
    cr_assert_neq(access(path, F_OK), 0, "a new key would not open what is there");
    write_master(f, old);
    cr_assert_eq(fixture_reopen(f), STATUS_OK, "%s", f->call.fault.why);
    all_readable(f, leads, 3);
}

STORE_TEST(a_damaged_wrapped_key_is_told)
{
    Lead *lead = make_lead(&f->call, "Ada", NULL), *out;

    cr_assert_eq(put_lead(f, &f->call, lead), STATUS_OK);
    fixture_sql(f, "UPDATE tenant_key SET key_id = key_id + 7 WHERE tenant_id = 1");
    store_keys_forget(f->store, 1);
    cr_assert_eq(get_lead(f, &f->call, lead->id, &out), STATUS_DATA_LOSS);
    cr_assert_str_eq(f->call.fault.reason, "TENANT_KEY");
}
