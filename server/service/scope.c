/* The scratch arena is lent to the call by value and handed back at the end. */
#include "service/scope.h"

void scope_enter(struct scope *s, struct call *c, struct rpc_stream *stream)
{
    *s = (struct scope){.call = *c, .outer = c, .scratch = rpc_stream_scratch(stream)};
    s->call.arena = *s->scratch;
    s->call.fault = (struct fault){0};
}

static void move_fault(const struct fault *from, struct call *to)
{
    call_clear(to);
    for (size_t i = 0; i < from->n_details; i++) {
        const struct fault_detail *d = &from->details[i];

        call_detail(to, d->kind, d->type.p, d->subject, STR_FMT, STR_ARG(d->text));
    }
    to->fault.n_dropped += from->n_dropped;
    to->fault.retry_after_ms = from->retry_after_ms;
    (void)call_fail_as(to, from->status, from->reason, "%s", from->why);
}

enum status scope_leave(struct scope *s, enum status r)
{
    *s->scratch = s->call.arena;
    if (r != STATUS_OK && s->call.fault.status != STATUS_OK)
        move_fault(&s->call.fault, s->outer);
    return r;
}
