/*
 * Any bytes as a request: decode, validate, print, copy. The first byte picks the method.
 *
 * Beyond not crashing: what was decoded packs, and a copy of it has the same bytes.
 */
#include <stdlib.h>

#include "sales/v1/sales_agent.service.h"
#include "schema/json.h"
#include "schema/validate.h"
#include "schema/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void use(struct call *c, const struct method *m, const ProtobufCMessage *in)
{
    struct buf json;
    str once, again;
    enum status s = validate(c, m->rules, in);
    if (s == STATUS_OK && c->fault.n_details > 0)
        abort();
    buf_init(&json, &c->arena, 1 << 20);
    if (message_to_json(&c->arena, in, &json) == STATUS_OK && !buf_ok(&json))
        abort();
    if (!wire_pack(&c->arena, in, &once))
        return;
    const ProtobufCMessage *copy = message_copy(&c->arena, in);
    if (copy && wire_pack(&c->arena, copy, &again) && !str_eq(once, again))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    if (n == 0 || n > MESSAGE_BYTES_MAX)
        return 0;
    const struct method *m = &sales_agent_service.methods[data[0] % SALES_AGENT_N_METHODS];
    struct call c;
    ProtobufCMessage *in;
    call_init(&c, NULL, CALL_ARENA_BYTES);
    enum status s = wire_unpack(&c, &c.arena, m->input, (str){(const char *)data + 1, n - 1}, &in);
    if (s == STATUS_OK)
        use(&c, m, in);
    else if (s != STATUS_INVALID && s != STATUS_EXHAUSTED)
        abort();
    call_release(&c);
    return 0;
}
