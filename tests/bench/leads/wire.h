/*
 * wire: protobuf written and read by hand, so that the load client costs little beside the server
 * it shares the machine with, and knows nothing of the server's own code.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes being written into borrowed memory. What does not fit is dropped and `overflow` says so. */
struct wire_out {
    uint8_t *data;
    size_t len, cap;
    bool overflow;
};

void wire_put_uint(struct wire_out *o, uint32_t field, uint64_t value);
void wire_put_bytes(struct wire_out *o, uint32_t field, const void *data, size_t n);
void wire_put_text(struct wire_out *o, uint32_t field, const char *text);
void wire_put_fixed64(struct wire_out *o, uint32_t field, uint64_t value);
void wire_put_double(struct wire_out *o, uint32_t field, double value);
void wire_put_message(struct wire_out *o, uint32_t field, const struct wire_out *message);

/* A message being read. `bad` is set when the bytes are no protobuf. */
struct wire_in {
    const uint8_t *at, *end;
    bool bad;
};

struct wire_field {
    uint32_t number;
    uint64_t value;      /* whole numbers */
    const uint8_t *data; /* text, bytes, messages, fixed32/64: [len], borrowed */
    size_t len;
};

struct wire_in wire_in(const uint8_t *data, size_t n);

/* The next field; false at the end or when `bad`. */
bool wire_next(struct wire_in *in, struct wire_field *out);

#endif
