/* Jobs: put, looked at, ended. What ends a lease names its fence, and nothing else ends one. */
#include <assert.h>

#include "sql/job_row.h"

/* A job that is not there: how PostgreSQL and SQLite alike say what to do when it is. */
/* clang-format off */
#define PUT                                                                                        \
    "INSERT INTO job(tenant_id, id, kind, key, state, due_at, lease_until, fence, attempts, "      \
    "create_time, update_time, body, reason, again_at) "                                           \
    "VALUES($1, $2, $3, $4, 0, $5, 0, 0, 0, $6, $6, $7, '', 0) "                                   \
    "ON CONFLICT (tenant_id, kind, key) DO "

static const char *const put_texts[] = {
    [JOB_KEEP] = PUT "NOTHING",
    [JOB_EARLIER] = PUT
        "UPDATE SET due_at = CASE WHEN job.state = 0 THEN excluded.due_at ELSE job.due_at END, "
        "again_at = CASE WHEN job.state = 1 THEN excluded.due_at ELSE job.again_at END, "
        "update_time = excluded.update_time "
        "WHERE (job.state = 0 AND job.attempts = 0 AND job.due_at > excluded.due_at) "
        "OR (job.state = 1 AND (job.again_at = 0 OR job.again_at > excluded.due_at))",
    [JOB_REPLACE] = PUT
        "UPDATE SET id = excluded.id, state = 0, due_at = excluded.due_at, lease_until = 0, "
        "fence = 0, attempts = 0, create_time = excluded.create_time, "
        "update_time = excluded.update_time, body = excluded.body, reason = '', again_at = 0",
};
/* clang-format on */

static enum status check_put(struct call *c, const struct job_put *put, size_t payload_bytes)
{
    if (!put->kind.n || put->kind.n > JOB_KIND_BYTES_MAX || put->key.n > JOB_KEY_BYTES_MAX ||
        payload_bytes > JOB_PAYLOAD_BYTES_MAX)
        return call_fail_as(c, STATUS_INVALID, "JOB_LIMIT",
                            "a job's kind, key or payload is too long: %zu, %zu, %zu bytes",
                            put->kind.n, put->key.n, payload_bytes);
    return STATUS_OK;
}

/* The payload under the newest key of its tenant; nothing at all when there is nothing to seal. */
static enum status seal_payload(struct tx *tx, const struct job_put *put, struct seal_place place,
                                str *out)
{
    struct call *c = tx->call;
    size_t n = put->message ? protobuf_c_message_get_packed_size(put->message) : put->payload.n;
    struct tenant_keys *keys;
    str plain = put->payload;

    *out = STR("");
    TRY(check_put(c, put, n));
    if (!n)
        return STATUS_OK;
    TRY(tx_keys(tx, place.tenant_id, &keys));
    if (!keys)
        return call_fail(c, STATUS_INTERNAL, "a job with a payload for a tenant without keys");
    if (put->message) {
        uint8_t *bytes = arena_take(&c->arena, n);

        if (!bytes)
            return call_nomem(c);
        plain = (str){(char *)bytes, protobuf_c_message_pack(put->message, bytes)};
    }
    return seal(c, tenant_keys_current(keys), &place, plain, out);
}

static void note_due(struct tx *tx, int64_t due_us)
{
    struct tx *unit = tx_owner(tx);

    if (!unit->job_due_us || due_us < unit->job_due_us)
        unit->job_due_us = due_us;
}

enum status tx_job_put(struct tx *tx, const struct job_put *put)
{
    int64_t tenant_id = tx->tenant_id ? tx->tenant_id : put->tenant_id, now_us;
    int64_t due_us = put->due_us;
    struct uuid id;
    str body;

    assert(put->tenant_id == 0 || put->tenant_id == tenant_id);
    TRY(tx_writable(tx));
    now_us = call_now_us(tx->call);
    id = uuid_new(tx->call);
    due_us = due_us ? due_us : now_us;
    TRY(seal_payload(tx, put, job_place(tenant_id, id), &body));
    note_due(tx, due_us);
    return tx_exec(tx, &(struct sql_statement){put_texts[put->rule],
                                               (struct sql_value[]){
                                                   sql_int(tenant_id),
                                                   sql_bytes(id.b, sizeof id.b),
                                                   sql_text(put->kind),
                                                   sql_text(put->key),
                                                   sql_int(due_us),
                                                   sql_int(now_us),
                                                   sql_bytes(body.p, body.n),
                                               },
                                               7});
}

enum status tx_job_cancel(struct tx *tx, str kind, str key)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_text(kind), sql_text(key)};

    TRY(tx_writable(tx));
    return tx_exec(tx,
                   &(struct sql_statement){
                       "DELETE FROM job WHERE tenant_id = $1 AND kind = $2 AND key = $3", args, 3});
}

