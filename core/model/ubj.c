/* A cursor over UBJSON that looks for one array, "trees"; all else is skipped with a bounded depth.
 */
#include "model/ubj.h"

#include <math.h>

enum { DEPTH_MAX = 24, LIBRARY_NODES_MAX = 1 << 16 };

struct cursor {
    const unsigned char *p;
    size_t n, at;
    bool failed;
};

/* A typed array, as bytes. */
struct span {
    const unsigned char *p;
    size_t n; /* elements */
    char type;
};

/* The arrays of one tree that we need. */
struct raw_tree {
    struct span left, right, column, value, missing_left, cover;
};

static const unsigned char *take(struct cursor *c, size_t n)
{
    const unsigned char *p = c->p + c->at;

    if (c->failed || n > c->n - c->at) {
        c->failed = true;
        return NULL;
    }
    c->at += n;
    return p;
}

static char take_mark(struct cursor *c)
{
    const unsigned char *p = take(c, 1);

    char mark = '\0';

    if (p)
        memcpy(&mark, p, 1);
    return mark;
}

static uint64_t big_endian(const unsigned char *p, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

/* These bytes come next. */
static void need_marks(struct cursor *c, const char *marks)
{
    for (; *marks != '\0'; marks++)
        if (take_mark(c) != *marks)
            c->failed = true;
}

/* Bytes of a number of this type; 0: no number. */
static size_t width_of(char type)
{
    switch (type) {
    case 'i':
    case 'U':
    case 'C': return 1;
    case 'I': return 2;
    case 'l':
    case 'd': return 4;
    case 'L':
    case 'D': return 8;
    default: return 0;
    }
}

static size_t take_count(struct cursor *c)
{
    size_t width = width_of(take_mark(c));
    const unsigned char *p = take(c, width);
    uint64_t v = p && width > 0 ? big_endian(p, width) : UINT64_MAX;

    if (v > c->n)
        c->failed = true;
    return c->failed ? 0 : (size_t)v;
}

static str take_text(struct cursor *c)
{
    size_t n = take_count(c);
    const unsigned char *p = take(c, n);

    return p ? (str){(const char *)p, n} : (str){0};
}

/* After "[$": type, '#', count, elements. */
static struct span take_typed(struct cursor *c)
{
    struct span s = {.type = take_mark(c)};
    size_t width = width_of(s.type);

    if (width == 0 || take_mark(c) != '#')
        c->failed = true;
    s.n = take_count(c);
    s.p = take(c, s.n * width);
    return c->failed ? (struct span){0} : s;
}

/* What a container being skipped still holds: elements of an array, or members up to its end. */
struct level {
    bool object, counted;
    size_t left;
};

/* Opens an array or object that is to be skipped; typed arrays are skipped at once. */
static void skip_open(struct cursor *c, struct level *level, int *depth, bool object)
{
    unsigned char next = c->at < c->n ? c->p[c->at] : 0;

    if (next == '$') {
        c->at++;
        (void)take_typed(c);
        return;
    }
    if (*depth == DEPTH_MAX) {
        c->failed = true;
        return;
    }
    level[*depth] = (struct level){.object = object};
    if (next == '#') {
        c->at++;
        level[*depth].counted = true;
        level[*depth].left = take_count(c);
    }
    ++*depth;
}

static void skip_scalar(struct cursor *c, char mark)
{
    size_t width = width_of(mark);

    if (mark == 'S' || mark == 'H')
        (void)take_text(c);
    else if (width > 0)
        (void)take(c, width);
    else if (mark != 'T' && mark != 'F' && mark != 'Z')
        c->failed = true;
}

/* True while the innermost container is over: pops it. */
static bool ended(struct cursor *c, struct level *top)
{
    unsigned char close = top->object ? '}' : ']';

    if (top->counted)
        return top->left-- == 0;
    if (c->at < c->n && c->p[c->at] == close) {
        c->at++;
        return true;
    }
    return false;
}

static void skip_value(struct cursor *c)
{
    struct level level[DEPTH_MAX];
    int depth = 0;

    do {
        char mark;

        if (depth > 0 && ended(c, &level[depth - 1])) {
            depth--;
            continue;
        }
        if (depth > 0 && level[depth - 1].object)
            (void)take_text(c);
        mark = take_mark(c);
        if (mark == '[' || mark == '{')
            skip_open(c, level, &depth, mark == '{');
        else
            skip_scalar(c, mark);
    } while (depth > 0 && !c->failed);
}

/* Inside an object: moves behind the key, skipping others. False: the object ended without it. */
static bool enter(struct cursor *c, const char *key)
{
    while (!c->failed) {
        if (c->at < c->n && c->p[c->at] == '}') {
            c->at++;
            return false;
        }
        if (str_eq(take_text(c), str_of(key)))
            return !c->failed;
        skip_value(c);
    }
    return false;
}

static struct span *slot_of(struct raw_tree *t, str key)
{
    static const struct {
        const char *key;
        size_t offset;
    } ROWS[] = {{"left_children", offsetof(struct raw_tree, left)},
                {"right_children", offsetof(struct raw_tree, right)},
                {"split_indices", offsetof(struct raw_tree, column)},
                {"split_conditions", offsetof(struct raw_tree, value)},
                {"default_left", offsetof(struct raw_tree, missing_left)},
                {"sum_hessian", offsetof(struct raw_tree, cover)}};

    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++)
        if (str_eq(key, str_of(ROWS[i].key)))
            return (struct span *)(void *)((char *)t + ROWS[i].offset);
    return NULL;
}

