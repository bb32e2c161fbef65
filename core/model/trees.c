/* Trees walk for a margin; for contributions every leaf is a short list of intervals, and its
 * Shapley values follow from which of them hold. */
#include "model/trees.h"

#include <assert.h>
#include <math.h>

/* Least and most share of its parent's cover that a child may claim; sums of floats may exceed 1.
 */
static const double SHARE_LEAST = 1e-9, SHARE_MOST = 1.001;

static bool node_ok(const struct trees *t, const struct tree *tree, uint32_t i)
{
    const struct tree_node *n = &tree->node[i];

    if (!isfinite(n->value) || !(n->cover > 0) || !isfinite(n->cover))
        return false;
    if (n->left == 0)
        return n->right == 0 && fabsf(n->value) <= 1e4F;
    return n->left > i && n->right > i && n->left != n->right && n->left < tree->n_nodes &&
           n->right < tree->n_nodes && n->column < t->n_columns;
}

static bool share_ok(const struct tree_node *parent, const struct tree_node *child)
{
    double share = (double)child->cover / (double)parent->cover;

    return share >= SHARE_LEAST && share <= SHARE_MOST;
}

/* Each node has one parent, the way to it is short, covers shrink on the way. */
static bool tree_ok(const struct trees *t, const struct tree *tree)
{
    uint8_t depth[TREE_NODES_MAX] = {0};

    if (tree->n_nodes == 0 || tree->n_nodes > TREE_NODES_MAX)
        return false;
    for (uint32_t i = 0; i < tree->n_nodes; i++) {
        const struct tree_node *n = &tree->node[i];

        if (!node_ok(t, tree, i) || (i > 0 && depth[i] == 0) || depth[i] > TREE_DEPTH_MAX)
            return false;
        if (n->left == 0)
            continue;
        if (depth[n->left] != 0 || depth[n->right] != 0 || !share_ok(n, &tree->node[n->left]) ||
            !share_ok(n, &tree->node[n->right]))
            return false;
        depth[n->left] = depth[n->right] = (uint8_t)(depth[i] + 1);
    }
    return true;
}

/* Narrows the step of this split's column, or adds one. */
static void narrow(struct tree_step *step, uint32_t *n, const struct tree_node *node, bool left,
                   double share)
{
    uint32_t i = 0;

    while (i < *n && step[i].column != node->column)
        i++;
    if (i == *n) {
        step[(*n)++] = (struct tree_step){.low = -HUGE_VALF,
                                          .high = HUGE_VALF,
                                          .share = 1,
                                          .column = node->column,
                                          .missing = true};
    }
    if (left)
        step[i].high = fminf(step[i].high, node->value);
    else
        step[i].low = fmaxf(step[i].low, node->value);
    step[i].missing = step[i].missing && node->missing_left == left;
    step[i].share *= share;
}

/* The distinct columns from the root to a leaf. */
static uint32_t trace(const struct tree *tree, const uint16_t *parent, uint32_t leaf,
                      struct tree_step *step)
{
    uint32_t way[TREE_DEPTH_MAX + 1], n_way = 0, n = 0;

    for (uint32_t i = leaf; i != 0; i = parent[i])
        way[n_way++] = i;
    while (n_way > 0) {
        uint32_t child = way[--n_way];
        const struct tree_node *node = &tree->node[parent[child]];

        narrow(step, &n, node, node->left == child,
               (double)tree->node[child].cover / (double)node->cover);
    }
    return n;
}

static void link_tree(struct trees *t, const struct tree *tree)
{
    uint16_t parent[TREE_NODES_MAX] = {0};

    for (uint32_t i = 0; i < tree->n_nodes; i++) {
        if (tree->node[i].left != 0) {
            parent[tree->node[i].left] = parent[tree->node[i].right] = (uint16_t)i;
            continue;
        }
        struct tree_path *p = &t->path[t->n_paths++];

        *p = (struct tree_path){.value = (double)tree->node[i].value, .step = (uint32_t)t->n_steps};
        p->n_steps = trace(tree, parent, i, t->step + t->n_steps);
        t->n_steps += p->n_steps;
    }
}

