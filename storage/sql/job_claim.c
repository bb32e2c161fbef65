/*
 * Claims. Looking costs two index probes per kind; taking is one statement per kind, oldest first.
 * When a kind has a backlog, that would give all turns to the tenant that put most of it: then the
 * claim walks from tenant to tenant through an index of its own (a recursive query that jumps to
 * the next tenant, however many rows this one has), gives each that has something due a share, and
 * only what is left goes to the oldest.
 */
#include <assert.h>

#include "base/buf.h"
#include "sql/job_held.h"
#include "sql/job_row.h"

enum {
    TURN_LOOK_MAX = 256, /* tenants that one claim of a kind looks at */
    TURN_TAKE_MAX = 32,  /* tenants that it takes from: one statement each */
    LOOK_TEXT_MAX = 4096,
};

/* $1 kind $2 now $3 lease end $4 limit. The CTE is run once, so that LIMIT means what it says. */
#define TAKE(where, order, lock)                                                                   \
    "WITH ready(t, i) AS MATERIALIZED (SELECT tenant_id, id FROM job WHERE kind = $1 AND " where   \
    " ORDER BY " order " LIMIT $4" lock ") "                                                       \
    "UPDATE job SET state = 1, lease_until = $3, fence = fence + 1, attempts = attempts + 1, "     \
    "update_time = $2 FROM ready WHERE tenant_id = t AND id = i RETURNING " JOB_FIELDS
#define LOCK " FOR UPDATE SKIP LOCKED"

enum take { TAKE_EXPIRED, TAKE_OLDEST, TAKE_TENANT };

static const char *const takes[][2] = {
    /* [1]: where several write at once */
    [TAKE_EXPIRED] = {TAKE("state = 1 AND lease_until <= $2", "lease_until", ""),
                      TAKE("state = 1 AND lease_until <= $2", "lease_until", LOCK)},
    [TAKE_OLDEST] = {TAKE("state = 0 AND due_at <= $2", "due_at", ""),
                     TAKE("state = 0 AND due_at <= $2", "due_at", LOCK)},
    [TAKE_TENANT] = {TAKE("state = 0 AND tenant_id = $5 AND due_at <= $2", "due_at", ""),
                     TAKE("state = 0 AND tenant_id = $5 AND due_at <= $2", "due_at", LOCK)},
};

struct claim {
    struct tx *tx;
    int64_t now_us;
    struct job_rows rows;       /* room for the limits of all kinds */
    struct job_holders holders; /* of the kind at hand, when it has a cap */
};

/* Takes up to limit jobs of w's kind. */
static enum status take(struct claim *c, struct job_want *w, enum take how, size_t limit,
                        int64_t tenant_id)
{
    const struct sql_value args[] = {sql_text(w->kind), sql_int(c->now_us),
                                     sql_int(c->now_us + w->lease_us), sql_int((int64_t)limit),
                                     sql_int(tenant_id)};
    size_t before = c->rows.n_jobs;

    TRY(tx_query(c->tx,
                 &(struct sql_statement){takes[how][c->tx->store->driver->ops->skips_locked], args,
                                         how == TAKE_TENANT ? 5 : 4},
                 job_rows_take, &c->rows));
    w->n_claimed += c->rows.n_jobs - before;
    return STATUS_OK;
}

/* Tenants with jobs of a kind that wait, in turn. */
struct turn {
    int64_t tenants[TURN_LOOK_MAX]; /* [n] whose first job is due */
    size_t n, n_seen;
    int64_t now_us, last; /* the last one looked at */
};

/* tenant_id, due_at */
static enum status turn_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct turn *t = arg;

    assert(n == 2 && t->n_seen < TURN_LOOK_MAX);
    t->n_seen++;
    t->last = cols[0].i;
    if (cols[1].type == SQL_INT && cols[1].i <= t->now_us)
        t->tenants[t->n++] = cols[0].i;
    return STATUS_OK;
}

