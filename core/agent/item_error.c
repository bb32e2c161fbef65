/* From struct fault to the contract's ItemError. */
#include "agent/item_error.h"

/* Of field errors: a thousand bad rows must fit into the one message that answers them. */
enum { FIELDS_BYTES_MAX = 2048 };

bool item_error_is_own(enum status s)
{
    return s == STATUS_INVALID || s == STATUS_EXISTS || s == STATUS_NOT_FOUND ||
           s == STATUS_PRECONDITION || s == STATUS_CONFLICT;
}

static FieldError *field_error(struct arena *a, const struct fault_detail *d, str prefix)
{
    FieldError *e = NEW(a, FieldError, 1);
    str path =
        str_starts(d->subject, prefix) ? str_sub(d->subject, prefix.n, d->subject.n) : d->subject;

    if (!e)
        return NULL;
    *e = (FieldError)FIELD_ERROR_INIT;
    e->field = arena_cstr(a, path);
    e->description = arena_cstr(a, d->text);
    return e->field && e->description ? e : NULL;
}

ItemError *item_error_take(struct call *c, str prefix)
{
    ItemError *e = NEW(&c->arena, ItemError, 1);
    size_t bytes = 0;

    if (!e)
        goto full;
    *e = (ItemError)ITEM_ERROR_INIT;
    e->code = (int32_t)c->fault.status;
    e->reason = arena_cstr(
        &c->arena, str_of(c->fault.reason ? c->fault.reason : status_name(c->fault.status)));
    e->message = arena_cstr(&c->arena, str_of(c->fault.why));
    e->fields = NEW(&c->arena, FieldError *, c->fault.n_details + 1);
    if (!e->reason || !e->message || !e->fields)
        goto full;
    for (size_t i = 0; i < c->fault.n_details; i++) {
        if (c->fault.details[i].kind == FAULT_METADATA)
            continue;
        bytes += c->fault.details[i].subject.n + c->fault.details[i].text.n;
        if (bytes > FIELDS_BYTES_MAX)
            break;
        if (!(e->fields[e->n_fields++] = field_error(&c->arena, &c->fault.details[i], prefix)))
            goto full;
    }
    call_clear(c);
    return e;
full:
    call_clear(c);
    (void)call_nomem(c);
    return NULL;
}
