/*
 * trees: boosted regression trees as plain arrays; predicts a margin and explains it exactly.
 *
 * Contributions are the Shapley values of the path-dependent tree game (Lundberg et al. 2018,
 * "Consistent Individualized Feature Attribution for Tree Ensembles", algorithm 2), the same that
 * XGBoost gives as pred_contribs, computed here in double and in a fixed order: the library's own
 * are sums of floats, need a DMatrix per call and a C++ parser of model files (docs/adr).
 */
#ifndef MODEL_TREES_H
#define MODEL_TREES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "model/limits.h"

/* Node 0 of each tree is its root; children come after their parent. */
struct tree_node {
    float value;   /* leaf: what it adds; split: goes left when x < value */
    float cover;   /* training weight (sum of hessians) that passed, > 0 */
    uint16_t left; /* index in the tree; 0: a leaf */
    uint16_t right;
    uint16_t column;
    bool missing_left; /* where NaN goes */
};

struct tree {
    uint32_t n_nodes;
    struct tree_node *node;
};

/* One distinct column on the way to a leaf: the way is open if low <= x < high, or, for NaN, if
 * `missing`. */
struct tree_step {
    float low, high;
    double share; /* of the cover that would pass if x were unknown: the product over its splits */
    uint16_t column;
    bool missing;
};

struct tree_path {
    double value; /* of the leaf */
    uint32_t step;
    uint32_t n_steps;
};

struct trees {
    double base; /* margin before the first tree */
    size_t n_trees, n_columns, n_paths, n_steps;
    struct tree *tree;
    struct tree_path *path; /* all leaves of all trees; built by trees_link */
    struct tree_step *step;
    double expected; /* base + expected value of each tree: the margin of nobody in particular */
};

/* Checks the arrays (indices, order, depth, finite values) and builds the paths. INVALID: they are
 * no trees. EXHAUSTED: the arena is. */
MUST_CHECK enum status trees_link(struct trees *t, struct arena *a);

/* The margin of one encoded row [n_columns]; NaN is missing. Only the first n_trees trees. */
double trees_margin(const struct trees *t, const float *x, size_t n_trees);

/* The margins after each `every` trees, at out[0], out[stride], ...; n_trees / every of them. */
void trees_sequence(const struct trees *t, const float *x, size_t every, double *out,
                    size_t stride);

/* Adds the contribution of each column to share [n_columns]; they sum to margin - expected. */
void trees_explain(const struct trees *t, const float *x, double *share);

#endif