static struct raw_tree take_tree(struct cursor *c)
{
    struct raw_tree t = {0};

    if (take_mark(c) != '{')
        c->failed = true;
    while (!c->failed) {
        struct span *slot;

        if (c->at < c->n && c->p[c->at] == '}') {
            c->at++;
            break;
        }
        slot = slot_of(&t, take_text(c));
        if (!slot) {
            skip_value(c);
            continue;
        }
        need_marks(c, "[$");
        *slot = take_typed(c);
    }
    return t;
}

static int64_t int_at(const struct span *s, size_t i)
{
    size_t width = width_of(s->type);
    uint64_t v = big_endian(s->p + i * width, width);

    return width == 4 ? (int64_t)(int32_t)(uint32_t)v : (int64_t)v;
}

static float float_at(const struct span *s, size_t i)
{
    uint32_t bits = (uint32_t)big_endian(s->p + i * 4, 4);
    float v;

    memcpy(&v, &bits, sizeof v);
    return v;
}

static bool shapes_ok(const struct raw_tree *t)
{
    size_t n = t->left.n;

    return n > 0 && n <= LIBRARY_NODES_MAX && t->right.n == n && t->column.n == n &&
           t->value.n == n && t->missing_left.n == n && t->cover.n == n && t->value.type == 'd' &&
           t->cover.type == 'd' && t->left.type != 'd' && t->left.type != 'D' &&
           t->right.type != 'd' && t->right.type != 'D';
}

/* Copies what is reachable from the root, parents first. */
static enum status compact(struct tree *out, struct arena *a, const struct raw_tree *t)
{
    size_t from[TREE_NODES_MAX], n = 1;

    out->node = NEW(a, struct tree_node, TREE_NODES_MAX < t->left.n ? TREE_NODES_MAX : t->left.n);
    if (!out->node)
        return STATUS_EXHAUSTED;
    from[0] = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t left = int_at(&t->left, from[i]), right = int_at(&t->right, from[i]);
        struct tree_node *node = &out->node[i];

        *node = (struct tree_node){.value = float_at(&t->value, from[i]),
                                   .cover = float_at(&t->cover, from[i])};
        if (left < 0)
            continue;
        if (right < 0 || (size_t)left >= t->left.n || (size_t)right >= t->left.n ||
            n + 2 > TREE_NODES_MAX || n + 2 > t->left.n)
            return STATUS_INVALID;
        node->column = (uint16_t)int_at(&t->column, from[i]);
        node->missing_left = int_at(&t->missing_left, from[i]) != 0;
        node->left = (uint16_t)n;
        node->right = (uint16_t)(n + 1);
        from[n++] = (size_t)left;
        from[n++] = (size_t)right;
    }
    out->n_nodes = (uint32_t)n;
    return STATUS_OK;
}

enum status ubj_read_trees(struct trees *out, struct arena *a, str bytes)
{
    struct cursor c = {.p = (const unsigned char *)bytes.p, .n = bytes.n};
    static const char *const WAY[] = {"learner", "gradient_booster", "model", "trees"};
    size_t n;

    for (size_t i = 0; i < sizeof WAY / sizeof *WAY; i++)
        if (take_mark(&c) != '{' || !enter(&c, WAY[i]))
            return STATUS_INVALID;
    need_marks(&c, "[#");
    n = take_count(&c);
    if (c.failed || n > TREES_MAX)
        return STATUS_INVALID;
    out->tree = NEW(a, struct tree, n + 1);
    if (!out->tree)
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < n; i++) {
        struct raw_tree t = take_tree(&c);

        if (c.failed || !shapes_ok(&t))
            return STATUS_INVALID;
        TRY(compact(&out->tree[i], a, &t));
    }
    out->n_trees = n;
    return STATUS_OK;
}
