/* Writing and reading are the same list of fields, in two directions. */
#include "model/model_bytes.h"

#include <math.h>
#include <openssl/evp.h>

enum { FORMAT = 1, MAGIC_BYTES = 8, HEAD_BYTES = MAGIC_BYTES + 4 + 4 + 8, DIGEST_BYTES = 32 };
enum { SOURCE_BYTES = 4 * (ENCODER_EDGES + ENCODER_PROFILE) }; /* a source has at least these */
static const char MAGIC[MAGIC_BYTES + 1] = "SALESMDL";

/* What a fitted model stays under by far; keeps every sum far from overflow. */
static const double BETA_MOST = 100, MEAN_MOST = 3000, SCALE_MOST = 1000, SHIFT_MOST = 2;

struct writer {
    unsigned char *p; /* NULL: only counts */
    size_t n, cap;
};

struct reader {
    const unsigned char *p;
    size_t n, at;
    bool failed;
    bool no_room; /* the reason is the arena, not the bytes */
};

static void put(struct writer *w, uint64_t v, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes; i++, w->n++)
        if (w->p && w->n < w->cap)
            w->p[w->n] = (unsigned char)(v >> (8 * i));
}

static void put_float(struct writer *w, float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof bits);
    put(w, bits, sizeof bits);
}

static void put_double(struct writer *w, double v)
{
    uint64_t bits;

    memcpy(&bits, &v, sizeof bits);
    put(w, bits, sizeof bits);
}

static void put_text(struct writer *w, str s)
{
    put(w, s.n, 2);
    for (size_t i = 0; i < s.n; i++)
        put(w, (unsigned char)s.p[i], 1);
}

static uint64_t take(struct reader *r, size_t n_bytes)
{
    uint64_t v = 0;

    if (r->failed || n_bytes > r->n - r->at) {
        r->failed = true;
        return 0;
    }
    for (size_t i = n_bytes; i-- > 0;)
        v = v << 8 | r->p[r->at + i];
    r->at += n_bytes;
    return v;
}

/* A count that cannot be true for what is left, each element taking at least `least` bytes, fails.
 */
static size_t take_count(struct reader *r, size_t n_bytes, size_t most, size_t least)
{
    uint64_t v = take(r, n_bytes);

    if (r->failed || v > most || v * least > r->n - r->at) {
        r->failed = true;
        return 0;
    }
    return (size_t)v;
}

static void need(struct reader *r, bool truth)
{
    r->failed = r->failed || !truth;
}

static void need_room(struct reader *r, const void *p)
{
    r->no_room = r->no_room || !p;
    need(r, p != NULL);
}

/* A finite number of at most this size. */
static float take_float(struct reader *r, double most)
{
    uint32_t bits = (uint32_t)take(r, sizeof bits);
    float v;

    memcpy(&v, &bits, sizeof v);
    need(r, fabs((double)v) <= most);
    return v;
}

static double take_double(struct reader *r, double most)
{
    uint64_t bits = take(r, sizeof bits);
    double v;

    memcpy(&v, &bits, sizeof v);
    need(r, fabs(v) <= most);
    return v;
}

static str take_text(struct reader *r, struct arena *a, size_t most)
{
    size_t n = take_count(r, 2, most, 1);
    str s = {(const char *)r->p + r->at, n};

    need(r, n > 0);
    if (r->failed)
        return (str){0};
    r->at += n;
    s = arena_str(a, s);
    need_room(r, s.p);
    return s;
}

static void put_source(struct writer *w, const struct encoder_source *s)
{
    put(w, (uint64_t)s->kind, 1);
    put(w, s->has_missing, 1);
    put_text(w, s->name);
    for (size_t k = 0; k < ENCODER_EDGES; k++)
        put_float(w, s->edge[k]);
    put(w, s->n_words, 2);
    for (uint32_t k = 0; k < s->n_words; k++)
        put_text(w, s->word[k]);
    for (uint32_t k = 0; k < ENCODER_PROFILE; k++)
        put(w, s->profile[k], 4);
}

static void take_source(struct reader *r, struct arena *a, struct encoder_source *s)
{
    uint64_t kind = take(r, 1), has_missing = take(r, 1);

    need(r, kind >= COLUMN_NUMBER && kind <= COLUMN_AGE && has_missing <= 1);
    s->kind = r->failed ? COLUMN_NUMBER : (enum column_kind)kind;
    s->has_missing = has_missing == 1;
    s->name = take_text(r, a, FRAME_NAME_BYTES);
    for (size_t k = 0; k < ENCODER_EDGES; k++) {
        s->edge[k] = take_float(r, HUGE_VAL);
        need(r, isfinite(s->edge[k]) && (k == 0 || s->edge[k] >= s->edge[k - 1]));
    }
    s->n_words = (uint32_t)take_count(r, 2, ENCODER_WORDS_MAX, 3);
    need(r, s->n_words == 0 || s->kind == COLUMN_CATEGORY);
    s->word = NEW(a, str, s->n_words + 1U);
    need_room(r, s->word);
    for (uint32_t k = 0; k < s->n_words && !r->failed; k++) {
        s->word[k] = take_text(r, a, FRAME_WORD_BYTES);
        need(r, k == 0 || str_cmp(s->word[k - 1], s->word[k]) < 0);
    }
    for (uint32_t k = 0; k < ENCODER_PROFILE; k++)
        s->profile[k] = (uint32_t)take(r, 4);
}

