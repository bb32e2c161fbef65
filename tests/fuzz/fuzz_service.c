/*
 * Requests from outside, all the way down: decode, validate, handler, store. An input is a row of
 * requests (method, length in two bytes, message) that run one after the other for one tenant.
 *
 * An id of the request that begins with "L" or "D" stands for the lead or deal that was made last,
 * so that an input can work on what it made before. Whatever the bytes are: the server never has to
 * say "internal" or "data loss", says no with a reason, and what it answers packs.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "schema/validate.h"
#include "schema/wire.h"
#include "service/sales_agent.h"
#include "sqlite/sqlite_store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);
const char *__lsan_default_suppressions(void);

/* OpenSSL keeps the random generators of a thread until it is unloaded; nothing of ours is there.
 */
const char *__lsan_default_suppressions(void)
{
    return "leak:libcrypto.so\n";
}

enum { REQUESTS_MAX = 16, INPUTS_PER_STORE = 512, HEAD_BYTES = 3, ID_BYTES = 37 };

static struct {
    char dir[64];
    struct agents agents;
    char lead[ID_BYTES], deal[ID_BYTES];
    size_t n_inputs;
} world;

static void remove_files(void)
{
    static const char *const names[] = {"", "-wal", "-shm", ".key"};
    char path[96];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/db%s", world.dir, names[i]);
        unlink(path);
    }
}

static void close_world(void)
{
    struct store *store = world.agents.store;

    if (!store)
        return;
    agents_release(&world.agents);
    store_close(store);
    remove_files();
    rmdir(world.dir);
}

/* A new store now and then: what inputs leave behind must not add up. */
static void open_world(void)
{
    char path[96];
    struct store *store;
    struct call c;

    if (world.agents.store && ++world.n_inputs % INPUTS_PER_STORE != 0)
        return;
    if (!world.n_inputs)
        atexit(close_world);
    close_world();
    snprintf(world.dir, sizeof world.dir, "/tmp/fuzz-service.XXXXXX");
    if (!mkdtemp(world.dir))
        abort();
    snprintf(path, sizeof path, "%s/db", world.dir);
    call_init(&c, NULL, CALL_ARENA_BYTES);
    if (sqlite_store_open(&c, &(struct sqlite_options){.path = path}, &store) != STATUS_OK ||
        agents_init(&c, &world.agents, store) != STATUS_OK)
        abort();
    call_release(&c);
}

/* "L" and "D" in fields whose names end with "id", at the top of a request. */
static void put_ids(ProtobufCMessage *in)
{
    for (unsigned i = 0; i < in->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &in->descriptor->fields[i];
        size_t n = strlen(f->name);
        char **text = (char **)((char *)in + f->offset);

        if (f->type != PROTOBUF_C_TYPE_STRING || f->label == PROTOBUF_C_LABEL_REPEATED ||
            (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || n < 2 || strcmp(f->name + n - 2, "id") != 0)
            continue;
        if (**text == 'L' && world.lead[0])
            *text = world.lead;
        else if (**text == 'D' && world.deal[0])
            *text = world.deal;
    }
}

static void keep_id(char kept[ID_BYTES], const char *id)
{
    assert(strlen(id) == ID_BYTES - 1);
    memcpy(kept, id, ID_BYTES);
}

static void keep_ids(const ProtobufCMessage *out)
{
    if (out->descriptor == &sales__v1__create_lead_response__descriptor)
        keep_id(world.lead, ((const CreateLeadResponse *)out)->lead->id);
    if (out->descriptor == &sales__v1__create_deal_response__descriptor)
        keep_id(world.deal, ((const CreateDealResponse *)out)->deal->id);
}

static enum status serve(struct call *c, const struct method *m, str bytes)
{
    ProtobufCMessage *in, *out;
    str packed;

    TRY(wire_unpack(c, &c->arena, m->input, bytes, &in));
    put_ids(in);
    TRY(validate(c, m->rules, in));
    out = arena_alloc(&c->arena, m->output->sizeof_message, sizeof(void *), 1);
    if (!out)
        return call_nomem(c);
    protobuf_c_message_init(m->output, out);
    TRY(m->unary(c, &sales_agent_handlers, &world.agents, in, out));
    if (!wire_pack(&c->arena, out, &packed))
        return call_nomem(c);
    keep_ids(out);
    return STATUS_OK;
}

static void request(const struct method *m, str bytes)
{
    struct call c;
    enum status s;

    if (!m->unary)
        return;
    call_init(&c, NULL, CALL_ARENA_BYTES);
    c.principal.tenant_id = 1;
    c.principal.roles = ROLE_BIT_ADMIN;
    snprintf(c.principal.subject, sizeof c.principal.subject, "fuzz");
    s = serve(&c, m, bytes);
    assert(s == c.fault.status || s == STATUS_UNIMPLEMENTED);
    assert(s != STATUS_INTERNAL && s != STATUS_DATA_LOSS && s != STATUS_UNKNOWN);
    call_release(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    str rest = {(const char *)data, n};

    open_world();
    world.lead[0] = world.deal[0] = 0;
    for (int i = 0; i < REQUESTS_MAX && rest.n >= HEAD_BYTES; i++) {
        const unsigned char *head = (const unsigned char *)rest.p;
        size_t bytes = head[1] | (size_t)head[2] << 8;

        rest = str_sub(rest, HEAD_BYTES, rest.n);
        request(&sales_agent_service.methods[head[0] % SALES_AGENT_N_METHODS],
                str_sub(rest, 0, bytes));
        rest = str_sub(rest, bytes < rest.n ? bytes : rest.n, rest.n);
    }
    return 0;
}
