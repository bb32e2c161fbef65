/* options: a small wire reader; merging is a recursive concatenation of equal sub-messages. */
#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "schema/unpack.h"

enum { OPTION_DEPTH_MAX = 16, WIRE_FIELDS_MAX = 4096 };

struct span {
    const uint8_t *p;
    size_t n;
};

struct wire_field {
    uint32_t tag;
    unsigned type;
    struct span whole;   /* key and value */
    struct span payload; /* value without its length */
};

static void die(const char *why)
{
    fprintf(stderr, "protoc-gen-sales: %s\n", why);
    exit(1);
}

static uint64_t take_varint(struct span *s)
{
    uint64_t value = 0;
    for (unsigned shift = 0; s->n > 0 && shift < 64; shift += 7) {
        uint8_t byte = *s->p++;
        s->n--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    die("malformed option: varint");
    return 0;
}

static void skip(struct span *s, uint64_t n)
{
    if (n > s->n)
        die("malformed option: length");
    s->p += n;
    s->n -= (size_t)n;
}

static struct wire_field take_field(struct span *s)
{
    struct wire_field f = {.whole.p = s->p};
    uint64_t key = take_varint(s);
    f.tag = (uint32_t)(key >> 3);
    f.type = key & 7;
    f.payload.p = s->p;
    switch (f.type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT: take_varint(s); break;
    case PROTOBUF_C_WIRE_TYPE_64BIT: skip(s, 8); break;
    case PROTOBUF_C_WIRE_TYPE_32BIT: skip(s, 4); break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED: {
        uint64_t n = take_varint(s);
        f.payload.p = s->p;
        skip(s, n);
        break;
    }
    default: die("malformed option: wire type");
    }
    f.payload.n = (size_t)(s->p - f.payload.p);
    f.whole.n = (size_t)(s->p - f.whole.p);
    return f;
}

struct bytes {
    struct arena *arena;
    uint8_t *p;
    size_t n, cap;
};

static void put_bytes(struct bytes *b, const uint8_t *p, size_t n)
{
    if (n > b->cap - b->n)
        die("malformed option: merged bytes do not fit");
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void put_varint(struct bytes *b, uint64_t v)
{
    uint8_t byte;
    for (; v >= 0x80; v >>= 7) {
        byte = (uint8_t)(v | 0x80);
        put_bytes(b, &byte, 1);
    }
    byte = (uint8_t)v;
    put_bytes(b, &byte, 1);
}

static struct bytes new_bytes(struct arena *a, size_t cap)
{
    struct bytes b = {.arena = a, .p = arena_take(a, cap ? cap : 1), .cap = cap};
    if (!b.p)
        die("out of memory");
    return b;
}

static bool is_single_message(const ProtobufCMessageDescriptor *type, uint32_t tag,
                              const ProtobufCMessageDescriptor **inner)
{
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(type, tag);
    if (!f || f->type != PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_REPEATED)
        return false;
    *inner = f->descriptor;
    return true;
}

static struct bytes merge(struct arena *a, const ProtobufCMessageDescriptor *type, struct span in,
                          unsigned depth);

/* All payloads of `tag` in `in`, one behind the other, then merged themselves. */
static struct bytes merge_field(struct arena *a, const ProtobufCMessageDescriptor *inner,
                                struct span in, uint32_t tag, unsigned depth)
{
    struct bytes all = new_bytes(a, in.n);
    while (in.n > 0) {
        struct wire_field f = take_field(&in);
        if (f.tag == tag)
            put_bytes(&all, f.payload.p, f.payload.n);
    }
    return merge(a, inner, (struct span){all.p, all.n}, depth);
}

static struct bytes merge(struct arena *a, const ProtobufCMessageDescriptor *type, struct span in,
                          unsigned depth)
{
    if (depth > OPTION_DEPTH_MAX)
        die("malformed option: too deep");
    struct bytes out = new_bytes(a, in.n + in.n / 2 + 64);
    uint32_t done[WIRE_FIELDS_MAX];
    size_t n_done = 0;
    for (struct span rest = in; rest.n > 0;) {
        struct wire_field f = take_field(&rest);
        const ProtobufCMessageDescriptor *inner;
        if (!is_single_message(type, f.tag, &inner)) {
            put_bytes(&out, f.whole.p, f.whole.n);
            continue;
        }
        bool seen = false;
        for (size_t i = 0; i < n_done; i++)
            seen |= done[i] == f.tag;
        if (seen)
            continue;
        if (n_done == WIRE_FIELDS_MAX)
            die("malformed option: too many fields");
        done[n_done++] = f.tag;
        struct bytes merged = merge_field(a, inner, in, f.tag, depth + 1);
        put_varint(&out, ((uint64_t)f.tag << 3) | PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED);
        put_varint(&out, merged.n);
        put_bytes(&out, merged.p, merged.n);
    }
    return out;
}

/* Of an unknown field, whose data starts with the length when it has one. */
static struct span payload_of(const ProtobufCMessageUnknownField *u)
{
    struct span s = {u->data, u->len};
    if (u->wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        take_varint(&s);
    return s;
}

ProtobufCMessage *option_message(struct arena *a, const ProtobufCMessage *options, uint32_t tag,
                                 const ProtobufCMessageDescriptor *type)
{
    size_t total = 0;
    bool found = false;
    for (size_t i = 0; options && i < options->n_unknown_fields; i++)
        if (options->unknown_fields[i].tag == tag) {
            total += options->unknown_fields[i].len;
            found = true;
        }
    if (!found)
        return NULL;
    struct bytes all = new_bytes(a, total);
    for (size_t i = 0; i < options->n_unknown_fields; i++) {
        if (options->unknown_fields[i].tag != tag)
            continue;
        struct span s = payload_of(&options->unknown_fields[i]);
        put_bytes(&all, s.p, s.n);
    }
    struct bytes merged = merge(a, type, (struct span){all.p, all.n}, 0);
    bool full;
    ProtobufCMessage *m = unpack_into(a, type, (str){(const char *)merged.p, merged.n}, &full);
    if (!m)
        die("malformed option: cannot be unpacked");
    return m;
}

uint64_t option_number(const ProtobufCMessage *options, uint32_t tag)
{
    uint64_t value = 0;
    for (size_t i = 0; options && i < options->n_unknown_fields; i++) {
        struct span s = payload_of(&options->unknown_fields[i]);
        if (options->unknown_fields[i].tag == tag)
            value = take_varint(&s);
    }
    return value;
}

uint32_t option_bits(const ProtobufCMessage *options, uint32_t tag)
{
    uint32_t bits = 0;
    for (size_t i = 0; options && i < options->n_unknown_fields; i++) {
        struct span s = payload_of(&options->unknown_fields[i]);
        while (options->unknown_fields[i].tag == tag && s.n > 0) {
            uint64_t value = take_varint(&s);
            if (value < 32)
                bits |= (uint32_t)1 << value;
        }
    }
    return bits;
}
