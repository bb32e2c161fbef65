/* How calls end: the status, and the google.rpc details out of grpc-status-details-bin, turned into
 * plain arrays. What cannot be decoded is left out: the status itself always gets through. */
#include <assert.h>

#include "base/banned.h"
#include "client/internal.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

static const char *const status_names[] = {
    [SALES_OK] = "OK",
    [SALES_CANCELLED] = "CANCELLED",
    [SALES_UNKNOWN] = "UNKNOWN",
    [SALES_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
    [SALES_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
    [SALES_NOT_FOUND] = "NOT_FOUND",
    [SALES_ALREADY_EXISTS] = "ALREADY_EXISTS",
    [SALES_PERMISSION_DENIED] = "PERMISSION_DENIED",
    [SALES_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
    [SALES_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
    [SALES_ABORTED] = "ABORTED",
    [SALES_OUT_OF_RANGE] = "OUT_OF_RANGE",
    [SALES_UNIMPLEMENTED] = "UNIMPLEMENTED",
    [SALES_INTERNAL] = "INTERNAL",
    [SALES_UNAVAILABLE] = "UNAVAILABLE",
    [SALES_DATA_LOSS] = "DATA_LOSS",
    [SALES_UNAUTHENTICATED] = "UNAUTHENTICATED",
};

enum { N_STATUSES = sizeof status_names / sizeof *status_names };

const char *sales_status_name(enum sales_status s)
{
    return (unsigned)s < N_STATUSES ? status_names[s] : status_names[SALES_UNKNOWN];
}

/* ---- memory ---------------------------------------------------------------------------------- */

struct arena *outcome_arena(struct sales_call *call, const struct sales_client *client)
{
    if (!call->memory) {
        if (!(call->memory = malloc(sizeof *call->memory)))
            return NULL;
        arena_init(&call->memory->arena, client->message_bytes_max * REPLY_EXPANSION);
    }
    return &call->memory->arena;
}

void outcome_clear_error(struct sales_call *call)
{
    call->error = (struct sales_error){.message = "", .reason = "", .domain = ""};
}

void outcome_clear(struct sales_call *call)
{
    outcome_clear_error(call);
    call->answer_id = "";
    call->n_attempts = 0;
}

void sales_call_reset(struct sales_call *call)
{
    outcome_clear(call);
    if (call->memory)
        arena_reset(&call->memory->arena);
}

void sales_call_release(struct sales_call *call)
{
    outcome_clear(call);
    if (call->memory)
        arena_release(&call->memory->arena);
    free(call->memory);
    call->memory = NULL;
}

enum sales_status outcome_fail(struct sales_call *call, enum sales_status s, const char *message)
{
    assert(s != SALES_OK);
    outcome_clear_error(call);
    call->error.status = s;
    call->error.message = message;
    return s;
}

/* ---- details --------------------------------------------------------------------------------- */

/* A short slice holds its bytes itself, so the view borrows from *s. */
static str slice_str(const grpc_slice *s)
{
    return (str){(const char *)GRPC_SLICE_START_PTR(*s), GRPC_SLICE_LENGTH(*s)};
}

static const char *text(struct arena *a, const char *z)
{
    const char *copy = z && *z ? arena_cstr(a, str_of(z)) : NULL;

    return copy ? copy : "";
}

static void take_info(struct sales_error *e, struct arena *a, const ProtobufCMessage *m)
{
    const Google__Rpc__ErrorInfo *info = (const void *)m;
    struct sales_pair *pairs = NEW(a, struct sales_pair, info->n_metadata);

    e->reason = text(a, info->reason);
    e->domain = text(a, info->domain);
    if (!pairs)
        return;
    for (size_t i = 0; i < info->n_metadata; i++)
        pairs[i] =
            (struct sales_pair){text(a, info->metadata[i]->key), text(a, info->metadata[i]->value)};
    e->metadata = pairs;
    e->n_metadata = info->n_metadata;
}

static void take_violations(struct sales_error *e, struct arena *a, const ProtobufCMessage *m)
{
    const Google__Rpc__BadRequest *bad = (const void *)m;
    size_t n = bad->n_field_violations;
    struct sales_field_violation *rows = NEW(a, struct sales_field_violation, n);

    if (!rows)
        return;
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct sales_field_violation){text(a, bad->field_violations[i]->field),
                                                 text(a, bad->field_violations[i]->description)};
    e->violations = rows;
    e->n_violations = n;
}

static void take_preconditions(struct sales_error *e, struct arena *a, const ProtobufCMessage *m)
{
    const Google__Rpc__PreconditionFailure *failure = (const void *)m;
    struct sales_precondition *rows = NEW(a, struct sales_precondition, failure->n_violations);

    if (!rows)
        return;
    for (size_t i = 0; i < failure->n_violations; i++) {
        const Google__Rpc__PreconditionFailure__Violation *v = failure->violations[i];
        rows[i] = (struct sales_precondition){text(a, v->type), text(a, v->subject),
                                              text(a, v->description)};
    }
    e->preconditions = rows;
    e->n_preconditions = failure->n_violations;
}

static void take_retry(struct sales_error *e, struct arena *a, const ProtobufCMessage *m)
{
    const Google__Rpc__RetryInfo *info = (const void *)m;

    (void)a;
    if (!info->retry_delay || info->retry_delay->seconds < 0 ||
        info->retry_delay->seconds > INT32_MAX)
        return;
    e->retry_after_ms = info->retry_delay->seconds * 1000 + info->retry_delay->nanos / 1000000;
}

static const struct {
    const ProtobufCMessageDescriptor *type;
    void (*take)(struct sales_error *e, struct arena *a, const ProtobufCMessage *m);
} details[] = {
    {&google__rpc__error_info__descriptor, take_info},
    {&google__rpc__bad_request__descriptor, take_violations},
    {&google__rpc__precondition_failure__descriptor, take_preconditions},
    {&google__rpc__retry_info__descriptor, take_retry},
};

static void take_detail(struct sales_error *e, struct arena *a, const Google__Protobuf__Any *any)
{
    const char *name = any->type_url ? strrchr(any->type_url, '/') : NULL;

    for (size_t i = 0; name && i < sizeof details / sizeof *details; i++) {
        ProtobufCMessage *m;

        if (strcmp(name + 1, details[i].type->name) != 0)
            continue;
        m = protobuf_c_message_unpack(details[i].type, NULL, any->value.len, any->value.data);
        if (m)
            details[i].take(e, a, m);
        protobuf_c_message_free_unpacked(m, NULL);
    }
}

static void take_details(struct sales_error *e, struct arena *a, str packed)
{
    Google__Rpc__Status *s = google__rpc__status__unpack(NULL, packed.n, (const uint8_t *)packed.p);

    for (size_t i = 0; s && i < s->n_details; i++)
        take_detail(e, a, s->details[i]);
    google__rpc__status__free_unpacked(s, NULL);
}

/* ---- the end of an exchange ------------------------------------------------------------------ */

static str header(const grpc_metadata_array *from, str key)
{
    for (size_t i = 0; i < from->count; i++)
        if (str_eq(slice_str(&from->metadata[i].key), key))
            return slice_str(&from->metadata[i].value);
    return (str){0};
}

enum sales_status outcome_take(struct sales_call *call, struct arena *a, const struct exchange *x)
{
    struct sales_error *e = &call->error;
    str id = header(&x->initial, STR("x-request-id"));
    const char *copy;

    if (!id.n)
        id = header(&x->trailing, STR("x-request-id"));
    if (id.n && (copy = arena_cstr(a, id)))
        call->answer_id = copy;
    outcome_clear_error(call);
    e->status = (unsigned)x->code < N_STATUSES ? (enum sales_status)x->code : SALES_UNKNOWN;
    if (e->status == SALES_OK)
        return SALES_OK;
    copy = arena_cstr(a, slice_str(&x->text));
    e->message = copy && *copy ? copy : sales_status_name(e->status);
    take_details(e, a, header(&x->trailing, STR("grpc-status-details-bin")));
    return e->status;
}
