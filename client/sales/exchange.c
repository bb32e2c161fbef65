/* One grpc call: its headers, its queue, its deadline, and the way out of it. */
#include <assert.h>
#include <grpc/byte_buffer.h>
#include <grpc/support/time.h>

#include "base/banned.h"
#include "base/clock.h"
#include "client/internal.h"

int64_t monotonic_ns(void)
{
    return system_clock.monotonic_ns(&system_clock);
}

int64_t exchange_deadline_ns(const struct sales_client *client, const struct sales_call *call)
{
    int64_t ms = call->timeout_ms ? call->timeout_ms : client->timeout_ms;

    if (ms < 0)
        return 0;
    return monotonic_ns() + (ms < INT32_MAX ? ms : INT32_MAX) * 1000000;
}

static gpr_timespec grpc_deadline(int64_t deadline_ns)
{
    int64_t left = deadline_ns - monotonic_ns();

    if (!deadline_ns)
        return gpr_inf_future(GPR_CLOCK_MONOTONIC);
    return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                        gpr_time_from_nanos(left > 0 ? left : 0, GPR_TIMESPAN));
}

/* ---- queues ---------------------------------------------------------------------------------- */

static grpc_completion_queue *take_queue(struct sales_client *c)
{
    grpc_completion_queue *q = NULL;

    pthread_mutex_lock(&c->lock);
    if (c->n_idle)
        q = c->idle[--c->n_idle];
    pthread_mutex_unlock(&c->lock);
    return q ? q : grpc_completion_queue_create_for_pluck(NULL);
}

static void give_queue(struct sales_client *c, grpc_completion_queue *q)
{
    bool kept;

    pthread_mutex_lock(&c->lock);
    if ((kept = c->n_idle < IDLE_QUEUES_MAX))
        c->idle[c->n_idle++] = q;
    pthread_mutex_unlock(&c->lock);
    if (kept)
        return;
    grpc_completion_queue_shutdown(q);
    grpc_completion_queue_destroy(q);
}

/* ---- headers --------------------------------------------------------------------------------- */

static bool add_header(struct exchange *x, const char *key, const char *value)
{
    grpc_metadata *m = &x->headers[x->n_headers];

    if (!value || !*value)
        return true;
    assert(x->n_headers < sizeof x->headers / sizeof *x->headers);
    *m = (grpc_metadata){.key = grpc_slice_from_copied_string(key),
                         .value = grpc_slice_from_copied_string(value)};
    x->n_headers++;
    return grpc_header_key_is_legal(m->key) && !grpc_is_binary_header(m->key) &&
           grpc_header_nonbin_value_is_legal(m->value);
}

static bool add_headers(struct exchange *x, const struct sales_call *call)
{
    if (call->n_headers > HEADERS_MAX)
        return false;
    for (size_t i = 0; i < call->n_headers; i++)
        if (!add_header(x, call->headers[i].key, call->headers[i].value))
            return false;
    return add_header(x, "authorization", x->client->authorization) &&
           add_header(x, "x-request-id", call->correlation_id) &&
           add_header(x, "traceparent", call->traceparent);
}

/* ---- life ------------------------------------------------------------------------------------ */

enum sales_status exchange_open(struct exchange *x, struct sales_client *client,
                                struct sales_call *call, const char *path, int64_t deadline_ns)
{
    grpc_slice method;

    *x = (struct exchange){.client = client, .cancel = call->cancel};
    x->text = grpc_empty_slice();
    grpc_metadata_array_init(&x->initial);
    grpc_metadata_array_init(&x->trailing);
    if (!add_headers(x, call))
        return outcome_fail(call, SALES_INVALID_ARGUMENT,
                            "a request header is not legal in HTTP/2, or there are too many");
    x->queue = take_queue(client);
    method = grpc_slice_from_copied_string(path);
    x->call = grpc_channel_create_call(client->channel, NULL, GRPC_PROPAGATE_DEFAULTS, x->queue,
                                       method, NULL, grpc_deadline(deadline_ns), NULL);
    grpc_slice_unref(method);
    cancel_attach(x->cancel, &x->node, x->call);
    return SALES_OK;
}

void exchange_close(struct exchange *x)
{
    for (size_t i = 0; i < x->n_headers; i++) {
        grpc_slice_unref(x->headers[i].key);
        grpc_slice_unref(x->headers[i].value);
    }
    grpc_slice_unref(x->text);
    grpc_metadata_array_destroy(&x->initial);
    grpc_metadata_array_destroy(&x->trailing);
    if (!x->call)
        return;
    cancel_detach(x->cancel, &x->node);
    grpc_call_unref(x->call);
    give_queue(x->client, x->queue);
}

bool exchange_start(struct exchange *x, const grpc_op *ops, size_t n, void *tag)
{
    grpc_call_error e = grpc_call_start_batch(x->call, ops, n, tag, NULL);

    assert(e == GRPC_CALL_OK); /* anything else is an operation that we started twice */
    return e == GRPC_CALL_OK;
}

bool exchange_wait(struct exchange *x, void *tag)
{
    grpc_event e =
        grpc_completion_queue_pluck(x->queue, tag, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);

    assert(e.type == GRPC_OP_COMPLETE); /* the core ends every operation: the call has a deadline,
                                           or the caller wanted none */
    return e.success != 0;
}

grpc_op exchange_send_headers(struct exchange *x)
{
    return (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA,
                     .data.send_initial_metadata = {.count = x->n_headers, .metadata = x->headers}};
}

grpc_op exchange_recv_headers(struct exchange *x)
{
    return (grpc_op){.op = GRPC_OP_RECV_INITIAL_METADATA,
                     .data.recv_initial_metadata.recv_initial_metadata = &x->initial};
}

grpc_op exchange_recv_status(struct exchange *x)
{
    return (grpc_op){.op = GRPC_OP_RECV_STATUS_ON_CLIENT,
                     .data.recv_status_on_client = {.trailing_metadata = &x->trailing,
                                                    .status = &x->code,
                                                    .status_details = &x->text}};
}