static void put_encoder(struct writer *w, const struct encoder *e)
{
    put(w, e->n_sources, 4);
    for (size_t i = 0; i < e->n_sources; i++)
        put_source(w, &e->source[i]);
    for (size_t k = 0; k < e->n_linear; k++) {
        put_float(w, e->linear[k].shift);
        put_float(w, e->linear[k].scale);
        put_double(w, e->linear[k].mean);
    }
}

static void take_encoder(struct reader *r, struct arena *a, struct encoder *e)
{
    e->n_sources = take_count(r, 4, FRAME_COLUMNS_MAX, SOURCE_BYTES);
    e->source = NEW(a, struct encoder_source, e->n_sources + 1);
    need_room(r, e->source);
    for (size_t i = 0; i < e->n_sources && !r->failed; i++)
        take_source(r, a, &e->source[i]);
    if (r->failed)
        return;
    need(r, encoder_lay_out(e));
    e->linear = r->failed ? NULL : NEW(a, struct encoder_linear, e->n_linear + 1);
    need_room(r, e->linear);
    for (size_t k = 0; k < e->n_linear && !r->failed; k++) {
        e->linear[k].shift = take_float(r, SHIFT_MOST);
        e->linear[k].scale = take_float(r, SCALE_MOST);
        e->linear[k].mean = take_double(r, MEAN_MOST);
    }
}

static void put_linear(struct writer *w, const struct logistic *m)
{
    put_double(w, m->intercept);
    for (size_t k = 0; k < m->n; k++)
        put_double(w, m->beta[k]);
}

static void take_linear(struct reader *r, struct arena *a, struct logistic *m, size_t n)
{
    if (r->failed)
        return;
    m->intercept = take_double(r, BETA_MOST);
    m->n = n;
    m->beta = NEW(a, double, n + 1);
    need_room(r, m->beta);
    for (size_t k = 0; k < n && !r->failed; k++)
        m->beta[k] = take_double(r, BETA_MOST);
}

static void put_trees(struct writer *w, const struct trees *t)
{
    put_double(w, t->base);
    put(w, t->n_trees, 4);
    for (size_t i = 0; i < t->n_trees; i++) {
        put(w, t->tree[i].n_nodes, 2);
        for (uint32_t k = 0; k < t->tree[i].n_nodes; k++) {
            const struct tree_node *n = &t->tree[i].node[k];

            put_float(w, n->value);
            put_float(w, n->cover);
            put(w, n->left, 2);
            put(w, n->right, 2);
            put(w, n->column, 2);
            put(w, n->missing_left, 1);
        }
    }
}

static void take_tree(struct reader *r, struct arena *a, struct tree *t)
{
    enum { NODE_BYTES = 15 };

    t->n_nodes = (uint32_t)take_count(r, 2, TREE_NODES_MAX, NODE_BYTES);
    t->node = NEW(a, struct tree_node, t->n_nodes + 1U);
    need_room(r, t->node);
    for (uint32_t k = 0; k < t->n_nodes && !r->failed; k++) {
        struct tree_node *n = &t->node[k];
        uint64_t missing_left;

        n->value = take_float(r, HUGE_VAL);
        n->cover = take_float(r, HUGE_VAL);
        n->left = (uint16_t)take(r, 2);
        n->right = (uint16_t)take(r, 2);
        n->column = (uint16_t)take(r, 2);
        missing_left = take(r, 1);
        need(r, missing_left <= 1);
        n->missing_left = missing_left == 1;
    }
}

static void take_trees(struct reader *r, struct arena *a, struct trees *t, size_t n_columns)
{
    enum status linked;

    if (r->failed)
        return;
    t->n_columns = n_columns;
    t->base = take_double(r, BETA_MOST);
    t->n_trees = take_count(r, 4, TREES_MAX, 2);
    t->tree = NEW(a, struct tree, t->n_trees + 1);
    need_room(r, t->tree);
    for (size_t i = 0; i < t->n_trees && !r->failed; i++)
        take_tree(r, a, &t->tree[i]);
    if (r->failed)
        return;
    linked = trees_link(t, a); /* checks the structure */
    r->no_room = linked == STATUS_EXHAUSTED;
    r->failed = linked != STATUS_OK;
}

