/* models: which model answers which task, as configured. Nothing is compiled in: a task without a
 * model is answered by the local provider. */
#ifndef AI_MODELS_H
#define AI_MODELS_H

#include "ai/provider.h"

struct ai_models {
    char of_task[AI_TASKS][AI_MODEL_BYTES]; /* "": none */
    const char *all[AI_TASKS];              /* [n] each once; point into of_task */
    size_t n;
};

/*
 * Reads "MODEL, TASK=MODEL, ...": a model alone is that of all tasks that are not named. The tasks
 * are those of task.def; a model's id has letters, digits and, within, any of "-._:@".
 *
 * INVALID, AI_MODELS: says which entry. *out must not move afterwards.
 */
MUST_CHECK enum status ai_models_read(struct call *c, const char *text, struct ai_models *out);

/* NULL: none. */
const char *ai_models_of(const struct ai_models *m, enum ai_task task);

#endif
