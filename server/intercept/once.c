/* The row of idempotency: reads the request id, digests what it stands for, and refuses a
 * repetition of what this process still works on. Storing and repeating answers is the business of
 * agent/mutation.h, which does it in the transaction of the change. */
#include <openssl/sha.h>

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

static bool join(struct arena *a, str first, str second, str *out)
{
    char *p = arena_take(a, first.n + second.n + 1);

    *out = (str){p, first.n + second.n};
    if (!p)
        return false;
    memcpy(p, first.p, first.n);
    if (second.n)
        memcpy(p + first.n, second.p, second.n);
    return true;
}

/* Notes in the call which request it is: whose, too, as an answer may hold what is not in reach of
 * another caller of the tenant. */
static enum status identify(struct call *c, const ProtobufCMessage *m, struct uuid id)
{
    const char *subject = c->principal.subject;
    str content, whole;

    static_assert(sizeof c->request_sha256 == SHA256_DIGEST_LENGTH, "");
    if ((c->request_id = uuid_text(&c->arena, id)) == NULL ||
        !canonical_pack(&c->arena, m, "request_id", &content))
        return call_nomem(c);
    whole = str_of(arena_printf(&c->arena, "%zu:%s", strlen(subject), subject));
    if (!whole.p || !join(&c->arena, whole, content, &whole))
        return call_nomem(c);
    SHA256((const unsigned char *)whole.p, whole.n, c->request_sha256);
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
