/* Walks the message by its descriptor: a new field needs no new code. SHA-256 is used directly for
 * the reason that store/seal.c gives. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "audit/entry.h"

#include <assert.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/limits.h"

/* Where bytes go: counted first, for the length in front of a message, then hashed. */
struct sink {
    SHA256_CTX *hash; /* NULL: only count */
    size_t n;
};

static void put(struct sink *s, const void *p, size_t n)
{
    s->n += n;
    if (s->hash && n)
        SHA256_Update(s->hash, p, n);
}

static void put_number(struct sink *s, uint64_t v, size_t bytes)
{
    unsigned char be[8];

    for (size_t i = 0; i < bytes; i++)
        be[i] = (unsigned char)(v >> (8 * (bytes - 1 - i)));
    put(s, be, bytes);
}

static void put_head(struct sink *s, const ProtobufCFieldDescriptor *f, size_t n)
{
    assert(f->id <= UINT16_MAX && n <= UINT32_MAX);
    put_number(s, f->id, 2);
    put_number(s, n, 4);
}

static void put_bytes(struct sink *s, const ProtobufCFieldDescriptor *f, const void *p, size_t n,
                      bool is_element)
{
    if (!n && !is_element)
        return;
    put_head(s, f, n);
    put(s, p, n);
}

static void put_scalar(struct sink *s, const ProtobufCFieldDescriptor *f, int64_t v,
                       bool is_element)
{
    if (!v && !is_element)
        return;
    put_head(s, f, 8);
    put_number(s, (uint64_t)v, 8);
}

static void put_message(struct sink *s, const ProtobufCMessage *m, int depth);

static void put_nested(struct sink *s, const ProtobufCFieldDescriptor *f, const ProtobufCMessage *m,
                       int depth)
{
    struct sink count = {0};

    if (!m)
        return;
    put_message(&count, m, depth + 1);
    put_head(s, f, count.n);
    put_message(s, m, depth + 1);
}

static void put_value(struct sink *s, const ProtobufCFieldDescriptor *f, const char *p, int depth)
{
    bool is_element = f->label == PROTOBUF_C_LABEL_REPEATED;
    const ProtobufCBinaryData *b = (const ProtobufCBinaryData *)(const void *)p;
    const char *text;

    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        text = *(const char *const *)(const void *)p;
        put_bytes(s, f, text, text ? strlen(text) : 0, is_element);
        return;
    case PROTOBUF_C_TYPE_BYTES: put_bytes(s, f, b->data, b->len, is_element); return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        put_scalar(s, f, *(const int64_t *)(const void *)p, is_element);
        return;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        put_scalar(s, f, *(const uint32_t *)(const void *)p, is_element);
        return;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_ENUM:
        put_scalar(s, f, *(const int32_t *)(const void *)p, is_element);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        put_scalar(s, f, *(const protobuf_c_boolean *)(const void *)p != 0, is_element);
        return;
    case PROTOBUF_C_TYPE_MESSAGE:
        put_nested(s, f, *(const ProtobufCMessage *const *)(const void *)p, depth);
        return;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE: break;
    }
    assert(false && "the trail has no fractions");
}

static size_t size_of(const ProtobufCFieldDescriptor *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    case PROTOBUF_C_TYPE_BOOL: return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_FLOAT: return 4;
    }
    return 0;
}

static void put_field(struct sink *s, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                      int depth)
{
    const char *at = (const char *)m + f->offset;
    size_t n;

    if (f->label != PROTOBUF_C_LABEL_REPEATED) {
        put_value(s, f, at, depth);
        return;
    }
    n = *(const size_t *)(const void *)((const char *)m + f->quantifier_offset);
    for (size_t i = 0; i < n; i++)
        put_value(s, f, *(const char *const *)(const void *)at + i * size_of(f), depth);
}

static void put_message(struct sink *s, const ProtobufCMessage *m, int depth)
{
    const ProtobufCMessageDescriptor *d = m->descriptor;

    assert(depth < MESSAGE_DEPTH_MAX);
    for (unsigned i = 0; i < d->n_fields; i++)
        if (depth > 0 || strcmp(d->fields[i].name, "chain_mac") != 0)
            put_field(s, m, &d->fields[i], depth);
}

void audit_entry_digest(const AuditEntry *e, unsigned char out[AUDIT_DIGEST_BYTES])
{
    SHA256_CTX hash;
    struct sink s = {.hash = &hash};

    assert(e->base.descriptor == &sales__v1__audit_entry__descriptor);
    SHA256_Init(&hash);
    put_message(&s, &e->base, 0);
    SHA256_Final(out, &hash);
}
