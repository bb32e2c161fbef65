/*
 * model_use: models of tenants, parsed and ready to predict, shared by all threads.
 *
 *     const struct model_use *use;
 *
 *     TRY(model_use_active(c, a->models, MODEL_KIND_LEAD_WIN, &use));   // outside of any unit
 *     if (use && model_use_fits(use)) ... use->model ...                // else the prior
 *     model_use_put(a->models, use);                                    // NULL is fine
 *
 * Which model a tenant uses is looked up again after MODEL_USE_TTL_MS: that is how late another
 * server notices a publication; this one does at once (model_use_forget). Meanwhile one caller
 * looks and the others go on with what they have; only where nothing is known yet they wait for it.
 * A model's bytes are read and parsed once however many ask, their digest compared with the record.
 * What nobody has used for longest is given up over MODEL_USE_MAX models or MODEL_USE_BYTES; what
 * is in use stays until it was put back.
 */
#ifndef AGENT_MODEL_USE_H
#define AGENT_MODEL_USE_H

#include "base/uuid.h"
#include "model/model.h"
#include "sales/v1/model.h"
#include "store/store.h"

struct model_uses;

enum {
    MODEL_USE_TTL_MS = 3000,
    MODEL_USE_MAX = 256,               /* parsed models kept: active ones of tenants seen lately */
    MODEL_USE_BYTES = 512 << 20,       /* of their memory */
    MODEL_USE_TENANTS_MAX = 4096,      /* tenants and kinds whose active model is known */
    MODEL_CONTENT_BYTES_MAX = 4 << 20, /* of a stored model; as MESSAGE_BYTES_MAX */
};

/* Immutable. Everything belongs to it. */
struct model_use {
    ModelKind kind;
    char id[UUID_TEXT_BYTES + 1];
    char version[64 + 1];
    char sha256[64 + 1]; /* of the model's bytes, lower-case hex */
    char catalogue_sha256[64 + 1];
    double base_rate; /* share that came true where it was judged, 0..1 */
    uint64_t n_cases; /* with an outcome, when it was trained */
    const struct model *model;
};

MUST_CHECK struct model_uses *model_uses_new(struct store *s); /* NULL: out of memory */
void model_uses_free(struct model_uses *u);                    /* when all were put back */

/*
 * The active model of the call's tenant, with a reference; NULL: it has none.
 *
 * Failures of store_run; DATA_LOSS, MODEL_DAMAGED: its bytes are not those of the record, or no
 * model. EXHAUSTED: no memory. Not from inside of a unit.
 */
MUST_CHECK enum status model_use_active(struct call *c, struct model_uses *u, ModelKind kind,
                                        const struct model_use **out);

/* This model of the call's tenant, whatever its state. NOT_FOUND: there is none, or it has no
 * bytes (a training that learned nothing). */
MUST_CHECK enum status model_use_by_id(struct call *c, struct model_uses *u, const char *id,
                                       const struct model_use **out);

/* Gives a reference back. NULL is allowed. */
void model_use_put(struct model_uses *u, const struct model_use *use);

/* The next model_use_active of the tenant looks again. */
void model_use_forget(struct model_uses *u, int64_t tenant_id, ModelKind kind);

/* It was trained on the catalogue of signals of this build: what a vector of today feeds. */
bool model_use_fits(const struct model_use *use);

#endif
