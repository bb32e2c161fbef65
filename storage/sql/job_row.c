/* Rows of table job become struct job. */
#include "sql/job_row.h"

#include <assert.h>

enum status job_rows_init(struct job_rows *r, struct tx *tx, size_t cap)
{
    *r = (struct job_rows){.tx = tx, .cap = cap};
    r->jobs = NEW(&tx->call->arena, struct job, cap);
    return r->jobs ? STATUS_OK : call_nomem(tx->call);
}

enum status job_rows_take(void *arg, const struct sql_value *cols, size_t n)
{
    struct job_rows *r = arg;
    struct arena *a = &r->tx->call->arena;
    struct job *j = &r->jobs[r->n_jobs];

    assert(n == 13 && r->n_jobs < r->cap);
    *j = (struct job){.tenant_id = cols[0].i,
                      .kind = arena_str(a, cols[2].s),
                      .key = arena_str(a, cols[3].s),
                      .state = (enum job_state)cols[4].i,
                      .due_us = cols[5].i,
                      .lease_until_us = cols[6].i,
                      .fence = cols[7].i,
                      .attempts = cols[8].i,
                      .create_us = cols[9].i,
                      .update_us = cols[10].i,
                      .payload = arena_str(a, cols[11].s), /* sealed, for now */
                      .reason = arena_str(a, cols[12].s)};
    if (cols[1].s.n == sizeof j->id.b)
        memcpy(j->id.b, cols[1].s.p, sizeof j->id.b);
    r->n_jobs++;
    return j->kind.p && j->key.p && j->payload.p && j->reason.p ? STATUS_OK
                                                                : call_nomem(r->tx->call);
}

static enum status open_payload(struct tx *tx, struct job *j)
{
    struct seal_place place = job_place(j->tenant_id, j->id);
    const struct seal_key *key;
    str sealed = j->payload;

    j->payload = (str){0};
    if (!sealed.n)
        return STATUS_OK;
    TRY(tx_key_of(tx, j->tenant_id, sealed, &key));
    j->is_damaged = !key || !seal_open(tx->call, key, &place, sealed, &j->payload);
    return tx->call->fault.status; /* no memory, or fine */
}

enum status job_rows_open(struct job_rows *r, size_t job)
{
    for (; job < r->n_jobs; job++)
        TRY(open_payload(r->tx, &r->jobs[job]));
    return STATUS_OK;
}
