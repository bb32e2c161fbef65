/* wire: protobuf by hand; varints and lengths, nothing else. */
#include "wire.h"

#include <string.h>

enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5, VARINT_BYTES_MAX = 10 };

static void put(struct wire_out *o, const void *data, size_t n)
{
    if (n > o->cap - o->len) {
        o->overflow = true;
        return;
    }
    memcpy(o->data + o->len, data, n);
    o->len += n;
}

static void put_varint(struct wire_out *o, uint64_t v)
{
    uint8_t b[VARINT_BYTES_MAX];
    size_t n = 0;

    while (v > 127) {
        b[n++] = (uint8_t)(v | 128);
        v >>= 7;
    }
    b[n++] = (uint8_t)v;
    put(o, b, n);
}

void wire_put_uint(struct wire_out *o, uint32_t field, uint64_t value)
{
    put_varint(o, (uint64_t)field << 3 | VARINT);
    put_varint(o, value);
}

void wire_put_bytes(struct wire_out *o, uint32_t field, const void *data, size_t n)
{
    put_varint(o, (uint64_t)field << 3 | BYTES);
    put_varint(o, n);
    put(o, data, n);
}

void wire_put_text(struct wire_out *o, uint32_t field, const char *text)
{
    wire_put_bytes(o, field, text, strlen(text));
}

void wire_put_fixed64(struct wire_out *o, uint32_t field, uint64_t value)
{
    put_varint(o, (uint64_t)field << 3 | FIXED64);
    put(o, &value, sizeof value);
}

void wire_put_double(struct wire_out *o, uint32_t field, double value)
{
    put_varint(o, (uint64_t)field << 3 | FIXED64);
    put(o, &value, sizeof value);
}

void wire_put_message(struct wire_out *o, uint32_t field, const struct wire_out *message)
{
    wire_put_bytes(o, field, message->data, message->len);
    o->overflow |= message->overflow;
}

struct wire_in wire_in(const uint8_t *data, size_t n)
{
    return (struct wire_in){.at = data, .end = data + n};
}

static uint64_t get_varint(struct wire_in *in)
{
    uint64_t v = 0;

    for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
        uint8_t b = *in->at++;

        v |= (uint64_t)(b & 127) << shift;
        if (b < 128)
            return v;
    }
    in->bad = true;
    return 0;
}

static size_t length_of(struct wire_in *in, unsigned type)
{
    switch (type) {
    case FIXED64: return 8;
    case FIXED32: return 4;
    case BYTES: return get_varint(in);
    default: in->bad = true; return 0;
    }
}

bool wire_next(struct wire_in *in, struct wire_field *out)
{
    *out = (struct wire_field){0};
    if (in->bad || in->at == in->end)
        return false;
    uint64_t key = get_varint(in);

    out->number = (uint32_t)(key >> 3);
    if ((key & 7) == VARINT) {
        out->value = get_varint(in);
        return !in->bad;
    }
    out->len = length_of(in, key & 7);
    if (in->bad || out->len > (size_t)(in->end - in->at)) {
        in->bad = true;
        return false;
    }
    out->data = in->at;
    in->at += out->len;
    return true;
}
