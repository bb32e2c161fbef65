/* The row of idempotency: reads the request id, digests what it stands for, and refuses a
 * repetition of what this process still works on. Storing and repeating answers is the business of
 * agent/mutation.h, which does it in the transaction of the change. */
#include <openssl/sha.h>

#include "base/buf.h"
#include "intercept/rows.h"
#include "schema/canonical.h"
#include "schema/field.h"

enum { RUNNING_RETRY_MS = 100 }; /* what a slow write takes: the repetition finds its answer then */

/* "" when it has none. */
static str request_id_of(const ProtobufCMessage *m)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(m->descriptor, "request_id");

    return f && f->type == PROTOBUF_C_TYPE_STRING ? field_text(f, field_at(m, f, 0)) : STR("");
}

enum { CALLER_BYTES = 64 + SUBJECT_BYTES + TEAMS_MAX * (SUBJECT_BYTES + 8) };

/* Whose request it is, and how far the caller sees: an answer may hold what is not in reach of
 * another caller of the tenant, or of the same one with fewer rights. */
static void put_caller(struct buf *b, const struct call *c)
{
    const struct principal *p = &c->principal;

    buf_printf(b, "%zu:%s%d.%d:", strlen(p->subject), p->subject, c->reach.see, c->reach.act);
    for (size_t i = 0; c->reach.see == REACH_TEAM && i < p->n_teams; i++)
        buf_printf(b, "%zu:%s", strlen(p->teams[i]), p->teams[i]);
}

/* Notes in the call which request it is. */
static enum status identify(struct call *c, const ProtobufCMessage *m, struct uuid id)
{
    struct buf whole;
    str content;

    static_assert(sizeof c->request_sha256 == SHA256_DIGEST_LENGTH, "");
    if ((c->request_id = uuid_text(&c->arena, id)) == NULL ||
        !canonical_pack(&c->arena, m, "request_id", &content))
        return call_nomem(c);
    buf_init(&whole, &c->arena, content.n + CALLER_BYTES);
    put_caller(&whole, c);
    buf_putc(&whole, ';');
    buf_put(&whole, content);
    if (!buf_ok(&whole))
        return call_nomem(c);
    SHA256((const unsigned char *)buf_str(&whole).p, whole.n, c->request_sha256);
    return STATUS_OK;
}

enum status once_message(struct rpc_request *q, const ProtobufCMessage *m)
{
    struct intercept *i = q->context;
    struct call *c = q->call;
    struct running_entry *e;
    struct uuid id;
    str text;

    if (!q->method->mutating || q->method->shape != METHOD_UNARY)
        return STATUS_OK;
    text = request_id_of(m);
    if (!text.n || !uuid_parse(text, &id)) /* the rules of the request see to the second */
        return STATUS_OK;
    if ((e = NEW(&c->arena, struct running_entry, 1)) == NULL)
        return call_nomem(c);
    *e = (struct running_entry){c->principal.tenant_id, q->method, id, NULL};
    if (!running_enter(i->running, e)) {
        call_retry_after(c, RUNNING_RETRY_MS);
        return call_fail_as(c, STATUS_CONFLICT, "REQUEST_RUNNING",
                            "the same request is being worked on");
    }
    *q->state = e;
    return identify(c, m, id);
}

void once_after(struct rpc_request *q, enum status s)
{
    (void)s;
    if (*q->state)
        running_leave(((struct intercept *)q->context)->running, *q->state);
}
