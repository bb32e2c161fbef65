/*
 * Group commit. The thread opens a transaction, runs whatever waits and commits once; units that
 * arrive in the meantime join as long as the group is small and young. Only then does anybody hear
 * of success. Tenants take turns: a queue full of one's units is one unit ahead of another's.
 * Batches of imports may wait longer for it: keys are digests, so batches that are committed
 * together touch the same pages, and a page is written once.
 *
 * A unit that fails must take nothing of the others with it. Most failures come before the first
 * write and leave nothing; after one that does not, the group is rolled back and run again with a
 * savepoint for each. Savepoints for all would cost every group: SQLite copies each page aside
 * that a savepoint is the first to change.
 */
#include "sqlite/writer.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/kill_point.h"
#include "base/wait.h"
#include "sql/turns.h"

enum {
    GROUP_MAX = 64,      /* units in a commit */
    GROUP_NS = 60000000, /* age at which a group takes no more: units of an import take this long */
    LATE_NS = 250000000, /* the same where no caller waits for a short unit */
    SHORT_NS = 4000000,  /* a unit that takes longer is a batch of an import, or the like */
    CANCEL_CHECK_MS = 50, /* how often a waiting caller looks whether it was cancelled */
};

enum ticket_state { WAITING, RUNNING, DONE };

/* A unit in the queue; lives on its caller's stack. */
struct ticket {
    struct turns_item item; /* first: an item of the queue is a ticket */
    struct ticket *next;    /* of the group */
    struct call *call;
    struct sql_unit *unit;
    enum ticket_state state;
    enum status status;
    pthread_cond_t done;
};

struct writer {
    struct sqlite_conn *conn; /* the thread's own */
    pthread_t thread;
    size_t queue_max;
    pthread_mutex_t lock; /* guards all that follows, and every ticket's state and status */
    pthread_cond_t work;
    pthread_condattr_t monotonic;
    struct turns waiting; /* a lane is a tenant */
    bool stop;
};

/* What is known of the units that share a transaction. */
struct group {
    int64_t began_ns;
    int n;
    bool is_awaited; /* a short one among them is of a caller, not of a job */
};

static struct ticket *take(struct writer *w)
{
    struct ticket *t = (struct ticket *)turns_pop(&w->waiting, NULL, NULL);

    if (t)
        t->state = RUNNING;
    return t;
}

static void report(struct ticket *t, struct sql_conn *conn)
{
    t->unit->error = conn->error;
    t->unit->taken = conn->taken;
}

/* The unit itself. Afterwards nothing of its call is looked at: what follows must not be
 * interrupted by a deadline. */
static void run_unit(struct writer *w, struct ticket *t)
{
    struct sqlite_conn *conn = w->conn;

    if (t->status == STATUS_OK)
        t->status = t->unit->fn(t->call, &conn->base, t->unit->arg);
    if (t->status == STATUS_OK && conn->base.error != SQL_ERROR_NONE)
        t->status = sql_fail(t->call, &conn->base, conn->base.error, NULL);
    report(t, &conn->base);
    conn_leave(conn);
    conn->base.error = SQL_ERROR_NONE;
}

/* Runs one unit in the transaction of its group. False: it failed after it had written, which only
 * a rollback of all takes back. */
static bool run_in_group(struct writer *w, struct ticket *t)
{
    conn_enter(w->conn, t->call);
    t->status = STATUS_OK;
    run_unit(w, t);
    return t->status == STATUS_OK || !w->conn->wrote || !conn_in_transaction(w->conn);
}

