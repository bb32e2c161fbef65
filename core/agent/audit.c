/* The chain itself is the store's; here are the loops over it, each step a unit in a call of its
 * own. */
#include "agent/audit.h"

#include "store/apart.h"

enum {
    STEP_BYTES = 64 << 20, /* a batch of the largest entries */
    PAGE_BYTES = 3 << 20,  /* of a page: MESSAGE_BYTES_MAX less what surrounds it */
};

struct listing {
    struct list_query query;
    struct list_page page;
};

static enum status list_unit(struct call *c, struct tx *tx, void *arg)
{
    struct listing *l = arg;

    (void)c;
    return tx_audit_list(tx, &l->query, &l->page);
}

static size_t page_bytes(const struct list_page *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n_items; i++)
        n += protobuf_c_message_get_packed_size(p->items[i]) + 8;
    return n;
}

enum status audit_list(struct call *c, struct agents *a, const ListAuditEntriesRequest *in,
                       ListAuditEntriesResponse *out)
{
    struct listing l = {.query = {.filter = str_of(in->filter),
                                  .order_by = str_of(in->order_by),
                                  .page_token = str_of(in->page_token),
                                  .page_size = in->page_size}};

    TRY(store_run(a->store, c, STORE_READ, list_unit, &l));
    while (l.page.n_items > 1 && page_bytes(&l.page) > PAGE_BYTES) {
        l.query.page_size = (int32_t)(l.page.n_items / 2);
        TRY(store_run(a->store, c, STORE_READ, list_unit, &l));
    }
    out->entries = (AuditEntry **)l.page.items;
    out->n_entries = l.page.n_items;
    out->next_page_token = l.page.next_page_token;
    return STATUS_OK;
}

struct verifying {
    struct audit_state state;
    struct audit_walk walk;
    struct audit_checkpoint known; /* count 0: none */
    uint64_t from, to, started_at;
};

static enum status state_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_audit_state(tx, arg);
}

static enum status start_unit(struct call *c, struct tx *tx, void *arg)
{
    struct verifying *v = arg;

    (void)c;
    TRY(tx_audit_state(tx, &v->state));
    if (v->state.problem)
        return STATUS_OK;
    TRY(tx_audit_walk(tx, &v->state, v->from, v->to, &v->walk));
    v->started_at = v->walk.at.count;
    return STATUS_OK;
}

static enum status check_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_audit_check(tx, arg);
}

static void find(struct verifying *v, AuditProblem problem, uint64_t sequence)
{
    v->walk.problem = problem;
    v->walk.problem_sequence = sequence;
}

/* What can be said before looking at a single entry. */
static void judge_ends(struct verifying *v, bool has_known, bool known_fits)
{
    const struct audit_state *s = &v->state;

    if (s->problem)
        find(v, s->problem, s->problem_count);
    else if (has_known && (!known_fits || !audit_is_signed(&v->known, s->public_key)))
        find(v, AUDIT_PROBLEM_BAD_SIGNATURE, v->known.chain.count);
    else if (has_known && v->known.chain.count > s->longest)
        find(v, AUDIT_PROBLEM_TRUNCATED, s->longest + 1);
    else if (has_known)
        v->walk.ends[v->walk.n_ends++] = v->known.chain;
}

/* Retention may take the front away while we walk: then it is no finding. */
static bool was_trimmed(const struct verifying *v, const struct audit_state *now)
{
    return !now->problem && now->trimmed.chain.count > v->state.trimmed.chain.count &&
           v->walk.problem_sequence <= now->trimmed.chain.count;
}

static enum status walk(struct call *c, struct store *s, struct verifying *v)
{
    struct audit_state now;

    while (!v->walk.problem && v->walk.at.count < v->walk.until) {
        TRY(call_check(c));
        TRY(store_run_apart(s, c, STEP_BYTES, check_unit, &v->walk, STORE_READ));
        if (!v->walk.problem)
            continue;
        TRY(store_run_apart(s, c, STEP_BYTES, state_unit, &now, STORE_READ));
        if (!was_trimmed(v, &now))
            return STATUS_OK;
        v->walk.problem = AUDIT_PROBLEM_UNSPECIFIED;
        v->walk.at = now.trimmed.chain;
        v->state.trimmed = now.trimmed;
    }
    if (!v->walk.problem && v->state.beyond)
        find(v, AUDIT_PROBLEM_BAD_SIGNATURE, v->state.longest + 1);
    return STATUS_OK;
}

