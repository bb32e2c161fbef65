/*
 * The trail's entries. Changes are noted while the unit runs (pointers only, the packed messages
 * are in the arena anyway) and become entries when it ends: only then is it known whether a kind
 * had a handful of changes or a thousand.
 */
#include "sql/audit.h"

#include <assert.h>
#include <google/protobuf/timestamp.pb-c.h>

#include "base/encode.h"
#include "base/kill_point.h"
#include "schema/difference.h"
#include "sql/columns.h"

enum { NOTES_FIRST = 16, ACTION_BYTES = 200, TRACE_CHARS = 32 };

/* Records whose changes nobody is accountable for. All other kinds are audited. */
static const bool is_bookkeeping[RECORD_KINDS] = {
    [RECORD_IMPORT] = true, /* how far an import came; what it imported is on the trail */
    [RECORD_AUDIT] = true,
    [RECORD_WEBHOOK_DELIVERY] = true,     /* attempts; a log of its own */
    [RECORD_DECISION] = true,             /* never changed; a ledger of its own */
    [RECORD_RECOMMENDATION_TALLY] = true, /* counts of answers, which are on the trail */
    [RECORD_MODEL_CONTENT] = true,        /* bytes of a model, whose record is on the trail */
};

struct audit_notes {
    struct audit_change *list; /* [n], in the call's arena */
    size_t n, cap;
    size_t of_kind[RECORD_KINDS];
};

/* The one key that a writer needs. */
static void derive_record_key(const struct tenant_keys *k, struct seal_key *out)
{
    seal_digest(&k->index, "audit.record", STR(""), out->bytes, SEAL_KEY_BYTES);
    out->id = k->index.id;
}

void audit_keys_derive(const struct tenant_keys *k, struct audit_keys *out)
{
    derive_record_key(k, &out->record);
    seal_digest(&k->index, "audit.chain", STR(""), out->chain, sizeof out->chain);
    seal_digest(&k->index, "audit.signer", STR(""), out->signer, sizeof out->signer);
}

struct seal_place audit_place(int64_t tenant_id, struct uuid id)
{
    return (struct seal_place){"audit", tenant_id, id, 1};
}

/* The notes are those of the unit: a change of the service's records is on the trail of the tenant
 * whose unit made it. */
enum status audit_note(struct tx *tx, const struct audit_change *change)
{
    struct tx *owner = tx_owner(tx);
    struct arena *a = &tx->call->arena;
    struct audit_notes *l = owner->notes;

    if (is_bookkeeping[change->info->kind] || tx->store->is_bare)
        return STATUS_OK;
    if (!l && (l = owner->notes = NEW(a, struct audit_notes, 1)) == NULL)
        return call_nomem(tx->call);
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : NOTES_FIRST;
        struct audit_change *more = NEW(a, struct audit_change, cap);

        if (!more)
            return call_nomem(tx->call);
        if (l->n)
            memcpy(more, l->list, l->n * sizeof *more);
        l->list = more;
        l->cap = cap;
    }
    l->list[l->n++] = *change;
    l->of_kind[change->info->kind]++;
    return STATUS_OK;
}

static char *cut(struct arena *a, const char *text, size_t most)
{
    return arena_cstr(a, str_sub(str_of(text ? text : ""), 0, most));
}

/* Methods are named by their path, as callers know them; jobs and steps by their own name. */
static char *action_of(struct call *c)
{
    const char *m = c->method && c->method[0] ? c->method : "internal";
    bool is_path = m[0] != '/' && strchr(m, '/') != NULL;

    return arena_printf(&c->arena, "%s%.*s", is_path ? "/" : "", ACTION_BYTES - 1, m);
}

static enum status fill_actor(struct call *c, AuditEntry *e)
{
    Actor *actor = NEW(&c->arena, Actor, 1);
    Role *roles = NEW(&c->arena, Role, 6);

    if (!actor || !roles)
        return call_nomem(c);
    *actor = (Actor)ACTOR_INIT;
    actor->kind = (ActorKind)(c->principal.kind ? c->principal.kind : ACTOR_SYSTEM);
    actor->id = cut(&c->arena, c->principal.subject, SUBJECT_BYTES);
    e->actor = actor;
    e->roles = roles;
    e->n_roles = 0;
#define X(name, number, text)                                                                      \
    if (c->principal.roles & ROLE_BIT_##name)                                                      \
        roles[e->n_roles++] = (Role)(number);
    ROLE_LIST(X)
#undef X
    return actor->id ? STATUS_OK : call_nomem(c);
}

static char *trace_text(struct call *c)
{
    static const char hex[] = "0123456789abcdef";
    char *out = arena_take(&c->arena, TRACE_CHARS + 1);
    unsigned char any = 0;

    if (!out)
        return NULL;
    for (size_t i = 0; i < sizeof c->trace.trace_id; i++) {
        any |= c->trace.trace_id[i];
        out[2 * i] = hex[c->trace.trace_id[i] >> 4];
        out[2 * i + 1] = hex[c->trace.trace_id[i] & 15];
    }
    out[any ? TRACE_CHARS : 0] = 0;
    return out;
}

/* Who, when, from where and by what right: what the call knows, where the entry does not say. */
static enum status fill_from_call(struct call *c, AuditEntry *e)
{
    struct arena *a = &c->arena;
    Google__Protobuf__Timestamp *t = NEW(a, Google__Protobuf__Timestamp, 1);
    int64_t now = call_now_us(c);