/* Runs one unit in a savepoint, so that it takes nothing of the others with it when it fails. */
static void run_apart(struct writer *w, struct ticket *t)
{
    struct sqlite_conn *conn = w->conn;

    conn_enter(conn, t->call);
    t->status = conn_do(conn, t->call, "SAVEPOINT u");
    run_unit(w, t);
    if (!conn_in_transaction(conn))
        return;
    if (t->status != STATUS_OK &&
        sqlite3_exec(conn->db, "ROLLBACK TO u", NULL, NULL, NULL) != SQLITE_OK)
        sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL);
    else if (sqlite3_exec(conn->db, "RELEASE u", NULL, NULL, NULL) != SQLITE_OK &&
             t->status == STATUS_OK)
        t->status = sql_fail(t->call, &conn->base, SQL_ERROR_IO, NULL);
}

/* Takes back what the units of a group that was not committed found: their successes, and their
 * refusals too, which may rest on rows of the group that never came to be. */
static void undo_all(struct ticket *group, enum sql_error error)
{
    for (struct ticket *t = group; t; t = t->next)
        if (t->unit->error == SQL_ERROR_NONE) {
            call_clear(t->call);
            t->unit->error = error;
            t->status = sql_fail(t->call, NULL, error, NULL);
        }
}

static void commit(struct writer *w, struct ticket *group)
{
    struct sqlite_conn *conn = w->conn;
    struct call *c = group->call;
    enum sql_error error = SQL_ERROR_BUSY; /* lost by another unit's failure: run again */
    struct fault before = c->fault;

    if (conn_in_transaction(conn)) {
        conn_enter(conn, NULL);
        kill_here(KILL_COMMIT_BEFORE);
        if (!sql_fault_hits(conn->base.driver, &error) && conn_do(conn, c, "COMMIT") == STATUS_OK) {
            kill_here(KILL_COMMIT_AFTER);
            return;
        }
        if (conn->base.error != SQL_ERROR_NONE)
            error = conn->base.error;
        c->fault = before;
        if (conn_in_transaction(conn))
            sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL);
    }
    undo_all(group, error);
}

static bool begin(struct writer *w, struct ticket *t)
{
    conn_enter(w->conn, t->call);
    t->status = conn_do(w->conn, t->call, "BEGIN IMMEDIATE");
    if (t->status == STATUS_OK)
        return true;
    report(t, &w->conn->base);
    conn_leave(w->conn);
    return false;
}

/* A unit of the group failed after it had written: all again, each in a savepoint. What they have
 * said so far rests on a transaction that never was. */
static void run_again(struct writer *w, struct ticket *group)
{
    struct ticket *t;

    for (t = group; t; t = t->next) {
        call_clear(t->call);
        t->unit->error = SQL_ERROR_NONE;
        t->unit->taken = COLUMN_NONE;
        t->status = STATUS_OK;
    }
    if (conn_in_transaction(w->conn) || !begin(w, group))
        return; /* commit() tells the others */
    for (t = group; t && conn_in_transaction(w->conn); t = t->next)
        run_apart(w, t);
}

static int64_t now_ns(void)
{
    return system_clock.monotonic_ns(&system_clock);
}

/* The next unit that waits, if the group may take another one. */
static struct ticket *take_more(struct writer *w, const struct group *g)
{
    struct ticket *t;

    if (g->n == GROUP_MAX || !conn_in_transaction(w->conn) ||
        now_ns() - g->began_ns > (g->is_awaited ? GROUP_NS : LATE_NS))
        return NULL;
    pthread_mutex_lock(&w->lock);
    t = take(w);
    pthread_mutex_unlock(&w->lock);
    return t;
}

/* Runs t and what arrives meanwhile in the transaction that was begun. False: one failed in a way
 * that only a rollback of all takes back. */
static bool run_units(struct writer *w, struct ticket *t)
{
    struct group g = {.began_ns = now_ns()};
    struct ticket **end = &t->next;

    for (;;) {
        int64_t began = now_ns();

        if (!run_in_group(w, t))
            return false;
        g.n++;
        g.is_awaited |=
            t->call->principal.credential != CREDENTIAL_NONE && now_ns() - began < SHORT_NS;
        if ((t = take_more(w, &g)) == NULL)
            return true;
        *end = t;
        end = &t->next;
    }
}

