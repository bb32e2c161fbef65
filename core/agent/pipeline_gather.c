/* Two passes: the database groups, then bounded scans add what only records can say. */
#include "agent/pipeline_gather.h"

#include "agent/instant.h"
#include "agent/pipeline_summary.h"
#include "domain/moment.h"
#include "domain/pipeline.h"
#include "store/records.h"

enum { GATHER_WHERE_MAX = 2 };

/* Fixed conditions: the pipeline, and one kind of stage if kind says one. */
static size_t conditions(const struct gather *k, StageKind kind,
                         struct list_where where[GATHER_WHERE_MAX])
{
    size_t n = 0;

    where[n++] = (struct list_where){DEAL_BY_pipeline_id, str_of(k->pipeline->id), 0};
    if (kind != STAGE_KIND_UNSPECIFIED)
        where[n++] = (struct list_where){DEAL_BY_stage_kind, {0}, kind};
    return n;
}

static struct tally *stage_tally(struct gather *k, str key, double *chance_out)
{
    *chance_out = 0;
    for (size_t i = 0; i < k->pipeline->n_stages && i < PIPELINE_STAGES_MAX; i++)
        if (str_eq(str_of(k->pipeline->stages[i]->key), key)) {
            *chance_out = k->pipeline->stages[i]->probability;
            return &k->stages[i];
        }
    return NULL; /* a stage that the tenant took away: it counts in the whole only */
}

/* The owner's tally, made when `add` is set; NULL when there is none. Deals without an owner meet
 * under "". */
static struct tally *owner_tally(struct gather *k, str owner, bool add)
{
    str key = owner.n ? owner : STR("");
    int row = add ? key_set_add(&k->owner_rows, 0, key, (int)k->n_owners)
                  : key_set_find(&k->owner_rows, 0, key);

    if (row != KEY_SET_NONE)
        return &k->owners[row];
    if (!add)
        return NULL;
    k->owners[k->n_owners] = (struct tally){.key = key.p};
    return &k->owners[k->n_owners++];
}

/* Which deals of the pipeline: those of a filter and of one kind of stage (unspecified: any). */
struct deals {
    str filter;
    StageKind kind;
};

/* Open ones unless the filter says which. */
static struct deals present(const struct gather *k)
{
    return (struct deals){k->filter, k->filter.n ? STAGE_KIND_UNSPECIFIED : STAGE_KIND_OPEN};
}

static struct deals past(const struct gather *k)
{
    return (struct deals){k->past_filter, STAGE_KIND_UNSPECIFIED};
}

static enum status group(struct tx *tx, const struct gather *k, struct deals deals,
                         const enum record_column by[GROUP_COLUMNS_MAX], struct group_rows *out)
{
    struct list_where where[GATHER_WHERE_MAX];
    struct group_query q = {.filter = deals.filter,
                            .where = where,
                            .n_where = conditions(k, deals.kind, where),
                            .by = {by[0], by[1], by[2]},
                            .n_by = GROUP_COLUMNS_MAX,
                            .sum = DEAL_BY_amount};

    return tx_group(tx, RECORD_DEAL, &q, out);
}

static enum status add_owners(struct call *c, struct tx *tx, struct gather *k)
{
    static const enum record_column by[] = {DEAL_BY_stage, DEAL_BY_owner_id, DEAL_BY_currency};
    struct group_rows rows;

    TRY(group(tx, k, present(k), by, &rows));
    k->owners = NEW(&c->arena, struct tally, rows.n_rows + 1);
    if (!k->owners || !key_set_init(&k->owner_rows, &c->arena, rows.n_rows + 1))
        return call_nomem(c);
    for (size_t i = 0; i < rows.n_rows; i++) {
        const struct group_row *r = &rows.rows[i];
        struct tally_part part = {r->key[2].text, (uint64_t)r->count, r->sum, 0};
        struct tally *stage = stage_tally(k, r->key[0].text, &part.chance);
        struct tally *owner = owner_tally(k, r->key[1].text, true);

        if (!tally_add(&c->arena, &k->total, &part) || !tally_add(&c->arena, owner, &part) ||
            (stage && !tally_add(&c->arena, stage, &part)))
            return call_nomem(c);
    }
    return STATUS_OK;
}