static enum status look_from(struct claim *c, const struct job_want *w, int64_t after,
                             struct turn *out)
{
    static const char text[] =
        "WITH RECURSIVE turn(t, n) AS ("
        "SELECT (SELECT tenant_id FROM job WHERE state = 0 AND kind = $1 AND tenant_id > $2 "
        "ORDER BY tenant_id LIMIT 1), 1 UNION ALL "
        "SELECT (SELECT tenant_id FROM job WHERE state = 0 AND kind = $1 AND tenant_id > turn.t "
        "ORDER BY tenant_id LIMIT 1), n + 1 FROM turn WHERE t IS NOT NULL AND n < $3) "
        "SELECT t, (SELECT due_at FROM job WHERE state = 0 AND kind = $1 AND tenant_id = turn.t "
        "ORDER BY due_at LIMIT 1) FROM turn WHERE t IS NOT NULL";
    const struct sql_value args[] = {sql_text(w->kind), sql_int(after), sql_int(TURN_LOOK_MAX)};

    *out = (struct turn){.now_us = c->now_us};
    return tx_query(c->tx, &(struct sql_statement){text, args, 3}, turn_row, out);
}

/* A tenant's share, as far as its cap lets it have that. */
static enum status take_share(struct claim *c, struct job_want *w, int64_t tenant_id, size_t share)
{
    size_t before = w->n_claimed, room = share;

    if (w->tenant_most)
        room = job_holders_room(&c->holders, tenant_id, w->tenant_most);
    w->is_capped |= room < share;
    if (!room)
        return STATUS_OK;
    TRY(take(c, w, TAKE_TENANT, room < share ? room : share, tenant_id));
    job_holders_add(&c->holders, tenant_id, w->n_claimed - before);
    return STATUS_OK;
}

/* A share for each of the next tenants that have something due. */
static enum status take_in_turn(struct claim *c, struct job_want *w)
{
    struct turn turn;
    size_t n, share;

    TRY(look_from(c, w, w->turn, &turn));
    if (!turn.n_seen) /* behind the last tenant: from the first again */
        TRY(look_from(c, w, JOB_TURN_NONE, &turn));
    n = turn.n < TURN_TAKE_MAX ? turn.n : TURN_TAKE_MAX;
    w->next_turn = n < turn.n ? turn.tenants[n - 1] : turn.last;
    if (turn.n_seen < TURN_LOOK_MAX && n == turn.n)
        w->next_turn = INT64_MAX; /* that was the last one */
    for (size_t i = 0; i < n && w->n_claimed < w->limit; i++) {
        share = (w->limit - w->n_claimed) / (n - i);
        TRY(take_share(c, w, turn.tenants[i], share ? share : 1));
    }
    return STATUS_OK;
}

/* Some tenant may have nothing more: the oldest jobs may be those that must be left. */
static bool is_near_cap(const struct claim *c, const struct job_want *w)
{
    return w->tenant_most && c->holders.most >= w->tenant_most;
}

/* So many that nobody is above the cap, should they all be of one tenant. */
static enum status take_oldest(struct claim *c, struct job_want *w)
{
    size_t limit = w->limit - w->n_claimed, room = limit, before = w->n_claimed;

    if (w->tenant_most)
        room = w->tenant_most > c->holders.most ? w->tenant_most - c->holders.most : 0;
    room = room < limit ? room : limit;
    if (!room)
        return STATUS_OK;
    TRY(take(c, w, TAKE_OLDEST, room, 0));
    w->is_capped |= room < limit && w->n_claimed - before == room;
    return STATUS_OK;
}