enum status trees_link(struct trees *t, struct arena *a)
{
    size_t n_leaves = 0;

    if (t->n_trees > TREES_MAX || !isfinite(t->base))
        return STATUS_INVALID;
    for (size_t i = 0; i < t->n_trees; i++) {
        if (!tree_ok(t, &t->tree[i]))
            return STATUS_INVALID;
        n_leaves += (t->tree[i].n_nodes + 1) / 2;
    }
    t->n_paths = t->n_steps = 0;
    t->path = NEW(a, struct tree_path, n_leaves + 1);
    t->step = NEW(a, struct tree_step, (n_leaves + 1) * TREE_DEPTH_MAX);
    if (!t->path || !t->step)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < t->n_trees; i++)
        link_tree(t, &t->tree[i]);
    t->expected = t->base;
    for (size_t i = 0; i < t->n_paths; i++) {
        double v = t->path[i].value;

        for (uint32_t k = 0; k < t->path[i].n_steps; k++)
            v *= t->step[t->path[i].step + k].share;
        t->expected += v;
    }
    return STATUS_OK;
}

static double leaf_of(const struct tree *tree, const float *x)
{
    const struct tree_node *at = tree->node;

    while (at->left != 0) {
        float v = x[at->column];
        bool left = isnan(v) ? at->missing_left : v < at->value;

        at = &tree->node[left ? at->left : at->right];
    }
    return (double)at->value;
}

double trees_margin(const struct trees *t, const float *x, size_t n_trees)
{
    double sum = t->base;

    assert(n_trees <= t->n_trees);
    for (size_t i = 0; i < n_trees; i++)
        sum += leaf_of(&t->tree[i], x);
    return sum;
}

void trees_sequence(const struct trees *t, const float *x, size_t every, double *out, size_t stride)
{
    double sum = t->base;

    for (size_t i = 0; i < t->n_trees; i++) {
        sum += leaf_of(&t->tree[i], x);
        if ((i + 1) % every == 0)
            out[(i + 1) / every * stride - stride] = sum;
    }
}

static bool is_open(const struct tree_step *s, const float *x)
{
    float v = x[s->column];

    return isnan(v) ? s->missing : v >= s->low && v < s->high;
}

/* Weight of each size of coalition, one column more (EXTEND); one: the column's step is open. */
static void extend(double *w, uint32_t n, double zero, bool one)
{
    w[n] = 0;
    for (uint32_t i = n; i-- > 0;) {
        if (one)
            w[i + 1] += w[i] * (i + 1) / (n + 1);
        w[i] = zero * w[i] * (n - i) / (n + 1);
    }
}

/* The sum of the weights with one column taken out again (UNWIND). */
static double unwound(const double *w, uint32_t n, double zero, bool one)
{
    double next = w[n], total = 0;

    for (uint32_t i = n; i-- > 0;) {
        if (one) {
            double part = next * (n + 1) / (i + 1);

            total += part;
            next = w[i] - part * zero * (n - i) / (n + 1);
        } else {
            total += w[i] * (n + 1) / (zero * (n - i));
        }
    }
    return total;
}

static void explain_path(const struct tree_step *step, uint32_t n, double value, const float *x,
                         double *share)
{
    double w[TREE_DEPTH_MAX + 2] = {1};
    bool open[TREE_DEPTH_MAX];

    for (uint32_t k = 0; k < n; k++) {
        open[k] = is_open(&step[k], x);
        extend(w, k + 1, step[k].share, open[k]);
    }
    for (uint32_t k = 0; k < n; k++) {
        double zero = step[k].share;

        share[step[k].column] += unwound(w, n, zero, open[k]) * ((double)open[k] - zero) * value;
    }
}

void trees_explain(const struct trees *t, const float *x, double *share)
{
    for (size_t i = 0; i < t->n_paths; i++) {
        const struct tree_path *p = &t->path[i];

        explain_path(t->step + p->step, p->n_steps, p->value, x, share);
    }
}
