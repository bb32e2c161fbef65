#include "ctl/chart.h"

#include <stdlib.h>

#include "base/banned.h"

enum { BAR_COLUMNS = 12, BARS_MAX = 25, MISSING_SHOWN_MAX = 5 };

static const struct grid_column columns[] = {
    {"POINTS", ALIGN_RIGHT, 0}, {"-", ALIGN_RIGHT, 0},    {"+", ALIGN_LEFT, 0},
    {"SIGNAL", ALIGN_LEFT, 28}, {"GROUP", ALIGN_LEFT, 0}, {"VALUE", ALIGN_LEFT, 28},
    {"WHY", ALIGN_LEFT, 60},
};

static void print_row(struct arena *a, struct grid *g, const Sales__V1__Contribution *c,
                      int64_t most)
{
    const char *bar = text_bar(a, (double)llabs(c->points_milli) / (double)most, BAR_COLUMNS);

    grid_set(g, 0, show_field(a, &c->base, "points_milli", SHOW_POINTS));
    grid_set(g, c->points_milli < 0 ? 1 : 2, bar);
    grid_set(g, 3, c->signal);
    grid_set(g, 4, show_field(a, &c->base, "group", SHOW_PLAIN));
    grid_set(g, 5, c->value_text);
    grid_set(g, 6, c->reason);
}

static void print_bars(struct arena *a, const struct term *t, const Sales__V1__LeadScore *s)
{
    int64_t most = 1, sum = s->base_points_milli, small = 0;
    size_t n = s->n_contributions < BARS_MAX ? s->n_contributions : BARS_MAX;
    struct grid g;

    grid_init(&g, a, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < s->n_contributions; i++) {
        int64_t milli = s->contributions[i]->points_milli;

        sum += milli;
        small += i < n ? 0 : milli;
        most = llabs(milli) > most ? llabs(milli) : most;
    }
    for (size_t i = 0; i < n && grid_row(&g); i++)
        print_row(a, &g, s->contributions[i], most);
    if (n)
        grid_print(&g, t, 2);
    if (n < s->n_contributions)
        fprintf(t->file, "  and %zu smaller ones, %+.1f together; --json has them all\n",
                s->n_contributions - n, (double)small / 1000);
    fprintf(t->file, "  base %.1f and %zu signals add up to %.1f\n",
            (double)s->base_points_milli / 1000, s->n_contributions, (double)sum / 1000);
}

static void print_missing(struct arena *a, const struct term *t, const Sales__V1__LeadScore *s)
{
    if (s->n_missing_inputs)
        fprintf(t->file, "  would make it surer:");
    for (size_t i = 0; i < s->n_missing_inputs && i < MISSING_SHOWN_MAX; i++) {
        const Sales__V1__MissingInput *m = s->missing_inputs[i];

        fprintf(t->file, "%s %s (+%.0f %%)", i ? "," : "",
                text_clean(a, str_of(*m->field ? m->field : m->signal), 60),
                m->confidence_gain * 100);
    }
    if (s->n_missing_inputs > MISSING_SHOWN_MAX)
        fprintf(t->file, " and %zu more", s->n_missing_inputs - MISSING_SHOWN_MAX);
    if (s->n_missing_inputs)
        fputc('\n', t->file);
}

static void print_flip(struct arena *a, const struct term *t, const Sales__V1__NearestFlip *f)
{
    if (f && *f->lands_in)
        fprintf(t->file, "  nearest change: %s from %s to %s gives %s\n",
                text_clean(a, str_of(f->signal), 60), text_clean(a, str_of(f->from_text), 60),
                text_clean(a, str_of(f->to_text), 60), text_clean(a, str_of(f->lands_in), 60));
}

/* What computed it, and how likely it says the lead is to buy. */
static void print_source(struct arena *a, const struct term *t, const Sales__V1__LeadScore *s)
{
    const Sales__V1__Provenance *p = s->provenance;

    if (!p)
        return;
    fprintf(t->file, "  by ");
    if (*p->model_id)
        fprintf(t->file, "model %s", text_clean(a, str_of(p->model_version), 64));
    else
        fprintf(t->file, "the shipped rules: no model of this tenant's own yet");
    if (s->win_probability > 0)
        fprintf(t->file, "; %.1f %% likely to buy", s->win_probability * 100);
    if (s->quality == SALES__V1__ANSWER_QUALITY__ANSWER_QUALITY_DEGRADED)
        fprintf(t->file, "; degraded: a fallback took part");
    fputc('\n', t->file);
    if (*s->insight)
        fprintf(t->file, "  %s says: %s\n",
                *p->ai_model ? text_clean(a, str_of(p->ai_model), 64) : "AI",
                text_clean(a, str_of(s->insight), 600));
    if (*s->decision_id)
        fprintf(t->file, "  decision %s\n", text_clean(a, str_of(s->decision_id), 40));
}

void chart_score(struct arena *a, const struct term *t, const Sales__V1__LeadScore *s)
{
    print_bars(a, t, s);
    print_missing(a, t, s);
    print_flip(a, t, s->nearest_flip);
    print_source(a, t, s);
}
