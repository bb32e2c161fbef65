/* Learns from a CSV of one row per case, split by a hash of the row, and prints the figures of
 * every candidate on rows that model_learn never saw. Usage: model_bank FILE.csv LABEL
 * SKIP[,SKIP...] [seed]
 * Without arguments: times 10,000 made rows of 100 columns. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/encode.h"
#include "model/learn.h"
#include "model/made.h"
#include "model/numeric.h"

enum { LINE_BYTES = 4096, COLUMNS = 64, ROWS = 100000, ARENA_MB = 1024 };

struct csv {
    char name[COLUMNS][64];
    bool is_number[COLUMNS];
    size_t n_columns;
};

static size_t cut(char *line, char *cell[COLUMNS])
{
    size_t n = 0;

    line[strcspn(line, "\r\n")] = '\0';
    for (char *at = line; at && n < COLUMNS; n++) {
        char *comma = strchr(at, ',');

        cell[n] = at;
        if (comma)
            *comma++ = '\0';
        at = comma;
    }
    return n;
}

static bool number_of(const char *text, double *out)
{
    char *end;

    *out = strtod(text, &end);
    return end != text && *end == '\0';
}

static bool is_in(const char *list, const char *name)
{
    const char *at = strstr(list, name);
    size_t n = strlen(name);

    return at && (at == list || at[-1] == ',') && (at[n] == ',' || at[n] == '\0');
}

/* A column is a number if its first row is one; the data here has no exception. */
static void open_frames(struct frame f[2], struct arena *a, struct csv *c, const char *skip)
{
    size_t at;

    for (int k = 0; k < 2; k++) {
        if (frame_init(&f[k], a, ROWS, COLUMNS) != STATUS_OK)
            abort();
        for (size_t i = 0; i < c->n_columns; i++)
            if (!is_in(skip, c->name[i]) &&
                frame_add_column(&f[k], str_of(c->name[i]),
                                 c->is_number[i] ? COLUMN_NUMBER : COLUMN_CATEGORY,
                                 &at) != STATUS_OK)
                abort();
    }
}

static void set_cell(struct frame *f, size_t row, const char *name, const char *text)
{
    const struct frame_column *c = frame_find(f, str_of(name));
    size_t at = c ? (size_t)(c - f->column) : 0;
    double v;

    if (!c || (strcmp(name, "pdays") == 0 && strcmp(text, "999") == 0))
        return;
    if (c->kind == COLUMN_CATEGORY) {
        if (frame_set_word(f, row, at, str_of(text)) != STATUS_OK)
            abort();
    } else if (number_of(text, &v)) {
        frame_set(f, row, at, v);
    }
}

static void add_row(struct frame f[2], const struct csv *c, char *cell[COLUMNS], const char *label,
                    uint64_t seed)
{
    struct frame_row r = {0};
    size_t row;
    struct frame *to;

    for (size_t i = 0; i < c->n_columns; i++) {
        if (strcmp(c->name[i], label) == 0)
            r.label = strcmp(cell[i], "yes") == 0 || strcmp(cell[i], "1") == 0;
        else if (strcmp(c->name[i], "duration") != 0)
            r.key = numeric_hash(r.key, numeric_hash_bytes(cell[i], strlen(cell[i])));
    }
    to = &f[numeric_hash(seed + 1000, r.key) % 5 == 0];
    r.time_us = (int64_t)to->n_rows;
    if (frame_add_row(to, r, &row) != STATUS_OK)
        abort();
    for (size_t i = 0; i < c->n_columns; i++)
        set_cell(to, row, c->name[i], cell[i]);
}

static void read_file(FILE *in, struct frame f[2], struct arena *a, char **argv, uint64_t seed)
{
    struct csv c = {0};
    char line[LINE_BYTES], *cell[COLUMNS];
    double v;

    if (!fgets(line, sizeof line, in))
        abort();
    c.n_columns = cut(line, cell);
    for (size_t i = 0; i < c.n_columns; i++)
        (void)snprintf(c.name[i], sizeof c.name[i], "%s", cell[i]);
    for (bool first = true; fgets(line, sizeof line, in); first = false) {
        if (cut(line, cell) != c.n_columns)
            continue;
        if (first) {
            for (size_t i = 0; i < c.n_columns; i++)
                c.is_number[i] = number_of(cell[i], &v);
            open_frames(f, a, &c, argv[3]);
        }
        add_row(f, &c, cell, argv[2], seed);
    }
}

static void print_row(const char *set, const char *name, const struct measures *m)
{
    printf("| %s | %s | %.3f (%.3f-%.3f) | %.3f | %.4f | %.4f | %.4f | %.2f |\n", set, name, m->auc,
           m->auc_low, m->auc_high, m->pr_auc, m->brier, m->log_loss, m->ece, m->lift20);
}

