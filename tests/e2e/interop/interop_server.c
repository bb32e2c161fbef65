/* The interop test service: grpc.testing.TestService as the official test cases want it, written as
 * any service of ours is written. Prints "ready PORT", ends cleanly on SIGTERM. */
#include <signal.h>
#include <stdio.h>

#include "grpc/testing/test.service.h"
#include "interop_descriptor_set.h"
#include "rpc/server.h"

enum { RESPONSE_BYTES_MAX = 1 << 20, STATUS_MAX = 16, GRACE_MS = 2000 };

static uint8_t zeros[RESPONSE_BYTES_MAX];

static enum status fail_as_asked(struct call *c, const EchoStatus *s)
{
    if (!s || s->code <= 0 || s->code > STATUS_MAX)
        return STATUS_OK;
    return call_fail(c, (enum status)s->code, "%s", s->message);
}

static enum status payload_of(struct call *c, int32_t bytes, Payload *out)
{
    if (bytes < 0 || bytes > RESPONSE_BYTES_MAX)
        return call_fail(c, STATUS_INVALID, "response of %d bytes: at most %d", (int)bytes,
                         RESPONSE_BYTES_MAX);
    *out = (Payload)PAYLOAD_INIT;
    out->body = (ProtobufCBinaryData){(size_t)bytes, zeros};
    return STATUS_OK;
}

/* custom_metadata: what came is to go back. */
static void echo_metadata(struct call *c)
{
    struct rpc_request *q = rpc_request_of(c);
    str initial = rpc_request_header(q, "x-grpc-test-echo-initial");
    str trailing = rpc_request_header(q, "x-grpc-test-echo-trailing-bin");

    if (initial.p)
        (void)rpc_request_set_header(q, STR("x-grpc-test-echo-initial"), initial);
    if (trailing.p)
        (void)rpc_request_set_trailer(q, STR("x-grpc-test-echo-trailing-bin"), trailing);
}

static enum status empty_call(struct call *c, void *self, const Grpc__Testing__Empty *in,
                              Grpc__Testing__Empty *out)
{
    (void)c;
    (void)self;
    (void)in;
    (void)out;
    return STATUS_OK;
}

static enum status unary_call(struct call *c, void *self, const SimpleRequest *in,
                              SimpleResponse *out)
{
    (void)self;
    echo_metadata(c);
    TRY(fail_as_asked(c, in->response_status));
    if ((out->payload = NEW(&c->arena, Payload, 1)) == NULL)
        return call_nomem(c);
    return payload_of(c, in->response_size, out->payload);
}

/* Streams that answer with the sizes asked for, one message per event and interval. */
struct output {
    const StreamingOutputCallRequest *ask; /* a copy */
    int32_t *sizes, *intervals_us;         /* [n] */
    size_t n, i;
};

static enum status queue_sizes(struct call *c, struct rpc_stream *s,
                               const StreamingOutputCallRequest *in)
{
    struct output *o = rpc_stream_state(s);
    size_t n = in->n_response_parameters;

    if (!o && (o = NEW(&c->arena, struct output, 1)) == NULL)
        return call_nomem(c);
    rpc_stream_set_state(s, o);
    o->sizes = NEW(&c->arena, int32_t, n);
    o->intervals_us = NEW(&c->arena, int32_t, n);
    if (!o->sizes || !o->intervals_us)
        return call_nomem(c);
    for (size_t i = 0; i < n; i++) {
        o->sizes[i] = in->response_parameters[i]->size;
        o->intervals_us[i] = in->response_parameters[i]->interval_us;
    }
    o->n = n;
    o->i = 0;
    return STATUS_OK;
}

static enum status send_size(struct call *c, struct rpc_stream *s, int32_t bytes)
{
    StreamingOutputCallResponse out = STREAMING_OUTPUT_CALL_RESPONSE_INIT;
    Payload payload;

    TRY(payload_of(c, bytes, &payload));
    out.payload = &payload;
    rpc_stream_send(s, &out.base);
    return STATUS_OK;
}

static enum status output_message(struct call *c, void *self, struct rpc_stream *s,
                                  const StreamingOutputCallRequest *in)
{
    (void)self;
    TRY(fail_as_asked(c, in->response_status));
    return queue_sizes(c, s, in);
}

static enum status output_writable(struct call *c, void *self, struct rpc_stream *s)
{
    struct output *o = rpc_stream_state(s);

    (void)self;
    if (o->i == o->n) {
        rpc_stream_finish(s);
        return STATUS_OK;
    }
    TRY(send_size(c, s, o->sizes[o->i]));
    if (o->intervals_us[o->i++] >= 1000)
        rpc_stream_wait(s, o->intervals_us[o->i - 1] / 1000);
    return STATUS_OK;
}