static enum status no_such_job(struct tx *tx)
{
    return call_fail(tx->call, STATUS_NOT_FOUND, "there is no such job");
}

enum status tx_job_get(struct tx *tx, str kind, str key, struct job *out)
{
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_text(kind), sql_text(key)};
    struct job_rows rows;

    *out = (struct job){0};
    TRY(job_rows_init(&rows, tx, 1));
    TRY(tx_query(tx,
                 &(struct sql_statement){"SELECT " JOB_FIELDS " FROM job "
                                         "WHERE tenant_id = $1 AND kind = $2 AND key = $3",
                                         args, 3},
                 job_rows_take, &rows));
    TRY(job_rows_open(&rows, 0));
    if (!rows.n_jobs)
        return no_such_job(tx);
    *out = rows.jobs[0];
    return STATUS_OK;
}

enum status tx_job_list(struct tx *tx, const struct job_query *q, struct job_list *out)
{
    static const char all[] = "SELECT " JOB_FIELDS " FROM job WHERE tenant_id = $1 AND id > $2 "
                              "AND ($3 = '' OR kind = $3) AND state IN ($5, $6, $7) "
                              "ORDER BY id LIMIT $4",
                      parked[] = "SELECT " JOB_FIELDS " FROM job WHERE tenant_id = $1 AND id > $2 "
                                 "AND ($3 = '' OR kind = $3) AND state = 2 ORDER BY id LIMIT $4";
    struct sql_value args[7] = {sql_int(tx->tenant_id),
                                sql_bytes(q->after_id.b, sizeof q->after_id.b), sql_text(q->kind),
                                sql_int((int64_t)q->limit)};
    bool is_parked = q->states == 1U << JOB_PARKED;
    struct job_rows rows;

    assert(q->limit > 0 && q->limit <= PAGE_SIZE_MAX);
    *out = (struct job_list){0};
    for (int i = 0; i < 3; i++)
        args[4 + i] = sql_int(!q->states || q->states >> i & 1 ? i : -1);
    TRY(job_rows_init(&rows, tx, q->limit));
    TRY(tx_query(tx, &(struct sql_statement){is_parked ? parked : all, args, is_parked ? 4 : 7},
                 job_rows_take, &rows));
    TRY(job_rows_open(&rows, 0));
    *out = (struct job_list){rows.jobs, rows.n_jobs};
    return STATUS_OK;
}

/* Counts the rows that a statement changed: each returns one column. */
static enum status count_row(void *arg, const struct sql_value *cols, size_t n)
{
    assert(n == 1 && cols[0].type == SQL_INT);
    ++*(size_t *)arg;
    return STATUS_OK;
}

enum status tx_job_unpark(struct tx *tx, str kind, str key, int64_t due_us)
{
    int64_t now_us = call_now_us(tx->call);
    const struct sql_value args[] = {sql_int(tx->tenant_id), sql_text(kind), sql_text(key),
                                     sql_int(due_us ? due_us : now_us), sql_int(now_us)};
    size_t n = 0;

    TRY(tx_writable(tx));
    note_due(tx, args[3].i);
    TRY(tx_query(tx,
                 &(struct sql_statement){
                     "UPDATE job SET state = 0, due_at = $4, attempts = 0, update_time = $5 WHERE "
                     "tenant_id = $1 AND kind = $2 AND key = $3 AND state = 2 RETURNING state",
                     args, 5},
                 count_row, &n));
    return n ? STATUS_OK : no_such_job(tx);
}

/* The lease that $1 to $3 name. */
#define LEASE " WHERE tenant_id = $1 AND id = $2 AND state = 1 AND fence = $3"

/* $4 now, $5 and $6 as each says. A job that was asked for again falls due then, whatever else was
 * wished; one that waits out a failure does not. */
enum end { END_DELETE, END_REPEAT, END_AGAIN, END_RETRY, END_PARK, END_RELEASE, END_RENEW };

static const char *const ends[] = {
    [END_DELETE] = "DELETE FROM job" LEASE " AND again_at = 0 RETURNING fence",
    [END_REPEAT] = "UPDATE job SET state = 0, due_at = again_at, again_at = 0, lease_until = 0, "
                   "attempts = 0, reason = '', update_time = $4" LEASE " RETURNING fence",
    [END_AGAIN] = "UPDATE job SET state = 0, due_at = CASE WHEN again_at > 0 AND again_at < $5 "
                  "THEN again_at ELSE $5 END, again_at = 0, lease_until = 0, attempts = 0, "
                  "reason = '', update_time = $4" LEASE " RETURNING fence",
    [END_RETRY] = "UPDATE job SET state = 0, due_at = $5, again_at = 0, lease_until = 0, "
                  "reason = $6, update_time = $4" LEASE " RETURNING fence",
    [END_PARK] = "UPDATE job SET state = 2, again_at = 0, lease_until = 0, reason = $5, "
                 "update_time = $4" LEASE " RETURNING fence",
    [END_RELEASE] = "UPDATE job SET state = 0, lease_until = 0, attempts = attempts - 1, "
                    "update_time = $4" LEASE " RETURNING fence",
    [END_RENEW] = "UPDATE job SET lease_until = $5, update_time = $4" LEASE " RETURNING fence",
};

