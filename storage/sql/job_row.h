/* job_row: rows of table job become struct job; private to this layer. */
#ifndef SQL_JOB_ROW_H
#define SQL_JOB_ROW_H

#include "sql/tx.h"
#include "store/job.h"

/* What job_rows_take wants selected or returned, in this order. */
#define JOB_FIELDS                                                                                 \
    "tenant_id, id, kind, key, state, due_at, lease_until, fence, attempts, create_time, "         \
    "update_time, body, reason"

/* Jobs under way from the database; bodies are opened when all rows are read. */
struct job_rows {
    struct tx *tx;
    struct job *jobs; /* [cap] */
    size_t n_jobs, cap;
};

MUST_CHECK enum status job_rows_init(struct job_rows *r, struct tx *tx, size_t cap);

/* A sql_row_fn; arg is the job_rows. */
MUST_CHECK enum status job_rows_take(void *arg, const struct sql_value *cols, size_t n);

/* Opens the payloads from the job-th on. One that does not open is damaged, not a failure. */
MUST_CHECK enum status job_rows_open(struct job_rows *r, size_t job);

/* What a payload is sealed to. */
static inline struct seal_place job_place(int64_t tenant_id, struct uuid id)
{
    return (struct seal_place){.table = "job", .tenant_id = tenant_id, .id = id};
}

#endif