static enum status add_categories(struct call *c, struct tx *tx, struct gather *k)
{
    static const enum record_column by[] = {DEAL_BY_stage, DEAL_BY_category, DEAL_BY_currency};
    struct group_rows rows;

    TRY(group(tx, k, present(k), by, &rows));
    for (size_t i = 0; i < rows.n_rows; i++) {
        const struct group_row *r = &rows.rows[i];
        struct tally_part part = {r->key[2].text, (uint64_t)r->count, r->sum, 0};
        int64_t category = r->key[1].is_null ? 0 : r->key[1].number;

        (void)stage_tally(k, r->key[0].text, &part.chance);
        if (category < 0 || category >= FORECAST_CATEGORY_N)
            continue;
        if (!tally_add(&c->arena, &k->categories[category], &part))
            return call_nomem(c);
    }
    return STATUS_OK;
}

static void add_outcome(struct tally *t, const struct tally_part *part, bool won)
{
    t->entered += part->count;
    t->won += won ? part->count : 0;
}

/* Wins and losses of the history, by owner, and the money won. */
static enum status add_closed(struct call *c, struct tx *tx, struct gather *k)
{
    static const enum record_column by[] = {DEAL_BY_stage_kind, DEAL_BY_owner_id, DEAL_BY_currency};
    struct group_rows rows;

    TRY(group(tx, k, past(k), by, &rows));
    for (size_t i = 0; i < rows.n_rows; i++) {
        const struct group_row *r = &rows.rows[i];
        struct tally_part part = {r->key[2].text, (uint64_t)r->count, r->sum, 1};
        struct tally *owner = owner_tally(k, r->key[1].text, false);
        bool won = r->key[0].number == STAGE_KIND_WON;

        add_outcome(&k->total, &part, won);
        if (owner)
            add_outcome(owner, &part, won);
        if (won && !tally_add(&c->arena, &k->won_money, &part))
            return call_nomem(c);
    }
    return STATUS_OK;
}

/* What a scan does with each deal, and when it stops. */
struct look {
    void (*at)(struct gather *k, const Deal *deal, struct pipeline_past *past);
    struct pipeline_past *past;
    size_t thirds; /* of the call's memory that may be used up by then */
    bool *cut;     /* out: there are more deals */
};

/* Walks over at most k->deals_max deals. */
static enum status scan(struct tx *tx, struct gather *k, struct list_query *q,
                        const struct look *look)
{
    struct call *c = tx_call(tx);
    struct list_page page = {0};

    *look->cut = false;
    for (size_t n = 0; n < k->deals_max; n += page.n_items) {
        q->page_size =
            k->deals_max - n < PAGE_SIZE_MAX ? (int32_t)(k->deals_max - n) : PAGE_SIZE_MAX;
        TRY(call_check(c));
        TRY(tx_list(tx, RECORD_DEAL, q, &page));
        for (size_t i = 0; i < page.n_items; i++)
            look->at(k, (const Deal *)page.items[i], look->past);
        *look->cut = *page.next_page_token;
        if (!*look->cut || c->arena.total > c->arena.limit / 3 * look->thirds)
            return STATUS_OK;
        q->page_token = str_of(page.next_page_token);
    }
    return STATUS_OK;
}

/* How long over what its stage allows; 0: it is not stale. */
static int64_t overdue_us(const struct gather *k, const Deal *deal)
{
    const Stage *s = pipeline_stage(k->pipeline, deal->stage);

    return pipeline_is_rotting(k->pipeline, deal, k->now_us)
               ? k->now_us - instant_us(deal->stage_time) - s->rotting_days * MOMENT_DAY_US
               : 0;
}