    if (!t)
        return call_nomem(c);
    google__protobuf__timestamp__init(t);
    t->seconds = now / 1000000;
    t->nanos = (int32_t)(now % 1000000) * 1000;
    if (!e->time)
        e->time = t;
    if (!e->actor)
        TRY(fill_actor(c, e));
    if (!e->action[0])
        e->action = action_of(c);
    if (!e->rule[0])
        e->rule = cut(a, c->rule, 100);
    if (!e->peer[0])
        e->peer = cut(a, c->peer, 64);
    if (!e->request_id[0])
        e->request_id = cut(a, c->request_id, 64);
    if (!e->trace_id[0])
        e->trace_id = trace_text(c);
    return e->action && e->rule && e->peer && e->request_id && e->trace_id ? STATUS_OK
                                                                           : call_nomem(c);
}

static enum status seal_entry(struct call *c, struct tenant_keys *keys, const AuditEntry *e,
                              struct uuid id, str *out)
{
    struct seal_place place = audit_place(keys->tenant_id, id);
    uint8_t *plain = arena_take(&c->arena, protobuf_c_message_get_packed_size(&e->base) + 1);
    size_t n;

    if (!plain)
        return call_nomem(c);
    n = protobuf_c_message_pack(&e->base, plain);
    return seal(c, tenant_keys_current(keys), &place, (str){(char *)plain, n}, out);
}

/* of: tx, or what says another tenant and its keys: whose trail it is. */
static enum status put_entry(struct tx *tx, struct tx *of, AuditEntry *e, struct uuid *id_out)
{
    struct uuid *id = NEW(&tx->call->arena, struct uuid, 1);
    struct sql_value *row = NULL;
    bool ok = true;
    str body = {0};

    assert(e->sequence == 0 && e->chain_mac.len == 0 && !e->id[0]);
    if (!id)
        return call_nomem(tx->call);
    *id = *id_out = uuid_new(tx->call);
    TRY(seal_entry(tx->call, of->keys, e, *id, &body));
    TRY(tx_batch_row(tx, &tx->batches[RECORD_AUDIT],
                     &tx->store->statements->kinds[RECORD_AUDIT].insert, &row));
    assert(row);
    tx->has_entries |= of == tx; /* the job seals those of others */
    row[0] = sql_int(of->tenant_id);
    row[1] = sql_bytes(id->b, sizeof id->b);
    row[2] = sql_int(1);
    row[3] = sql_int(uuid_time_us(*id));
    row[4] = row[3];
    row[5] = sql_bytes(body.p, body.n);
    row[6] = sql_bytes("", 0);
    row[7] = sql_int(0);
    columns_read(of, record_info(RECORD_AUDIT), &e->base, row + RECORD_FIXED_N, &ok);
    row[RECORD_FIXED_N + column_index(AUDIT_BY_sequence)] = sql_int(AUDIT_UNSEALED);
    return ok ? STATUS_OK : call_nomem(tx->call);
}

static enum status complete(struct tx *tx, const AuditEntry *given, AuditEntry **out)
{
    AuditEntry *e = *out = NEW(&tx->call->arena, AuditEntry, 1);

    assert(!given->sequence && !given->chain_mac.len && !given->id[0]);
    TRY(tx_writable(tx));
    if (!e)
        return call_nomem(tx->call);
    *e = *given;
    return fill_from_call(tx->call, e);
}

static enum status put_given(struct tx *tx, const AuditEntry *given, struct uuid *id_out)
{
    struct tx *owner = tx_owner(tx);
    AuditEntry *e;

    TRY(complete(tx, given, &e));
    return put_entry(owner, owner, e, id_out);
}

enum status tx_audit_beside(struct tx *service, int64_t tenant_id, const AuditEntry *given)
{
    struct tx of = *service; /* to read, never to run anything */
    struct uuid id;
    AuditEntry *e;

    assert(service->tenant_id == 0 && tenant_id > 0);
    of.tenant_id = tenant_id;
    TRY(tx_keys(service, tenant_id, &of.keys));
    if (!of.keys)
        return call_fail(service->call, STATUS_INTERNAL, "the tenant has no keys");
    TRY(complete(service, given, &e));
    return put_entry(service, &of, e, &id);
}

enum status tx_audit(struct tx *tx, const AuditEntry *given)
{
    struct uuid id;

    return put_given(tx, given, &id);
}

enum status tx_audit_placed(struct tx *tx, const AuditEntry *given, uint64_t *sequence_out)
{
    struct uuid id;