/* Runs a group that begins with t; the lock is not held. Returns the tickets, all finished. */
static struct ticket *run_group(struct writer *w, struct ticket *t)
{
    if (!begin(w, t))
        return t;
    if (!run_units(w, t)) {
        sqlite3_exec(w->conn->db, "ROLLBACK", NULL, NULL, NULL);
        if (!t->next && !conn_in_transaction(w->conn))
            return t; /* it was alone: that was all */
        run_again(w, t);
    }
    commit(w, t);
    return t;
}

static void *work(void *arg)
{
    struct writer *w = arg;
    struct ticket *t;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (!w->waiting.n && !w->stop)
            pthread_cond_wait(&w->work, &w->lock);
        if ((t = take(w)) == NULL)
            break;
        pthread_mutex_unlock(&w->lock);
        t = run_group(w, t);
        pthread_mutex_lock(&w->lock);
        while (t) { /* a ticket is gone as soon as its caller wakes up */
            struct ticket *next = t->next;

            t->state = DONE;
            pthread_cond_signal(&t->done);
            t = next;
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* With the lock held: takes a ticket that has not begun out of the queue. */
static void withdraw(struct writer *w, struct ticket *t)
{
    turns_remove(&w->waiting, &t->item);
    t->state = DONE;
}

static void wait_a_while(struct writer *w, struct ticket *t)
{
    int64_t ns = call_left_ns(t->call, (int64_t)CANCEL_CHECK_MS * 1000000);
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    ns += until.tv_nsec + 1000;
    until.tv_sec += ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    pthread_cond_timedwait(&t->done, &w->lock, &until);
}

/* With the lock held: until the unit is done, or its caller may wait no longer and it has not
 * begun. */
static void wait_for(struct writer *w, struct ticket *t)
{
    while (t->state != DONE) {
        if (t->state == RUNNING) { /* the call is the writer's: do not touch it */
            pthread_cond_wait(&t->done, &w->lock);
            continue;
        }
        wait_a_while(w, t);
        if (t->state == WAITING && (t->status = call_check(t->call)) != STATUS_OK)
            withdraw(w, t);
    }
}

enum status writer_run(struct writer *w, struct call *c, struct sql_unit *unit)
{
    struct ticket t = {
        .item.lane = (uint32_t)unit->tenant_id, .call = c, .unit = unit, .state = WAITING};

    pthread_mutex_lock(&w->lock);
    if (w->waiting.n >= w->queue_max || w->stop) {
        pthread_mutex_unlock(&w->lock);
        unit->error = SQL_ERROR_QUEUE;
        return sql_fail(c, NULL, SQL_ERROR_QUEUE, NULL);
    }
    pthread_cond_init(&t.done, &w->monotonic);
    turns_push(&w->waiting, &t.item);
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    wait_begins();
    pthread_mutex_lock(&w->lock);
    wait_for(w, &t);
    pthread_mutex_unlock(&w->lock);
    wait_ends();
    pthread_cond_destroy(&t.done);
    return t.status;
}

enum status writer_open(struct call *c, struct sqlite_conn *conn, size_t queue_max,
                        struct writer **out)
{
    struct writer *w = calloc(1, sizeof *w);

    *out = NULL;
    if (!w) {
        conn_close(conn);
        return call_nomem(c);
    }
    w->conn = conn;
    w->queue_max = queue_max;
    turns_init(&w->waiting);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&w->monotonic);
    pthread_condattr_setclock(&w->monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->work, NULL);
    if (pthread_create(&w->thread, NULL, work, w)) {
        conn_close(conn);
        free(w);
        return call_fail(c, STATUS_EXHAUSTED, "cannot start the writer thread");
    }
    *out = w;
    return STATUS_OK;
}

void writer_close(struct writer *w)
{
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    assert(!w->waiting.n);
    conn_close(w->conn);
    pthread_cond_destroy(&w->work);
    pthread_condattr_destroy(&w->monotonic);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
