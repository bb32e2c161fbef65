/*
 * A repetition is the rare case, so nothing is looked up first: the unit runs, its answer goes out
 * with the commit, and the unique key says when there was one before. Only a second run, and a
 * refusal, look.
 */
#include "agent/mutation.h"

#include <assert.h>

#include "base/kill_point.h"
#include "sales/v1/sales_agent.h"
#include "schema/field.h"
#include "schema/wire.h"
#include "store/once.h"

struct guarded {
    const struct mutation *mutation;
    struct once once;
    int n_runs;
    enum once_found found;
    str answer;
};

/* The first text field `name` of m that is set; "" when there is none. */
static str text_of(const ProtobufCMessage *m, const char *name)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(m->descriptor, name);

    return f && f->type == PROTOBUF_C_TYPE_STRING && f->label != PROTOBUF_C_LABEL_REPEATED
               ? field_text(f, field_at(m, f, 0))
               : STR("");
}

/* The id by which the erasure of a person finds what this record says: that of the lead in it or
 * above it; without a lead, that of the deal, as the deal may get a lead later. */
static str person_of(const ProtobufCMessage *m)
{
    bool is_lead = m->descriptor == &sales__v1__lead__descriptor;
    bool is_deal = m->descriptor == &sales__v1__deal__descriptor;
    str id = text_of(m, is_lead ? "id" : "lead_id");

    return id.n || is_lead ? id : text_of(m, is_deal ? "id" : "deal_id");
}

/* Whose data the answer holds: that of the first record in it. */
static str subject_of(const ProtobufCMessage *answer)
{
    for (unsigned i = 0; i < answer->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &answer->descriptor->fields[i];
        str id;

        if (f->type != PROTOBUF_C_TYPE_MESSAGE || !field_is_set(answer, f))
            continue;
        id = person_of(field_message(field_at(answer, f, 0)));
        if (id.n)
            return id;
    }
    return STR("");
}

static enum status guarded_unit(struct call *c, struct tx *tx, void *arg)
{
    struct guarded *g = arg;
    const struct mutation *m = g->mutation;

    g->found = ONCE_NEW;
    if (g->n_runs++ > 0)
        TRY(once_find(tx, &g->once, &g->found, &g->answer));
    if (g->found != ONCE_NEW)
        return STATUS_OK;
    TRY(m->unit(c, tx, m->arg));
    kill_here(KILL_ONCE_PUT);
    if (!wire_pack(&c->arena, m->answer, &g->answer))
        return call_nomem(c);
    return once_put(tx, &g->once, subject_of(m->answer), g->answer);
}

static enum status find_unit(struct call *c, struct tx *tx, void *arg)
{
    struct guarded *g = arg;

    (void)c;
    return once_find(tx, &g->once, &g->found, &g->answer);
}

/* A refusal may have the first success for its reason. s, unless an answer is found. */
static enum status recall(struct call *c, struct agents *a, struct guarded *g, enum status s)
{
    struct fault before = c->fault;

    if (s == STATUS_UNAVAILABLE || s == STATUS_DEADLINE || s == STATUS_CANCELLED)
        return s; /* the repetition of this attempt looks */
    call_clear(c);
    g->found = ONCE_NEW;
    if (store_run(a->store, c, STORE_READ, find_unit, g) == STATUS_OK && g->found != ONCE_NEW)
        return STATUS_OK;
    c->fault = before;
    return s;
}

/* Answers as the first time. */
static enum status replay(struct call *c, const struct guarded *g)
{
    ProtobufCMessage *answer = g->mutation->answer, *again;

    TRY(wire_unpack(c, &c->arena, answer->descriptor, g->answer, &again));
    memcpy(answer, again, answer->descriptor->sizeof_message);
    return STATUS_OK;
}

static enum status settle(struct call *c, const struct guarded *g)
{
    switch (g->found) {
    case ONCE_NEW: break;
    case ONCE_REPEATED: TRY(replay(c, g)); break;
    case ONCE_REUSED:
        return call_fail_as(c, STATUS_EXISTS, "REQUEST_ID_REUSED",
                            "the request id was used for another request: choose a new one");
    case ONCE_ERASED:
        return call_fail_as(c, STATUS_NOT_FOUND, "ANSWER_ERASED",
                            "the request was answered, and what it answered was erased since");
    }
    c->answer = g->answer;
    return STATUS_OK;
}

static enum status mutate_once(struct call *c, struct agents *a, struct guarded *g)
{
    enum status s;

    assert(!c->answer.p && *c->method);
    if (!uuid_parse(str_of(c->request_id), &g->once.request_id)) {
        call_detail(c, FAULT_FIELD, "string.uuid", STR("request_id"), "must be a UUID");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the request id is no UUID");
    }
    s = store_run(a->store, c, STORE_WRITE, guarded_unit, g);
    if (s != STATUS_OK)
        TRY(recall(c, a, g, s));
    kill_here(KILL_ONCE_DONE);
    return settle(c, g);
}

enum status mutate(struct call *c, struct agents *a, const struct mutation *m)
{
    struct guarded g = {.mutation = m, .once = {.method = c->method, .sha256 = c->request_sha256}};

    assert(m->unit && m->answer);
    if (*c->request_id)
        TRY(mutate_once(c, a, &g));
    else
        TRY(store_run(a->store, c, m->looks ? STORE_READ : STORE_WRITE, m->unit, m->arg));
    if (!m->looks && g.found == ONCE_NEW)
        feed_tell(a->feed, c->principal.tenant_id);
    return STATUS_OK;
}
