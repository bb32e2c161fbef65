/*
 * model_bytes: a model as bytes that can be kept, hashed and trusted again.
 *
 *   "SALESMDL" | u32 format | u32 kind | u64 bytes of body | body | SHA-256 of all before
 *
 * Little-endian throughout. The parser believes nothing: the digest, then every count, index, order
 * and range; bytes that parse predict without any further check.
 */
#ifndef MODEL_MODEL_BYTES_H
#define MODEL_MODEL_BYTES_H

#include "model/model.h"

/* The same model gives the same bytes. Sets m->sha256 (of the whole but for its last 32 bytes,
 * which are this digest). EXHAUSTED: the arena is, or MODEL_BYTES_MAX. */
MUST_CHECK enum status model_bytes_write(struct model *m, struct arena *a, str *out);

/* A model in the arena, bytes no longer needed. DATA_LOSS: these bytes are no model, cut or
 * changed. UNIMPLEMENTED: a format of a later version. EXHAUSTED: the arena is. */
MUST_CHECK enum status model_bytes_parse(struct model **out, struct arena *a, str bytes);

#endif
