/* apart: one unit in a call with memory of its own, for loops over many. */
#ifndef STORE_APART_H
#define STORE_APART_H

#include "store/store.h"

/* As store_run, or store_run_system when the call has no tenant; what fn allocates is freed when it
 * ends, so that `arg` must not keep any of it. `bytes` is the most that it may take. A failure
 * moves to c, without its details. */
MUST_CHECK static inline enum status store_run_apart(struct store *s, struct call *c, size_t bytes,
                                                     store_unit_fn fn, void *arg,
                                                     enum store_mode mode)
{
    struct call own;
    enum status r;

    call_init(&own, c->clock, bytes);
    own.principal = c->principal;
    own.deadline_ns = c->deadline_ns;
    own.cancelled = c->cancelled;
    own.is_background = c->is_background;
    own.trace = c->trace;
    own.method = c->method;
    own.peer = c->peer;
    own.request_id = c->request_id;
    own.rule = c->rule;
    r = own.principal.tenant_id ? store_run(s, &own, mode, fn, arg)
                                : store_run_system(s, &own, mode, fn, arg);
    if (r != STATUS_OK)
        (void)call_fail_as(c, r, own.fault.reason, "%s", own.fault.why);
    call_release(&own);
    return r;
}

#endif