enum { LEASE_ARGS = 3 };

/* Runs ends[end] with `more` behind tenant, id and fence; *hit says whether the lease was ours. */
static enum status try_end(struct tx *tx, const struct job *job, enum end end,
                           const struct sql_value *more, bool *hit)
{
    static const size_t n_more[] = {
        [END_DELETE] = 0, [END_REPEAT] = 1,  [END_AGAIN] = 2, [END_RETRY] = 3,
        [END_PARK] = 2,   [END_RELEASE] = 1, [END_RENEW] = 2};
    struct sql_value args[LEASE_ARGS + 3] = {
        sql_int(job->tenant_id), sql_bytes(job->id.b, sizeof job->id.b), sql_int(job->fence)};
    size_t n = 0;

    assert(tx->tenant_id == 0 || tx->tenant_id == job->tenant_id);
    TRY(tx_writable(tx));
    for (size_t i = 0; i < n_more[end]; i++)
        args[LEASE_ARGS + i] = more[i];
    TRY(tx_query(tx, &(struct sql_statement){ends[end], args, LEASE_ARGS + n_more[end]}, count_row,
                 &n));
    *hit = n > 0;
    return STATUS_OK;
}

static enum status lost(struct tx *tx)
{
    return call_fail_as(tx->call, STATUS_CONFLICT, "JOB_FENCE",
                        "the lease of this job is not ours any more");
}

static const enum job_end means[] = {
    [END_DELETE] = JOB_END_DONE, [END_REPEAT] = JOB_END_DONE, [END_AGAIN] = JOB_END_AGAIN,
    [END_RETRY] = JOB_END_RETRY, [END_PARK] = JOB_END_PARK,   [END_RELEASE] = JOB_END_RELEASE,
    [END_RENEW] = JOB_END_NONE,
};

static enum status end_with(struct tx *tx, struct job *job, enum end end,
                            const struct sql_value *more)
{
    bool hit;

    TRY(try_end(tx, job, end, more, &hit));
    if (!hit)
        return lost(tx);
    job->ended = means[end];
    return STATUS_OK;
}

static str short_reason(str reason)
{
    return str_sub(reason, 0, JOB_REASON_BYTES_MAX);
}

enum status tx_job_done(struct tx *tx, struct job *job)
{
    const struct sql_value now = sql_int(call_now_us(tx->call));
    bool hit;

    TRY(try_end(tx, job, END_DELETE, NULL, &hit));
    if (!hit) { /* asked for again, or not ours */
        TRY(end_with(tx, job, END_REPEAT, &now));
        note_due(tx, now.i);
    }
    job->ended = JOB_END_DONE;
    return STATUS_OK;
}

enum status tx_job_again(struct tx *tx, struct job *job, int64_t due_us)
{
    note_due(tx, due_us);
    return end_with(tx, job, END_AGAIN,
                    (struct sql_value[]){sql_int(call_now_us(tx->call)), sql_int(due_us)});
}

enum status tx_job_retry(struct tx *tx, struct job *job, int64_t due_us, str reason)
{
    note_due(tx, due_us);
    return end_with(tx, job, END_RETRY,
                    (struct sql_value[]){sql_int(call_now_us(tx->call)), sql_int(due_us),
                                         sql_text(short_reason(reason))});
}

enum status tx_job_park(struct tx *tx, struct job *job, str reason)
{
    return end_with(
        tx, job, END_PARK,
        (struct sql_value[]){sql_int(call_now_us(tx->call)), sql_text(short_reason(reason))});
}

enum status tx_job_release(struct tx *tx, struct job *job)
{
    const struct sql_value now = sql_int(call_now_us(tx->call));

    return end_with(tx, job, END_RELEASE, &now);
}

enum status tx_job_renew(struct tx *tx, struct job *job, int64_t lease_us)
{
    int64_t now_us = call_now_us(tx->call), until_us = now_us + lease_us;

    TRY(end_with(tx, job, END_RENEW, (struct sql_value[]){sql_int(now_us), sql_int(until_us)}));
    job->lease_until_us = until_us;
    return STATUS_OK;
}

void store_watch_jobs(struct store *s, void (*fn)(void *arg, int64_t due_us), void *arg)
{
    s->jobs_put = fn;
    s->jobs_arg = arg;
}