static enum status take_kind(struct claim *c, struct job_want *w, bool is_expired)
{
    if (!w->limit || !w->next_us || w->next_us > c->now_us)
        return STATUS_OK;
    if (is_expired)
        TRY(take(c, w, TAKE_EXPIRED, w->limit, 0));
    c->holders = (struct job_holders){.n = 0};
    if (w->tenant_most)
        TRY(job_holders_read(c->tx, w->kind, c->now_us, &c->holders));
    if ((w->turn != JOB_TURN_NONE || is_near_cap(c, w)) && w->n_claimed < w->limit)
        TRY(take_in_turn(c, w));
    return take_oldest(c, w);
}

struct look {
    struct job_want *wants;
    int64_t *leases; /* [n] when the first lease of a kind runs out; INT64_MAX: none */
    size_t n;
};

/* The kind's place in `wants`, due_at of the first that waits, lease_until of the first leased. */
static enum status look_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct look *l = arg;
    struct job_want *w;

    assert(n == 3 && cols[0].i >= 0 && (size_t)cols[0].i < l->n);
    w = &l->wants[cols[0].i];
    if (cols[1].type == SQL_INT)
        w->oldest_us = w->next_us = cols[1].i;
    if (cols[2].type == SQL_INT) {
        l->leases[cols[0].i] = cols[2].i;
        w->next_us = w->next_us && w->next_us < cols[2].i ? w->next_us : cols[2].i;
    }
    return STATUS_OK;
}

/* What is there, of all kinds in one statement. */
static enum status look(struct tx *tx, struct look *l)
{
    struct sql_value *args = NEW(&tx->call->arena, struct sql_value, l->n);
    struct buf b;

    buf_init(&b, &tx->call->arena, LOOK_TEXT_MAX);
    buf_put(&b, STR("SELECT k.column1, (SELECT due_at FROM job WHERE state = 0 AND "
                    "kind = k.column2 ORDER BY due_at LIMIT 1), (SELECT lease_until FROM job WHERE "
                    "state = 1 AND kind = k.column2 ORDER BY lease_until LIMIT 1) FROM (VALUES "));
    if (!args)
        return call_nomem(tx->call);
    for (size_t i = 0; i < l->n; i++) {
        l->leases[i] = INT64_MAX;
        buf_printf(&b, "%s(%zu, $%zu)", i ? ", " : "", i, i + 1);
        args[i] = sql_text(l->wants[i].kind);
    }
    buf_put(&b, STR(") AS k"));
    if (!buf_ok(&b))
        return call_nomem(tx->call);
    return tx_query(tx, &(struct sql_statement){buf_str(&b).p, args, l->n}, look_row, l);
}

static enum status begin(struct claim *c, struct tx *tx, struct job_want *wants, size_t n)
{
    size_t cap = 0;

    for (size_t i = 0; i < n; i++) {
        assert(wants[i].limit <= JOB_CLAIM_MAX);
        wants[i].n_claimed = 0;
        wants[i].is_capped = false;
        wants[i].oldest_us = wants[i].next_us = 0;
        wants[i].next_turn = wants[i].turn == JOB_TURN_NONE ? 0 : wants[i].turn;
        cap += wants[i].limit;
    }
    *c = (struct claim){.tx = tx, .now_us = call_now_us(tx->call)};
    return job_rows_init(&c->rows, tx, cap + 1);
}

enum status tx_job_claim(struct tx *tx, struct job_want *wants, size_t n, struct job_list *out)
{
    int64_t leases[JOB_KINDS_MAX] = {0};
    struct look l = {wants, leases, n};
    struct claim c;

    assert(tx->tenant_id == 0 && n > 0 && n <= JOB_KINDS_MAX);
    *out = (struct job_list){0};
    TRY(tx_writable(tx));
    TRY(begin(&c, tx, wants, n));
    TRY(look(tx, &l));
    for (size_t i = 0; i < n; i++)
        TRY(take_kind(&c, &wants[i], leases[i] <= c.now_us));
    TRY(job_rows_open(&c.rows, 0));
    *out = (struct job_list){c.rows.jobs, c.rows.n_jobs};
    return STATUS_OK;
}