static void put_calibration(struct writer *w, const struct model *m)
{
    const struct calibration *c = &m->calibration;

    put_double(w, c->slope);
    put_double(w, c->shift);
    put(w, c->n_knots, 1);
    for (uint32_t k = 0; k < c->n_knots; k++) {
        put_double(w, c->x[k]);
        put_double(w, c->y[k]);
    }
    put(w, m->n_bins, 1);
    for (uint32_t k = 0; k < m->n_bins; k++) {
        put_double(w, m->bin[k].upto);
        put(w, m->bin[k].n, 8);
        put(w, m->bin[k].n_positive, 8);
    }
}

static void take_calibration(struct reader *r, struct model *m)
{
    struct calibration *c = &m->calibration;

    c->slope = take_double(r, HUGE_VAL);
    c->shift = take_double(r, HUGE_VAL);
    c->n_knots = (uint32_t)take_count(r, 1, KNOTS_MAX, 16);
    for (uint32_t k = 0; k < c->n_knots; k++) {
        c->x[k] = take_double(r, HUGE_VAL);
        c->y[k] = take_double(r, HUGE_VAL);
    }
    need(r, calibrate_valid(c));
    m->n_bins = (uint32_t)take_count(r, 1, MODEL_BINS, 24);
    for (uint32_t k = 0; k < m->n_bins; k++) {
        struct model_bin *b = &m->bin[k];

        b->upto = take_double(r, 1);
        b->n = take(r, 8);
        b->n_positive = take(r, 8);
        need(r, b->n <= FRAME_ROWS_MAX && b->n_positive <= b->n &&
                    (k == 0 || b->upto >= m->bin[k - 1].upto));
    }
}

static void put_body(struct writer *w, const struct model *m)
{
    put_encoder(w, &m->encoder);
    if (m->kind != MODEL_TREES)
        put_linear(w, &m->linear);
    if (m->kind != MODEL_LINEAR)
        put_trees(w, &m->trees);
    put_calibration(w, m);
}

static void digest(const unsigned char *p, size_t n, unsigned char out[DIGEST_BYTES])
{
    (void)EVP_Digest(p, n, out, NULL, EVP_sha256(), NULL);
}

enum status model_bytes_write(struct model *m, struct arena *a, str *out)
{
    struct writer w = {0};
    size_t n_body;

    *out = (str){0};
    put_body(&w, m);
    n_body = w.n;
    w = (struct writer){.cap = HEAD_BYTES + n_body + DIGEST_BYTES};
    if (w.cap > MODEL_BYTES_MAX || !(w.p = arena_take(a, w.cap)))
        return STATUS_EXHAUSTED;
    for (size_t i = 0; i < MAGIC_BYTES; i++)
        put(&w, (unsigned char)MAGIC[i], 1);
    put(&w, FORMAT, 4);
    put(&w, (uint64_t)m->kind, 4);
    put(&w, n_body, 8);
    put_body(&w, m);
    digest(w.p, w.n, m->sha256);
    memcpy(w.p + w.n, m->sha256, DIGEST_BYTES);
    *out = (str){(const char *)w.p, w.cap};
    return STATUS_OK;
}

/* Magic, format, length and digest. */
static enum status check_frame(struct reader *r, str bytes, unsigned char sha256[DIGEST_BYTES])
{
    *r = (struct reader){.p = (const unsigned char *)bytes.p, .n = bytes.n, .at = MAGIC_BYTES};
    if (bytes.n < HEAD_BYTES + DIGEST_BYTES || bytes.n > MODEL_BYTES_MAX ||
        memcmp(bytes.p, MAGIC, MAGIC_BYTES) != 0)
        return STATUS_DATA_LOSS;
    digest(r->p, bytes.n - DIGEST_BYTES, sha256);
    if (memcmp(r->p + bytes.n - DIGEST_BYTES, sha256, DIGEST_BYTES) != 0)
        return STATUS_DATA_LOSS;
    r->n -= DIGEST_BYTES;
    return take(r, 4) == FORMAT ? STATUS_OK : STATUS_UNIMPLEMENTED;
}

enum status model_bytes_parse(struct model **out, struct arena *a, str bytes)
{
    struct model *m = NEW(a, struct model, 1);
    struct reader r;
    uint64_t kind;

    *out = NULL;
    if (!m)
        return STATUS_EXHAUSTED;
    TRY(check_frame(&r, bytes, m->sha256));
    kind = take(&r, 4);
    need(&r, kind >= MODEL_LINEAR && kind <= MODEL_BLEND && take(&r, 8) == r.n - r.at);
    if (r.failed)
        return STATUS_DATA_LOSS;
    m->kind = (enum model_kind)kind;
    take_encoder(&r, a, &m->encoder);
    if (m->kind != MODEL_TREES)
        take_linear(&r, a, &m->linear, m->encoder.n_linear);
    if (m->kind != MODEL_LINEAR)
        take_trees(&r, a, &m->trees, m->encoder.n_tree);
    if (!r.failed)
        take_calibration(&r, m);
    if (r.no_room)
        return STATUS_EXHAUSTED;
    if (r.failed || r.at != r.n)
        return STATUS_DATA_LOSS;
    *out = m;
    return STATUS_OK;
}