static enum status duplex_open(struct call *c, void *self, struct rpc_stream *s)
{
    (void)self;
    (void)s;
    echo_metadata(c);
    return STATUS_OK;
}

static enum status duplex_message(struct call *c, void *self, struct rpc_stream *s,
                                  const StreamingOutputCallRequest *in)
{
    (void)self;
    TRY(fail_as_asked(c, in->response_status));
    for (size_t i = 0; i < in->n_response_parameters; i++)
        TRY(send_size(c, s, in->response_parameters[i]->size));
    return STATUS_OK;
}

/* half_duplex: answer only after the client's last message. */
struct held {
    int32_t *sizes;
    size_t n, cap;
};

static enum status half_message(struct call *c, void *self, struct rpc_stream *s,
                                const StreamingOutputCallRequest *in)
{
    struct held *h = rpc_stream_state(s);

    (void)self;
    if (!h && (h = NEW(&c->arena, struct held, 1)) == NULL)
        return call_nomem(c);
    rpc_stream_set_state(s, h);
    for (size_t i = 0; i < in->n_response_parameters; i++) {
        if (h->n == h->cap) {
            int32_t *grown = NEW(&c->arena, int32_t, h->cap * 2 + 16);

            if (!grown)
                return call_nomem(c);
            for (size_t k = 0; k < h->n; k++)
                grown[k] = h->sizes[k];
            h->sizes = grown;
            h->cap = h->cap * 2 + 16;
        }
        h->sizes[h->n++] = in->response_parameters[i]->size;
    }
    return STATUS_OK;
}

static enum status half_end(struct call *c, void *self, struct rpc_stream *s)
{
    struct held *h = rpc_stream_state(s);

    (void)self;
    for (size_t i = 0; h && i < h->n; i++)
        TRY(send_size(c, s, h->sizes[i]));
    rpc_stream_finish(s);
    return STATUS_OK;
}

static enum status input_open(struct call *c, void *self, struct rpc_stream *s)
{
    int32_t *sum = NEW(&c->arena, int32_t, 1);

    (void)self;
    rpc_stream_set_state(s, sum);
    return sum ? STATUS_OK : call_nomem(c);
}

static enum status input_message(struct call *c, void *self, struct rpc_stream *s,
                                 const StreamingInputCallRequest *in)
{
    int32_t *sum = rpc_stream_state(s);

    (void)c;
    (void)self;
    *sum += in->payload ? (int32_t)in->payload->body.len : 0;
    return STATUS_OK;
}

static enum status input_end(struct call *c, void *self, struct rpc_stream *s)
{
    StreamingInputCallResponse out = STREAMING_INPUT_CALL_RESPONSE_INIT;

    (void)c;
    (void)self;
    out.aggregated_payload_size = *(int32_t *)rpc_stream_state(s);
    rpc_stream_send(s, &out.base);
    rpc_stream_finish(s);
    return STATUS_OK;
}

static const struct test_service_handlers handlers = {
    .empty_call = empty_call,
    .unary_call = unary_call,
    .cacheable_unary_call = unary_call,
    .streaming_output_call = {output_message, {.writable = output_writable}},
    .streaming_input_call = {input_message, {.open = input_open, .half_close = input_end}},
    .full_duplex_call = {duplex_message, {.open = duplex_open}},
    .half_duplex_call = {half_message, {.half_close = half_end}},
};

int main(void)
{
    static const char *const addresses[] = {"127.0.0.1:0"};
    struct service_binding bindings[] = {{&test_service_service, &handlers, NULL}};
    struct rpc_options options = {
        .addresses = addresses,
        .n_addresses = 1,
        .schema = interop_descriptor_set,
        .n_schema = interop_descriptor_set_len,
        .error_domain = "grpc.testing",
    };
    struct rpc_server *server;
    char why[RPC_WHY_BYTES];
    sigset_t stop;
    int signal_number;

    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    pthread_sigmask(SIG_BLOCK, &stop, NULL);
    if (rpc_server_new(&options, bindings, 1, &server, why) != STATUS_OK ||
        rpc_server_start(server) != STATUS_OK) {
        fprintf(stderr, "interop_server: %s\n", why);
        return 1;
    }
    printf("ready %d\n", rpc_server_port(server, 0));
    fflush(stdout);
    sigwait(&stop, &signal_number);
    if (rpc_server_stop(server, GRACE_MS) != STATUS_OK)
        return 2;
    rpc_server_free(server);
    return 0;
}
