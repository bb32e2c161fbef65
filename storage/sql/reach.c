/* Owner and team are read from the message where there is one, and from the columns where a
 * statement decides. Names are few and short: comparing them costs less than a table to find them
 * in. */
#include "sql/reach.h"

#include <assert.h>

/* How a kind is owned. */
struct owning {
    const struct column_info *owner, *team; /* both or none */
    const struct column_info *lead, *deal;  /* of a kind without an owner */
};

static struct owning owning_of(const struct record_info *info)
{
    struct owning o = {0};

    for (size_t i = 0; i < info->n_columns; i++) {
        const struct column_info *c = &info->columns[i];
        str name = str_of(c->name);

        if (str_eq(name, STR("owner_id")))
            o.owner = c;
        else if (str_eq(name, STR("team_id")))
            o.team = c;
        else if (str_eq(name, STR("lead_id")))
            o.lead = c;
        else if (str_eq(name, STR("deal_id")))
            o.deal = c;
    }
    if (o.owner && o.team)
        o.lead = o.deal = NULL;
    else
        o.owner = o.team = NULL;
    return o;
}

static bool is_owned(const struct owning *o)
{
    return o->owner || o->lead || o->deal;
}

void tx_widen(struct tx *tx)
{
    tx->widened++;
}

void tx_narrow(struct tx *tx)
{
    assert(tx->widened > 0);
    tx->widened--;
}

static enum reach_scope scope(const struct tx *tx, enum reach_scope s)
{
    return tx->widened ? REACH_ALL : s;
}

static bool is_in(const struct principal *p, enum reach_scope s, str owner, str team)
{
    if (s == REACH_ALL || s == REACH_NONE)
        return s == REACH_ALL;
    if (owner.n && str_eq(owner, str_of(p->subject)))
        return true;
    for (size_t i = 0; s == REACH_TEAM && team.n && i < p->n_teams; i++)
        if (str_eq(team, str_of(p->teams[i])))
            return true;
    return false;
}

static bool has(const struct principal *p, enum reach_scope s, const struct owning *o,
                const ProtobufCMessage *m)
{
    return s == REACH_ALL ||
           is_in(p, s, field_read(m, &o->owner->path).text, field_read(m, &o->team->path).text);
}

bool reach_sees(const struct call *c, enum record_kind kind, const ProtobufCMessage *m)
{
    struct owning o;

    if (c->reach.see == REACH_ALL)
        return true;
    o = owning_of(record_info(kind));
    return o.owner ? has(&c->principal, c->reach.see, &o, m) : !is_owned(&o);
}

static enum status out_of_reach(struct tx *tx, const struct record_info *info)
{
    const char *rule = tx->call->reach.rule;

    call_detail(tx->call, FAULT_METADATA, NULL, STR("rule"), "%s", rule ? rule : "access.none");
    return call_fail_as(tx->call, STATUS_DENIED, "OUT_OF_REACH",
                        "the %s is, or would be, another owner's and team's", info->table);
}

bool reach_row(struct tx *tx, const struct record_info *info, const ProtobufCMessage *m,
               struct seen *s)
{
    const struct reach *r = &tx->call->reach;
    struct owning o;

    if (scope(tx, r->see) == REACH_ALL && scope(tx, r->act) == REACH_ALL)
        return true;
    o = owning_of(info);
    if (!o.owner)
        return true;
    s->fixed = !has(&tx->call->principal, scope(tx, r->act), &o, m);
    return has(&tx->call->principal, scope(tx, r->see), &o, m);
}

struct parent {
    const struct tx *tx;
    enum reach_scope scope;
    bool within;
};

static enum status parent_row(void *arg, const struct sql_value *cols, size_t n)
{
    struct parent *p = arg;

    assert(n == 2);
    p->within = is_in(&p->tx->call->principal, p->scope, cols[0].s, cols[1].s);
    return STATUS_OK;
}

/* Whether the owner and team on file of a record are within the scope. */
static enum status look(struct tx *tx, const struct record_info *info, struct uuid id,
                        struct parent *p)
{
    const char *text = arena_printf(
        &tx->call->arena, "SELECT owner_id, team_id FROM %s WHERE tenant_id = $1 AND id = $2",
        info->table);

    p->within = false;
    if (!text)
        return call_nomem(tx->call);
    return tx_query(
        tx,
        &(struct sql_statement){
            text, (struct sql_value[]){sql_int(tx->tenant_id), sql_bytes(id.b, sizeof id.b)}, 2},
        parent_row, p);
}

/* Whether the lead or the deal of the record is within the scope. */
static enum status look_at_parents(struct tx *tx, const struct owning *o, const ProtobufCMessage *m,
                                   struct parent *p)
{
    const struct column_info *const columns[] = {o->lead, o->deal};
    static const enum record_kind kinds[] = {RECORD_LEAD, RECORD_DEAL};
    struct uuid id;

    p->within = false;
    for (size_t i = 0; i < 2 && !p->within; i++)
        if (columns[i] && uuid_parse(field_read(m, &columns[i]->path).text, &id))
            TRY(look(tx, record_info(kinds[i]), id, p));
    return STATUS_OK;
}