static double days_since(const struct gather *k, const Timestamp *t)
{
    int64_t us = k->now_us - moment_us(t, k->now_us);

    return us > 0 ? (double)us / (double)MOMENT_DAY_US : 0;
}

static void look_at_open(struct gather *k, const Deal *deal, struct pipeline_past *past_out)
{
    double age = days_since(k, deal->created_at), stage = days_since(k, deal->stage_time), chance;
    bool has_category = deal->category > 0 && deal->category < FORECAST_CATEGORY_N;
    int64_t over_us = overdue_us(k, deal);
    struct tally *of[4] = {&k->total, stage_tally(k, str_of(deal->stage), &chance),
                           owner_tally(k, str_of(deal->owner_id), false),
                           has_category ? &k->categories[deal->category] : NULL};

    (void)past_out;
    for (size_t i = 0; i < 4; i++) {
        if (!of[i])
            continue;
        of[i]->n_looked_at++;
        of[i]->age_days += age;
        of[i]->stage_days += stage;
        of[i]->stale += over_us > 0;
        of[i]->no_next_step += !*deal->next_step;
    }
    if (over_us > 0)
        k->overdue[k->n_overdue++] = (struct overdue){deal->id, over_us};
}

static enum status scan_open(struct call *c, struct tx *tx, struct gather *k)
{
    struct list_where where[GATHER_WHERE_MAX];
    struct list_query q = {.filter = k->filter, .order_by = STR("create_time"), .where = where};

    q.n_where = conditions(k, STAGE_KIND_OPEN, where);
    k->overdue = NEW(&c->arena, struct overdue, k->deals_max);
    if (!k->overdue)
        return call_nomem(c);
    return scan(tx, k, &q, &(struct look){.at = look_at_open, .thirds = 1, .cut = &k->open_cut});
}

static void look_at_closed(struct gather *k, const Deal *deal, struct pipeline_past *past_out)
{
    (void)k;
    pipeline_past_add(past_out, deal);
}

static enum status scan_closed(struct call *c, struct tx *tx, struct gather *k)
{
    struct look look = {.at = look_at_closed, .thirds = 2, .cut = &k->closed_cut};
    struct list_where where[GATHER_WHERE_MAX];
    struct list_query q = {.filter = k->past_filter, .where = where};

    q.n_where = conditions(k, STAGE_KIND_UNSPECIFIED, where);
    look.past = NEW(&c->arena, struct pipeline_past, 1);
    if (!look.past || !pipeline_past_init(look.past, &c->arena, k->pipeline, k->deals_max))
        return call_nomem(c);
    TRY(scan(tx, k, &q, &look));
    for (size_t i = 0; i < k->pipeline->n_stages && i < PIPELINE_STAGES_MAX; i++)
        if (k->pipeline->stages[i]->kind == STAGE_KIND_OPEN)
            pipeline_past_tell(look.past, i, &k->stages[i]);
    return STATUS_OK;
}

/* Empty tallies under their keys: the unit may run again. */
static void begin(struct gather *k)
{
    k->total = (struct tally){.key = ""};
    k->won_money = (struct tally){.key = ""};
    k->n_owners = k->n_overdue = 0;
    for (size_t i = 0; i < PIPELINE_STAGES_MAX; i++)
        k->stages[i] =
            (struct tally){.key = i < k->pipeline->n_stages ? k->pipeline->stages[i]->key : ""};
    for (int i = 0; i < FORECAST_CATEGORY_N; i++)
        k->categories[i] = (struct tally){.key = forecast_category_name((ForecastCategory)i)};
}

enum status gather_unit(struct call *c, struct tx *tx, void *arg)
{
    struct gather *k = arg;

    begin(k);
    TRY(add_owners(c, tx, k));
    TRY(add_categories(c, tx, k));
    TRY(add_closed(c, tx, k));
    TRY(scan_open(c, tx, k));
    return scan_closed(c, tx, k);
}
