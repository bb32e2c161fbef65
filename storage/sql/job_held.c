/* One statement over the leases of a kind, which are few: what processes hold is bounded. */
#include "sql/job_held.h"

#include <assert.h>

/* tenant_id, leases; the most first */
static enum status holder_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct job_holders *h = arg;

    assert(n == 2 && h->n < JOB_HOLDERS_MAX && cols[1].i > 0);
    h->tenants[h->n] = cols[0].i;
    h->held[h->n++] = (size_t)cols[1].i;
    return STATUS_OK;
}

enum status job_holders_read(struct tx *tx, str kind, int64_t now_us, struct job_holders *out)
{
    static const char text[] =
        "SELECT tenant_id, COUNT(*) FROM job WHERE state = 1 AND kind = $1 AND lease_until > $2 "
        "AND tenant_id > 0 GROUP BY tenant_id ORDER BY COUNT(*) DESC LIMIT 256";
    const struct sql_value args[] = {sql_text(kind), sql_int(now_us)};

    static_assert(JOB_HOLDERS_MAX == 256, "the statement says so too");
    *out = (struct job_holders){.n = 0};
    TRY(tx_query(tx, &(struct sql_statement){text, args, 2}, holder_row, out));
    out->most = out->n ? out->held[0] : 0;
    out->others = out->n == JOB_HOLDERS_MAX ? out->held[out->n - 1] : 0;
    return STATUS_OK;
}

static size_t *held_by(struct job_holders *h, int64_t tenant_id)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->tenants[i] == tenant_id)
            return &h->held[i];
    return NULL;
}

size_t job_holders_room(const struct job_holders *h, int64_t tenant_id, size_t most)
{
    const size_t *listed = held_by((struct job_holders *)h, tenant_id);
    size_t held = tenant_id == 0 ? 0 : listed ? *listed : h->others;

    return held < most ? most - held : 0;
}

void job_holders_add(struct job_holders *h, int64_t tenant_id, size_t n)
{
    size_t *listed = held_by(h, tenant_id), held = (listed ? *listed : h->others) + n;

    if (listed)
        *listed = held;
    h->most = tenant_id && held > h->most ? held : h->most;
}
