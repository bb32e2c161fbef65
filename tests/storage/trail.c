#include "storage/trail.h"

static enum status state_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_audit_state(tx, arg);
}

struct walking {
    struct audit_state *state;
    struct audit_walk walk;
};

static enum status walk_unit(struct call *c, struct tx *tx, void *arg)
{
    struct walking *w = arg;

    (void)c;
    return tx_audit_walk(tx, w->state, 0, 0, &w->walk);
}

static enum status check_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_audit_check(tx, arg);
}

struct verdict trail_verify(struct fixture *f)
{
    struct verdict v = {.problem = AUDIT_PROBLEM_UNSPECIFIED};
    struct walking w = {.state = &v.state};
    uint64_t first;

    RUN(f, STORE_READ, state_unit, &v.state, STATUS_OK);
    v.unsealed = v.state.unsealed;
    v.problem = v.state.problem;
    v.sequence = v.state.problem_count;
    if (v.problem)
        return v;
    RUN(f, STORE_READ, walk_unit, &w, STATUS_OK);
    first = w.walk.at.count;
    while (!w.walk.problem && w.walk.at.count < w.walk.until)
        RUN(f, STORE_READ, check_unit, &w.walk, STATUS_OK);
    v.problem = w.walk.problem;
    v.sequence = w.walk.problem_sequence;
    v.checked = w.walk.at.count - first;
    if (!v.problem && v.state.beyond) {
        v.problem = AUDIT_PROBLEM_BAD_SIGNATURE;
        v.sequence = v.state.longest + 1;
    }
    return v;
}

static enum status seal_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_audit_seal(tx, arg);
}

size_t trail_seal(struct fixture *f)
{
    size_t n, all = 0;

    do {
        RUN(f, STORE_WRITE, seal_unit, &n, STATUS_OK);
        all += n;
    } while (n);
    return all;
}

struct listing {
    const char *filter;
    struct list_page page;
};

static enum status list_unit(struct call *c, struct tx *tx, void *arg)
{
    struct listing *l = arg;

    (void)c;
    return tx_audit_list(tx,
                         &(struct list_query){.filter = str_of(l->filter),
                                              .order_by = STR("sequence, create_time"),
                                              .page_size = PAGE_SIZE_MAX},
                         &l->page);
}

AuditEntry **trail_list(struct fixture *f, const char *filter, size_t *n_out)
{
    struct listing l = {.filter = filter};

    RUN(f, STORE_READ, list_unit, &l, STATUS_OK);
    *n_out = l.page.n_items;
    return (AuditEntry **)l.page.items;
}

void trail_leads(struct fixture *f, int n)
{
    for (int i = 0; i < n; i++) {
        enum status s = put_lead(f, &f->call, make_lead(&f->call, "Ada", ""));

        cr_assert_eq(s, STATUS_OK, "%s", f->call.fault.why);
    }
}
