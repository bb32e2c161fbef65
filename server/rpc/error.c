/* From a fault to the status, message and google.rpc.Status details that clients understand. The
 * details are built in memory of their own, because running out of request memory is a fault too.
 */
#include <grpc/slice.h>

#include "google/protobuf/any.pb-c.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "rpc/internal.h"

enum { DETAIL_KINDS = 4, BUILD_BYTES = 256 << 10, REASON_BYTES = 63 };

struct builder {
    struct arena arena;
    const struct fault *fault;
    size_t n_kept; /* details of the fault that are told, from the first */
    Google__Protobuf__Any *anys[DETAIL_KINDS];
    size_t n_anys;
};

static char *text(struct builder *b, str s)
{
    char *p = arena_cstr(&b->arena, s);

    return p ? p : (char *)"";
}

static void add(struct builder *b, const ProtobufCMessage *m)
{
    Google__Protobuf__Any *any = NEW(&b->arena, Google__Protobuf__Any, 1);
    char *url = arena_printf(&b->arena, "type.googleapis.com/%s", m->descriptor->name);
    uint8_t *bytes = arena_take(&b->arena, protobuf_c_message_get_packed_size(m) + 1);

    if (!any || !url || !bytes)
        return;
    google__protobuf__any__init(any);
    any->type_url = url;
    any->value = (ProtobufCBinaryData){protobuf_c_message_pack(m, bytes), bytes};
    b->anys[b->n_anys++] = any;
}

/* A rule id such as "string.min_len" in the spelling of FieldViolation.reason. */
static char *reason_of(struct builder *b, str rule)
{
    char *p = text(b, str_sub(rule, 0, REASON_BYTES));

    for (char *q = p; *q; q++) {
        if (*q >= 'a' && *q <= 'z')
            *q = (char)(*q - 'a' + 'A');
        else if (*q == '.' || *q == '-')
            *q = '_';
    }
    return p;
}

static size_t count(const struct builder *b, enum fault_detail_kind kind)
{
    size_t n = 0;

    for (size_t i = 0; i < b->n_kept; i++)
        n += b->fault->details[i].kind == kind;
    return n;
}

static void add_fields(struct builder *b)
{
    Google__Rpc__BadRequest all = GOOGLE__RPC__BAD_REQUEST__INIT;
    size_t n = count(b, FAULT_FIELD);

    all.field_violations = NEW(&b->arena, Google__Rpc__BadRequest__FieldViolation *, n);
    if (n == 0 || !all.field_violations)
        return;
    for (size_t i = 0; i < b->n_kept; i++) {
        const struct fault_detail *d = &b->fault->details[i];
        Google__Rpc__BadRequest__FieldViolation *v;

        if (d->kind != FAULT_FIELD)
            continue;
        if ((v = NEW(&b->arena, Google__Rpc__BadRequest__FieldViolation, 1)) == NULL)
            return;
        google__rpc__bad_request__field_violation__init(v);
        v->field = text(b, d->subject);
        v->description = text(b, d->text);
        v->reason = reason_of(b, d->type);
        all.field_violations[all.n_field_violations++] = v;
    }
    add(b, &all.base);
}

static void add_preconditions(struct builder *b)
{
    Google__Rpc__PreconditionFailure all = GOOGLE__RPC__PRECONDITION_FAILURE__INIT;
    size_t n = count(b, FAULT_PRECONDITION);

    all.violations = NEW(&b->arena, Google__Rpc__PreconditionFailure__Violation *, n);
    if (n == 0 || !all.violations)
        return;
    for (size_t i = 0; i < b->n_kept; i++) {
        const struct fault_detail *d = &b->fault->details[i];
        Google__Rpc__PreconditionFailure__Violation *v;

        if (d->kind != FAULT_PRECONDITION)
            continue;
        if ((v = NEW(&b->arena, Google__Rpc__PreconditionFailure__Violation, 1)) == NULL)
            return;
        google__rpc__precondition_failure__violation__init(v);
        v->type = text(b, d->type);
        v->subject = text(b, d->subject);
        v->description = text(b, d->text);
        all.violations[all.n_violations++] = v;
    }
    add(b, &all.base);
}

