/* Metadata in both directions: views of what came, checked copies of what goes. */
#include <grpc/slice.h>
#include <stdlib.h>

#include "rpc/internal.h"

enum { HTTP2_ENTRY_BYTES = 32 }; /* RFC 9113 6.5.2: what an entry costs beside its text */

static struct rpc_call *call_of(const struct rpc_request *q)
{
    return (struct rpc_call *)(void *)q; /* q is its first member */
}

static str view(const grpc_slice *s)
{
    return (str){(const char *)GRPC_SLICE_START_PTR(*s), GRPC_SLICE_LENGTH(*s)};
}

str rpc_request_header(const struct rpc_request *q, const char *key)
{
    const grpc_metadata_array *m = &call_of(q)->metadata;
    str want = str_of(key);

    for (size_t i = 0; i < m->count; i++) {
        if (str_eq(view(&m->metadata[i].key), want))
            return view(&m->metadata[i].value);
    }
    return (str){0};
}

bool rpc_request_header_at(const struct rpc_request *q, size_t i, str *key_out, str *value_out)
{
    const grpc_metadata_array *m = &call_of(q)->metadata;

    *key_out = *value_out = (str){0};
    if (i >= m->count)
        return false;
    *key_out = view(&m->metadata[i].key);
    *value_out = view(&m->metadata[i].value);
    return true;
}

size_t rpc_metadata_bytes(const struct rpc_call *c)
{
    size_t n = 0;

    for (size_t i = 0; i < c->metadata.count; i++)
        n += GRPC_SLICE_LENGTH(c->metadata.metadata[i].key) +
             GRPC_SLICE_LENGTH(c->metadata.metadata[i].value) + HTTP2_ENTRY_BYTES;
    return n;
}

/* The core aborts nothing, but refuses the whole batch, when a key or value is not legal. */
static bool is_legal(grpc_slice key, grpc_slice value)
{
    if (!grpc_header_key_is_legal(key))
        return false;
    return grpc_is_binary_header(key) || grpc_header_nonbin_value_is_legal(value);
}

bool rpc_metadata_add(struct metadata_out *m, str key, str value)
{
    grpc_slice k, v;

    if (!m->entries && (m->entries = calloc(RPC_METADATA_OUT_MAX, sizeof *m->entries)) == NULL)
        return false;
    if (m->n == RPC_METADATA_OUT_MAX)
        return false;
    k = grpc_slice_from_copied_buffer(key.p, key.n);
    v = grpc_slice_from_copied_buffer(value.p, value.n);
    if (!is_legal(k, v)) {
        grpc_slice_unref(k);
        grpc_slice_unref(v);
        return false;
    }
    m->entries[m->n++] = (grpc_metadata){.key = k, .value = v};
    return true;
}

void rpc_metadata_free(struct metadata_out *m)
{
    for (size_t i = 0; i < m->n; i++) {
        grpc_slice_unref(m->entries[i].key);
        grpc_slice_unref(m->entries[i].value);
    }
    free(m->entries);
    *m = (struct metadata_out){0};
}

grpc_op rpc_headers_op(struct rpc_call *c)
{
    grpc_op op = {.op = GRPC_OP_SEND_INITIAL_METADATA};

    op.data.send_initial_metadata.metadata = c->headers.entries;
    op.data.send_initial_metadata.count = c->headers.n;
    c->headers_left = false;
    return op;
}

static bool is_reserved(str key)
{
    return str_starts(key, STR("grpc-")) || str_eq(key, STR("content-type")) ||
           str_eq(key, STR("te"));
}

bool rpc_request_set_header(struct rpc_request *q, str key, str value)
{
    struct rpc_call *c = call_of(q);

    return c->headers_left && !is_reserved(key) && rpc_metadata_add(&c->headers, key, value);
}

bool rpc_request_set_trailer(struct rpc_request *q, str key, str value)
{
    struct rpc_call *c = call_of(q);

    return !is_reserved(key) &&
           c->trailers.n < RPC_METADATA_OUT_MAX - 1 && /* one for the details */
           rpc_metadata_add(&c->trailers, key, value);
}

struct rpc_request *rpc_request_of(struct call *c)
{
    return (struct rpc_request *)((char *)c - offsetof(struct rpc_call, ctx));
}