enum status reach_parents(struct tx *tx, const struct record_info *info, ProtobufCMessage **m)
{
    struct parent p = {tx, scope(tx, tx->call->reach.see), false};
    struct owning o;

    if (p.scope == REACH_ALL || !*m)
        return STATUS_OK;
    o = owning_of(info);
    if (o.owner || !is_owned(&o))
        return STATUS_OK;
    TRY(look_at_parents(tx, &o, *m, &p));
    if (!p.within)
        *m = NULL;
    return STATUS_OK;
}

enum status reach_after(struct tx *tx, const struct record_info *info, const ProtobufCMessage *m,
                        bool is_new)
{
    const struct reach *r = &tx->call->reach;
    enum reach_scope act = scope(tx, r->act), assign = scope(tx, r->assign);
    struct owning o;

    if (act == REACH_ALL && assign == REACH_ALL)
        return STATUS_OK;
    o = owning_of(info);
    if (!is_owned(&o))
        return STATUS_OK;
    if (!o.owner) {
        struct parent p = {tx, act, false};

        TRY(act == REACH_ALL ? STATUS_OK : look_at_parents(tx, &o, m, &p));
        return act == REACH_ALL || p.within ? STATUS_OK : out_of_reach(tx, info);
    }
    if (has(&tx->call->principal, assign, &o, m) &&
        (!is_new || has(&tx->call->principal, act, &o, m)))
        return STATUS_OK;
    return out_of_reach(tx, info);
}

enum status reach_before(struct tx *tx, const struct record_info *info, const struct seen *s)
{
    struct parent p = {tx, scope(tx, tx->call->reach.act), false};
    struct owning o;

    if (p.scope == REACH_ALL)
        return STATUS_OK;
    o = owning_of(info);
    if (!o.owner)
        return STATUS_OK; /* changed through its lead or deal only */
    if (!seen_find(tx, s->id))
        TRY(look(tx, info, s->id, &p));
    else
        p.within = !s->fixed;
    return p.within ? STATUS_OK : out_of_reach(tx, info);
}

/* "r.owner_id = $3 OR r.team_id IN ($4, $5)" of the table with this alias. */
static void put_either(struct query *q, const char *alias)
{
    const struct principal *p = &q->tx->call->principal;

    buf_printf(&q->sql, "(%s.owner_id = ", alias);
    query_put_arg(q, sql_text(str_of(p->subject)));
    if (q->tx->call->reach.see == REACH_TEAM && p->n_teams) {
        buf_printf(&q->sql, " OR %s.team_id IN (", alias);
        for (size_t i = 0; i < p->n_teams; i++) {
            buf_put(&q->sql, i ? STR(", ") : STR(""));
            query_put_arg(q, sql_text(str_of(p->teams[i])));
        }
        buf_putc(&q->sql, ')');
    }
    buf_putc(&q->sql, ')');
}

static void put_parent(struct query *q, const char *table, const char *column)
{
    buf_printf(&q->sql, "EXISTS (SELECT 1 FROM %s p WHERE p.tenant_id = $1 AND p.id = r.%s AND ",
               table, column);
    put_either(q, "p");
    buf_putc(&q->sql, ')');
}

size_t reach_ways(const struct query *q)
{
    const struct principal *p = &q->tx->call->principal;
    enum reach_scope s = scope(q->tx, q->tx->call->reach.see);
    struct owning o = owning_of(q->info);

    if (s != REACH_TEAM || !o.owner || q->n_tokens || p->n_teams >= REACH_WAYS_MAX)
        return 1;
    return 1 + p->n_teams;
}

/* The records of the caller, or those of one team that are not the caller's. */
static void put_way(struct query *q, size_t way)
{
    const struct principal *p = &q->tx->call->principal;

    if (way == 0) {
        buf_put(&q->sql, STR(" AND r.owner_id = "));
        query_put_arg(q, sql_text(str_of(p->subject)));
        return;
    }
    buf_put(&q->sql, STR(" AND r.team_id = "));
    query_put_arg(q, sql_text(str_of(p->teams[way - 1])));
    buf_put(&q->sql, STR(" AND (r.owner_id IS NULL OR r.owner_id <> "));
    query_put_arg(q, sql_text(str_of(p->subject)));
    buf_putc(&q->sql, ')');
}

void reach_put(struct query *q, size_t way)
{
    enum reach_scope s = scope(q->tx, q->tx->call->reach.see);
    struct owning o = owning_of(q->info);

    if (s == REACH_ALL || !is_owned(&o))
        return;
    if (s == REACH_NONE) {
        buf_put(&q->sql, STR(" AND 1 = 0"));
        return;
    }
    if (way != REACH_ANY) {
        put_way(q, way);
        return;
    }
    buf_put(&q->sql, STR(" AND "));
    if (o.owner) {
        put_either(q, "r");
        return;
    }
    buf_putc(&q->sql, '(');
    if (o.lead)
        put_parent(q, "lead", "lead_id");
    buf_put(&q->sql, o.lead && o.deal ? STR(" OR ") : STR(""));
    if (o.deal)
        put_parent(q, "deal", "deal_id");
    buf_putc(&q->sql, ')');
}