static bool put_bytes(struct arena *a, ProtobufCBinaryData *out, const unsigned char *p, size_t n)
{
    str copy = arena_str(a, (str){(const char *)p, n});

    *out = (ProtobufCBinaryData){copy.p ? n : 0, (uint8_t *)copy.p};
    return copy.p != NULL;
}

static enum status make_checkpoint(struct call *c, const struct verifying *v,
                                   const struct audit_checkpoint *p, AuditCheckpoint **out)
{
    struct arena *a = &c->arena;
    AuditCheckpoint *m = NEW(a, AuditCheckpoint, 1);
    Timestamp *t = NEW(a, Timestamp, 1);
    char id[AUDIT_KEY_ID_CHARS + 1];

    if (!p->chain.count)
        return STATUS_OK;
    if (!m || !t)
        return call_nomem(c);
    audit_key_id(v->state.public_key, id);
    *t = (Timestamp)TIMESTAMP_INIT;
    t->seconds = p->time_us / 1000000;
    t->nanos = (int32_t)(p->time_us % 1000000) * 1000;
    *m = (AuditCheckpoint)AUDIT_CHECKPOINT_INIT;
    m->count = p->chain.count;
    m->time = t;
    m->trimmed = p->says == AUDIT_TRIMMED;
    m->key_id = arena_cstr(a, str_of(id));
    if (!m->key_id || !put_bytes(a, &m->head_mac, p->chain.mac, AUDIT_DIGEST_BYTES) ||
        !put_bytes(a, &m->digest, p->chain.digest, AUDIT_DIGEST_BYTES) ||
        !put_bytes(a, &m->signature, p->signature, AUDIT_SIGNATURE_BYTES))
        return call_nomem(c);
    *out = m;
    return STATUS_OK;
}

static enum status put_verdict(struct call *c, const struct verifying *v, VerifyAuditResponse *out)
{
    out->problem = v->walk.problem;
    out->problem_sequence = v->walk.problem_sequence;
    out->intact = !v->walk.problem;
    out->checked = v->walk.at.count > v->started_at ? v->walk.at.count - v->started_at : 0;
    out->unsealed = v->state.unsealed;
    TRY(make_checkpoint(c, v, &v->state.head, &out->checkpoint));
    TRY(make_checkpoint(c, v, &v->state.trimmed, &out->trimmed));
    return put_bytes(&c->arena, &out->public_key, v->state.public_key, AUDIT_PUBLIC_BYTES)
               ? STATUS_OK
               : call_nomem(c);
}

static enum status bad_range(struct call *c, const char *field)
{
    call_detail(c, FAULT_FIELD, "audit.range", str_of(field), "expected from <= to <= 2^63 - 1");
    return call_fail_as(c, STATUS_INVALID, "AUDIT_RANGE", "this is no range of sequences");
}

enum status audit_verify(struct call *c, struct agents *a, const VerifyAuditRequest *in,
                         VerifyAuditResponse *out)
{
    struct verifying v = {.from = in->from_sequence, .to = in->to_sequence};
    bool fits = in->known_checkpoint && audit_checkpoint_read(in->known_checkpoint, &v.known);

    if (v.from >= INT64_MAX || (v.to && v.to < v.from))
        return bad_range(c, "from_sequence");
    if (v.to >= INT64_MAX)
        return bad_range(c, "to_sequence");
    if (fits && v.known.chain.count < v.from)
        v.from = v.known.chain.count; /* it has to be walked over */
    TRY(store_run_apart(a->store, c, STEP_BYTES, start_unit, &v, STORE_READ));
    judge_ends(&v, in->known_checkpoint != NULL, fits);
    TRY(walk(c, a->store, &v));
    return put_verdict(c, &v, out);
}