static void print_held_out(const struct model *m, const struct frame *f, struct arena *a)
{
    double *p = NEW(a, double, f->n_rows + 1);
    uint8_t *label = NEW(a, uint8_t, f->n_rows + 1);
    struct model_view v;
    struct measures x;
    struct measure_data d = {p, label, f->n_rows};

    if (!p || !label || model_view(&v, a, m, f) != STATUS_OK)
        abort();
    for (size_t i = 0; i < f->n_rows; i++) {
        p[i] = model_probability(model_total_micro(&v, i));
        label[i] = f->row[i].label;
    }
    if (measure(&x, a, &d) != STATUS_OK || measure_auc_interval(&x, a, &d, 1, 200) != STATUS_OK)
        abort();
    print_row("held out", "published", &x);
}

/* Of processor time: other work on the machine does not count. */
static double seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void time_explain(const struct model *m, const struct frame *f)
{
    enum { N = 2000 };
    struct arena a;
    double start, elapsed;

    arena_init(&a, 1 << 20);
    start = seconds();
    for (size_t i = 0; i < N; i++) {
        struct model_view v;
        struct prediction p;

        if (model_view(&v, &a, m, f) != STATUS_OK ||
            model_predict(&v, &a, i % f->n_rows, &p) != STATUS_OK)
            abort();
        arena_reset(&a);
    }
    elapsed = seconds() - start;
    arena_release(&a);
    printf("one prediction with contributions: %.1f us\n", 1e6 * elapsed / N);
}

/* Over all integers and bytes of every prediction: equal for every compiler. */
static uint64_t digest_of(const struct model *m, const struct frame *f)
{
    uint64_t h = 0;
    struct arena a;

    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < f->n_rows; i++) {
        struct model_view v;
        struct prediction p;

        if (model_view(&v, &a, m, f) != STATUS_OK || model_predict(&v, &a, i, &p) != STATUS_OK)
            abort();
        h = numeric_hash(h, numeric_hash_bytes(p.share_micro, p.n_shares * sizeof *p.share_micro));
        h = numeric_hash(h, numeric_hash_bytes(&p.probability, sizeof p.probability));
        h = numeric_hash(h, (uint64_t)p.total_micro);
        arena_reset(&a);
    }
    arena_release(&a);
    return h;
}

/* Made data: the size that training is promised for. */
static int run_made(void)
{
    struct frame f;
    struct learned l;
    struct arena a;
    double start;

    arena_init(&a, (size_t)ARENA_MB << 20);
    made_frame(&f, &a, (struct made){10000, 100, 1});
    start = seconds();
    if (model_learn(&l, &a, &f, &(struct learn_options){.seed = 1}) != STATUS_OK || !l.model)
        return 1;
    printf("10000 rows x 100 columns learned in %.2f s, AUC %.3f, trees %d, columns %zu\n",
           seconds() - start, l.candidate[l.chosen].validation.auc, l.n_trees,
           l.model->encoder.n_linear);
    printf("model SHA-256 %s\n", hex_encode(&a, l.model->sha256, sizeof l.model->sha256));
    printf("digest of 10000 predictions %016llx\n", (unsigned long long)digest_of(l.model, &f));
    time_explain(l.model, &f);
    arena_release(&a);
    return 0;
}

int main(int argc, char **argv)
{
    static const char *const NAME[] = {"?", "logistic", "trees", "blend"};
    struct frame f[2];
    struct learned l;
    struct arena a;
    double start;
    uint64_t seed = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    struct learn_options o = {.seed = seed, .split = LEARN_BY_HASH};
    FILE *in = argc > 3 ? fopen(argv[1], "r") : NULL;

    if (argc == 1)
        return run_made();
    if (!in) {
        (void)fprintf(stderr, "usage: model_bank FILE.csv LABEL SKIP[,SKIP...] [seed]\n");
        return 2;
    }
    arena_init(&a, (size_t)ARENA_MB << 20);
    read_file(in, f, &a, argv, seed);
    (void)fclose(in);
    start = seconds();
    if (model_learn(&l, &a, &f[0], &o) != STATUS_OK || l.verdict != LEARN_LEARNED) {
        (void)fprintf(stderr, "nothing learned: %s\n", learn_verdict_text(l.verdict));
        return 1;
    }
    printf("rows %zu, held out %zu, learned in %.2f s, lambda %g, trees %d, bytes %zu\n",
           f[0].n_rows, f[1].n_rows, seconds() - start, l.lambda, l.n_trees, l.bytes.n);
    for (size_t k = 0; k < 3; k++)
        print_row("validation", NAME[l.candidate[k].kind], &l.candidate[k].validation);
    print_held_out(l.model, &f[1], &a);
    time_explain(l.model, &f[1]);
    for (size_t i = 0; i < l.n_importance && i < 8; i++)
        printf("  %-20.*s %.3f\n", STR_ARG(l.importance[i].source),
               l.importance[i].mean_abs_log_odds);
    for (size_t i = 0; i < l.n_caveats; i++)
        printf("  caveat: %s\n", l.caveat[i]);
    arena_release(&a);
    return 0;
}
