/* model_load: one model from the store into memory; for model_use.h alone. */
#ifndef AGENT_MODEL_LOAD_H
#define AGENT_MODEL_LOAD_H

#include "agent/model_use.h"

/* 4 MiB of bytes are some 20 MiB of trees. */
enum { MODEL_LOAD_ARENA_BYTES = 128 << 20 };

struct model_loaded {
    struct model_use *use; /* filled in */
    struct arena *arena;   /* use->model lives here */
};

/* Id of the tenant's active model; "": it has none. */
MUST_CHECK enum status model_load_active_id(struct call *c, struct store *s, ModelKind kind,
                                            char id[UUID_TEXT_BYTES + 1]);

/* NOT_FOUND: no such model, or one without bytes. DATA_LOSS, MODEL_DAMAGED. */
MUST_CHECK enum status model_load(struct call *c, struct store *s, const char *id,
                                  const struct model_loaded *out);

#endif
