/* ubj: reads the trees out of a model that XGBoost 1.7 wrote in memory as UBJSON
 * (https://ubjson.org/type-reference, with big-endian typed arrays). */
#ifndef MODEL_UBJ_H
#define MODEL_UBJ_H

#include "model/trees.h"

/* Fills out->tree and out->n_trees; nodes in the order root, left, right. INVALID: not such a
 * model, or trees over the limits. */
MUST_CHECK enum status ubj_read_trees(struct trees *out, struct arena *a, str bytes);

#endif
