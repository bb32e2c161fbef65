/* Stages as bars, in the pipeline's order. */
#include "ctl/pipeline.h"

#include "base/banned.h"
#include "base/buf.h"
#include "ctl/amount.h"
#include "ctl/ctl.h"

enum { BAR_COLUMNS = 24, AMOUNTS_BYTES = 1024, AMOUNTS_MAX = 4 };

static const struct grid_column columns[] = {
    {"STAGE", ALIGN_LEFT, 20},  {"", ALIGN_LEFT, 0},          {"DEALS", ALIGN_RIGHT, 0},
    {"AMOUNT", ALIGN_RIGHT, 0}, {"WEIGHTED", ALIGN_RIGHT, 0}, {"DAYS HERE", ALIGN_RIGHT, 0},
    {"STALE", ALIGN_RIGHT, 0},  {"MOVES ON", ALIGN_RIGHT, 0}, {"NO NEXT STEP", ALIGN_RIGHT, 0},
};

/* Amounts of several currencies are listed, never added. */
static const char *amounts(struct arena *a, Sales__V1__Money *const *list, size_t n)
{
    struct buf b;

    buf_init(&b, a, AMOUNTS_BYTES);
    for (size_t i = 0; i < n && i < AMOUNTS_MAX; i++)
        buf_printf(&b, "%s%s", i ? " + " : "",
                   amount_text(a, list[i]->amount_minor, list[i]->currency_code));
    if (n > AMOUNTS_MAX)
        buf_put(&b, STR(" + ..."));
    return buf_str(&b).n ? buf_str(&b).p : "";
}

static void put_bucket(struct grid *g, const Sales__V1__PipelineBucket *b, const char *key,
                       uint64_t most)
{
    struct arena *a = g->arena;
    const ProtobufCMessage *m = &b->base;

    if (!grid_row(g))
        return;
    grid_set(g, 0, key);
    if (most)
        grid_set(g, 1, text_bar(a, (double)b->count / (double)most, BAR_COLUMNS));
    grid_set(g, 2, text_count(a, b->count));
    grid_set(g, 3, amounts(a, b->amount, b->n_amount));
    grid_set(g, 4, amounts(a, b->weighted_amount, b->n_weighted_amount));
    grid_set(g, 5, b->count ? show_field(a, m, "mean_stage_days", SHOW_DAYS) : "");
    grid_set(g, 6, b->stale_count ? text_count(a, b->stale_count) : "");
    grid_set(g, 7, b->conversion_rate > 0 ? show_field(a, m, "conversion_rate", SHOW_PERCENT) : "");
    grid_set(g, 8, b->no_next_step_count ? text_count(a, b->no_next_step_count) : "");
}

void pipeline_print(struct arena *a, const struct term *t,
                    const Sales__V1__GetPipelineSummaryResponse *r)
{
    uint64_t most = 1;
    struct grid g;

    grid_init(&g, a, columns, sizeof columns / sizeof *columns);
    for (size_t i = 0; i < r->n_stages; i++)
        most = r->stages[i]->count > most ? r->stages[i]->count : most;
    for (size_t i = 0; i < r->n_stages; i++)
        put_bucket(&g, r->stages[i], r->stages[i]->key, most);
    if (r->total)
        put_bucket(&g, r->total, "all", 0);
    grid_print(&g, t, 0);
    if (r->total && r->total->win_rate > 0)
        fprintf(t->file, "won %s of what closed\n",
                show_field(a, &r->total->base, "win_rate", SHOW_PERCENT));
    if (r->n_stale_deal_ids)
        fprintf(t->file, "longest beyond its stage's time: %s\n",
                text_clean(a, str_of(r->stale_deal_ids[0]), TERM_COLUMNS_PIPE));
    if (r->open_deals_cut)
        fprintf(t->file, "ages and next steps are those of the oldest deals: there are too many\n");
    if (r->closed_deals_cut)
        fprintf(t->file, "moves are those of the latest closed deals: there are too many\n");
}

static void show_summary(struct ctl *ctl, const struct command *command,
                         const ProtobufCMessage *reply)
{
    (void)command;
    if (ctl->json)
        ctl_json(ctl, reply);
    else
        pipeline_print(&ctl->arena, &ctl->out, (const void *)reply);
}

enum exit_code pipeline_run(struct ctl *ctl, const struct command *command, const struct args *args)
{
    return ctl_run(ctl, command, args, show_summary);
}