static void add_entry(struct builder *b, Google__Rpc__ErrorInfo *info, str key, char *value)
{
    Google__Rpc__ErrorInfo__MetadataEntry *e =
        NEW(&b->arena, Google__Rpc__ErrorInfo__MetadataEntry, 1);

    if (!e || !value)
        return;
    google__rpc__error_info__metadata_entry__init(e);
    e->key = text(b, key);
    e->value = value;
    info->metadata[info->n_metadata++] = e;
}

static void add_info(struct builder *b, const char *domain, enum status s)
{
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    size_t dropped = b->fault->n_dropped + (b->fault->n_details - b->n_kept);

    info.reason = (char *)(b->fault->reason ? b->fault->reason : status_name(s));
    info.domain = (char *)domain;
    info.metadata =
        NEW(&b->arena, Google__Rpc__ErrorInfo__MetadataEntry *, count(b, FAULT_METADATA) + 1);
    for (size_t i = 0; info.metadata && i < b->n_kept; i++) {
        const struct fault_detail *d = &b->fault->details[i];

        if (d->kind == FAULT_METADATA)
            add_entry(b, &info, d->subject, text(b, d->text));
    }
    if (info.metadata && dropped)
        add_entry(b, &info, STR("detailsDropped"), arena_printf(&b->arena, "%zu", dropped));
    add(b, &info.base);
}

static void add_retry(struct builder *b)
{
    Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;

    if (b->fault->retry_after_ms <= 0)
        return;
    delay.seconds = b->fault->retry_after_ms / 1000;
    delay.nanos = (int32_t)(b->fault->retry_after_ms % 1000) * 1000000;
    retry.retry_delay = &delay;
    add(b, &retry.base);
}

/* Packs everything with the first n_kept details; .n over the budget means: try with fewer. */
static str pack(struct builder *b, const char *domain, enum status s, char *why)
{
    Google__Rpc__Status all = GOOGLE__RPC__STATUS__INIT;
    uint8_t *bytes;

    b->n_anys = 0;
    add_info(b, domain, s);
    add_fields(b);
    add_preconditions(b);
    add_retry(b);
    all.code = (int32_t)s;
    all.message = why;
    all.details = b->anys;
    all.n_details = b->n_anys;
    if ((bytes = arena_take(&b->arena, protobuf_c_message_get_packed_size(&all.base))) == NULL)
        return (str){0};
    return (str){(const char *)bytes, protobuf_c_message_pack(&all.base, bytes)};
}

static void add_details(struct rpc_call *c, enum status s, char *why)
{
    struct builder b = {.fault = &c->ctx.fault, .n_kept = c->ctx.fault.n_details};
    str packed;

    arena_init(&b.arena, BUILD_BYTES);
    packed = pack(&b, c->server->o.error_domain, s, why);
    while (packed.n > STATUS_DETAIL_BYTES && b.n_kept > 0) {
        b.n_kept -= (b.n_kept + 3) / 4;
        arena_reset(&b.arena);
        packed = pack(&b, c->server->o.error_domain, s, why);
    }
    if (packed.p && packed.n <= STATUS_DETAIL_BYTES)
        (void)rpc_metadata_add(&c->trailers, STR("grpc-status-details-bin"), packed);
    arena_release(&b.arena);
}

void rpc_status_op(struct rpc_call *c, enum status s, grpc_op *op, grpc_slice *text_out)
{
    struct fault *f = &c->ctx.fault;
    const char *why = f->status != STATUS_OK && f->why[0] ? f->why : status_text(s);

    *op = (grpc_op){.op = GRPC_OP_SEND_STATUS_FROM_SERVER};
    *text_out = grpc_empty_slice();
    if (s != STATUS_OK) {
        *text_out = grpc_slice_from_copied_string(why);
        op->data.send_status_from_server.status_details = text_out;
        add_details(c, s, (char *)why);
    }
    op->data.send_status_from_server.status = (grpc_status_code)s;
    op->data.send_status_from_server.trailing_metadata = c->trailers.entries;
    op->data.send_status_from_server.trailing_metadata_count = c->trailers.n;
}