    TRY(put_given(tx, given, &id));
    return audit_seal_one(tx_owner(tx), id, sequence_out);
}

/* The id as callers know it: the UUID, or the name that the record itself holds. */
static char *id_text(struct call *c, const struct audit_change *ch)
{
    str plain = ch->after.p ? ch->after : ch->before;
    ProtobufCMessage *m;
    char *out = NULL;

    if (ch->id.b[6] >> 4 != 8)
        return uuid_text(&c->arena, ch->id);
    m = protobuf_c_message_unpack(ch->info->descriptor, NULL, plain.n, (const uint8_t *)plain.p);
    if (m)
        out = arena_cstr(&c->arena, str_sub(field_read(m, &ch->info->id).text, 0, SUBJECT_BYTES));
    if (m)
        protobuf_c_message_free_unpacked(m, NULL);
    return out;
}

static const char *name_of(const struct field_path *p)
{
    return p->n == 1 ? p->steps[0]->name : "";
}

/* The store's own fields are in the bytes, and change by themselves. */
static enum status find_difference(struct call *c, const struct audit_change *ch, AuditEntry *e)
{
    const char *skip[] = {name_of(&ch->info->create_time), name_of(&ch->info->update_time)};
    const struct difference_sides sides = {ch->info->descriptor, ch->before, ch->after, skip, 2};
    struct difference d = {.most = AUDIT_FIELDS_MAX};

    if (!ch->before.p || !ch->after.p)
        return STATUS_OK;
    if ((d.paths = NEW(&c->arena, char *, d.most)) == NULL)
        return call_nomem(c);
    TRY(difference_find(c, &sides, &d));
    e->changed_fields = d.paths;
    e->n_changed_fields = d.n;
    return STATUS_OK;
}

/* A digest over the values that are there; none: empty. */
static bool put_digest(struct call *c, const struct seal_key *key, const str *values, size_t n,
                       ProtobufCBinaryData *out)
{
    if (!n)
        return true;
    out->len = SEAL_DIGEST_BYTES;
    out->data = arena_take(&c->arena, SEAL_DIGEST_BYTES);
    if (out->data)
        seal_digest_many(key, "record", values, n, out->data);
    return out->data != NULL;
}

static enum status put_single(struct tx *tx, const struct seal_key *key,
                              const struct audit_change *ch)
{
    struct call *c = tx->call;
    AuditEntry e = AUDIT_ENTRY_INIT;
    struct uuid id;

    e.record_kind = (char *)ch->info->table;
    e.record_id = id_text(c, ch);
    if (!e.record_id || !put_digest(c, key, &ch->before, ch->before.p != NULL, &e.before_digest) ||
        !put_digest(c, key, &ch->after, ch->after.p != NULL, &e.after_digest))
        return call_nomem(c);
    TRY(find_difference(c, ch, &e));
    TRY(fill_from_call(c, &e));
    return put_entry(tx, tx, &e, &id);
}

/* All changes of one kind, in the order in which they were made. */
static enum status put_many(struct tx *tx, const struct seal_key *key,
                            const struct record_info *info)
{
    struct call *c = tx->call;
    const struct audit_notes *l = tx->notes;
    size_t n = l->of_kind[info->kind], n_before = 0, n_after = 0;
    str *before = NEW(&c->arena, str, n), *after = NEW(&c->arena, str, n);
    AuditEntry e = AUDIT_ENTRY_INIT;
    struct uuid id;

    e.record_kind = (char *)info->table;
    e.record_count = (uint32_t)n;
    e.record_ids = NEW(&c->arena, char *, AUDIT_IDS_MAX);
    if (!before || !after || !e.record_ids)
        return call_nomem(c);
    for (size_t i = 0; i < l->n; i++) {
        const struct audit_change *ch = &l->list[i];

        if (ch->info != info)
            continue;
        if (ch->before.p)
            before[n_before++] = ch->before;
        if (ch->after.p)
            after[n_after++] = ch->after;
        if (e.n_record_ids < AUDIT_IDS_MAX && !(e.record_ids[e.n_record_ids++] = id_text(c, ch)))
            return call_nomem(c);
    }
    if (!put_digest(c, key, before, n_before, &e.before_digest) ||
        !put_digest(c, key, after, n_after, &e.after_digest))
        return call_nomem(c);
    TRY(fill_from_call(c, &e));
    return put_entry(tx, tx, &e, &id);
}

enum status audit_flush(struct tx *tx)
{
    const struct audit_notes *l = tx->notes;
    struct seal_key key;
    enum status s = STATUS_OK;

    assert(!tx->outer);
    if (!l)
        return STATUS_OK;
    kill_here(KILL_AUDIT_ROW);
    derive_record_key(tx->keys, &key);
    for (size_t i = 0; s == STATUS_OK && i < l->n; i++)
        if (l->of_kind[l->list[i].info->kind] <= AUDIT_SINGLES_MAX)
            s = put_single(tx, &key, &l->list[i]);
    for (int k = RECORD_NONE + 1; s == STATUS_OK && k < RECORD_KINDS; k++)
        if (l->of_kind[k] > AUDIT_SINGLES_MAX)
            s = put_many(tx, &key, record_info((enum record_kind)k));
    seal_wipe(&key, sizeof key);
    return s;
}
