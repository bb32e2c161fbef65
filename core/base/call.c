/* The call context: time, deadline, and the one record of what went wrong. */
#include "base/call.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void call_init(struct call *c, const struct clock_ops *clock, size_t memory_limit_bytes)
{
    *c = (struct call){.clock = clock ? clock : &system_clock,
                       .method = "",
                       .peer = "",
                       .request_id = "",
                       .rule = ""};
    arena_init(&c->arena, memory_limit_bytes);
}

void call_release(struct call *c)
{
    arena_release(&c->arena);
}

int64_t call_now_us(const struct call *c)
{
    return c->clock->now_us(c->clock);
}

int64_t call_monotonic_ns(const struct call *c)
{
    return c->clock->monotonic_ns(c->clock);
}

int64_t call_left_ns(const struct call *c, int64_t most_ns)
{
    int64_t left;

    if (!c->deadline_ns)
        return most_ns;
    left = c->deadline_ns - call_monotonic_ns(c);
    return left < 0 ? 0 : left < most_ns ? left : most_ns;
}

enum status call_check(struct call *c)
{
    if (c->cancelled && atomic_load_explicit(c->cancelled, memory_order_relaxed))
        return call_fail(c, STATUS_CANCELLED, "the client cancelled the call");
    if (c->deadline_ns && call_monotonic_ns(c) >= c->deadline_ns)
        return call_fail(c, STATUS_DEADLINE, "the deadline of the call has passed");
    return STATUS_OK;
}

static enum status record(struct call *c, enum status s, const char *reason, const char *why)
{
    assert(s != STATUS_OK);
    if (c->fault.status != STATUS_OK)
        return c->fault.status; /* the origin knows best: callers must not overwrite it */
    c->fault.status = s;
    c->fault.reason = reason;
    snprintf(c->fault.why, sizeof c->fault.why, "%s", why);
    return s;
}

enum status call_fail(struct call *c, enum status s, const char *fmt, ...)
{
    char why[FAULT_WHY_BYTES];
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return record(c, s, NULL, why);
}

enum status call_fail_as(struct call *c, enum status s, const char *reason, const char *fmt, ...)
{
    char why[FAULT_WHY_BYTES];
    va_list args;

    va_start(args, fmt);
    vsnprintf(why, sizeof why, fmt, args);
    va_end(args);
    return record(c, s, reason, why);
}

enum status call_nomem(struct call *c)
{
    return call_fail_as(c, STATUS_EXHAUSTED, "REQUEST_MEMORY", "request needs more than %zu bytes",
                        c->arena.limit);
}

static bool details_grow(struct call *c)
{
    struct fault *f = &c->fault;
    size_t cap = f->cap_details ? f->cap_details * 2 : 8;
    struct fault_detail *d;

    if (f->n_details < f->cap_details)
        return true;
    if ((d = NEW(&c->arena, struct fault_detail, cap)) == NULL)
        return false;
    for (size_t i = 0; i < f->n_details; i++)
        d[i] = f->details[i];
    f->details = d;
    f->cap_details = cap;
    return true;
}

void call_detail(struct call *c, enum fault_detail_kind kind, const char *type, str subject,
                 const char *fmt, ...)
{
    struct fault *f = &c->fault;
    char text[FAULT_WHY_BYTES];
    va_list args;
    size_t bytes;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    bytes = strlen(text) + subject.n + (type ? strlen(type) : 0);
    if (f->n_details == FAULT_DETAILS_MAX || bytes > FAULT_DETAIL_BYTES - f->n_text_bytes ||
        !details_grow(c)) {
        f->n_dropped++;
        return;
    }
    f->details[f->n_details++] = (struct fault_detail){
        .kind = kind,
        .type = arena_str(&c->arena, str_of(type)),
        .subject = arena_str(&c->arena, subject),
        .text = arena_str(&c->arena, str_of(text)),
    };
    f->n_text_bytes += bytes;
}

void call_retry_after(struct call *c, int64_t ms)
{
    c->fault.retry_after_ms = ms;
}

void call_clear(struct call *c)
{
    c->fault = (struct fault){0};
}
