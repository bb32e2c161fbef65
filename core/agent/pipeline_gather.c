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

static enum status group(struct tx *tx, str filter, const struct list_where *where, size_t n_where,
                         const enum record_column by[GROUP_COLUMNS_MAX], struct group_rows *out)
{
    struct group_query q = {.filter = filter,
                            .where = where,
                            .n_where = n_where,
                            .by = {by[0], by[1], by[2]},
                            .n_by = GROUP_COLUMNS_MAX,
                            .sum = DEAL_BY_amount};

    return tx_group(tx, RECORD_DEAL, &q, out);
}

/* Open deals unless the filter says which. */
static StageKind kind_wanted(const struct gather *k)
{
    return k->filter.n ? STAGE_KIND_UNSPECIFIED : STAGE_KIND_OPEN;
}

static enum status add_owners(struct call *c, struct tx *tx, struct gather *k)
{
    static const enum record_column by[] = {DEAL_BY_stage, DEAL_BY_owner_id, DEAL_BY_currency};
    struct list_where where[GATHER_WHERE_MAX];
    size_t n_where = conditions(k, kind_wanted(k), where);
    struct group_rows rows;

    TRY(group(tx, k->filter, where, n_where, by, &rows));
    k->owners = NEW(&c->arena, struct tally, rows.n_rows + 1);
    if (!k->owners || !key_set_init(&k->owner_rows, &c->arena, rows.n_rows + 1))
        return call_nomem(c);
    for (size_t i = 0; i < rows.n_rows; i++) {
        const struct group_row *r = &rows.rows[i];
        str currency = r->key[2].text;
        double chance;
        struct tally *stage = stage_tally(k, r->key[0].text, &chance);
        struct tally *of[] = {&k->total, stage, owner_tally(k, r->key[1].text, true)};

        for (size_t t = 0; t < sizeof of / sizeof *of; t++)
            if (of[t] && !tally_add(&c->arena, of[t], currency, (uint64_t)r->count, r->sum, chance))
                return call_nomem(c);
    }
    return STATUS_OK;
}

static enum status add_categories(struct call *c, struct tx *tx, struct gather *k)
{
    static const enum record_column by[] = {DEAL_BY_stage, DEAL_BY_category, DEAL_BY_currency};
    struct list_where where[GATHER_WHERE_MAX];
    size_t n_where = conditions(k, kind_wanted(k), where);
    struct group_rows rows;

    TRY(group(tx, k->filter, where, n_where, by, &rows));
    for (size_t i = 0; i < rows.n_rows; i++) {
        const struct group_row *r = &rows.rows[i];
        int64_t category = r->key[1].is_null ? 0 : r->key[1].number;
        double chance;

        (void)stage_tally(k, r->key[0].text, &chance);
        if (category < 0 || category >= FORECAST_CATEGORY_N)
            continue;
        if (!tally_add(&c->arena, &k->categories[category], r->key[2].text, (uint64_t)r->count,
                       r->sum, chance))
            return call_nomem(c);
    }
    return STATUS_OK;
}

/* Wins and losses of the history, by owner, and the money won. */
static enum status add_closed(struct call *c, struct tx *tx, struct gather *k)
{
    static const enum record_column by[] = {DEAL_BY_stage_kind, DEAL_BY_owner_id, DEAL_BY_currency};
    struct list_where where[GATHER_WHERE_MAX];
    size_t n_where = conditions(k, STAGE_KIND_UNSPECIFIED, where);
    struct group_rows rows;

    TRY(group(tx, k->past_filter, where, n_where, by, &rows));
    for (size_t i = 0; i < rows.n_rows; i++) {
        const struct group_row *r = &rows.rows[i];
        bool won = r->key[0].number == STAGE_KIND_WON;
        struct tally *of[] = {&k->total, owner_tally(k, r->key[1].text, false)};

        for (size_t t = 0; t < sizeof of / sizeof *of; t++)
            if (of[t]) {
                of[t]->entered += (uint64_t)r->count;
                of[t]->won += won ? (uint64_t)r->count : 0;
            }
        if (won && !tally_add(&c->arena, &k->won_money, r->key[2].text, (uint64_t)r->count, r->sum,
                              1))
            return call_nomem(c);
    }
    return STATUS_OK;
}

typedef enum status (*deal_fn)(struct call *c, struct gather *k, const Deal *deal, void *arg);

/* Walks over at most SUMMARY_DEALS_MAX deals, until `thirds` of the call's memory are used. */
static enum status scan(struct tx *tx, struct gather *k, struct list_query *q, size_t thirds,
                        deal_fn fn, void *arg)
{
    struct call *c = tx_call(tx);
    struct list_page page;

    q->page_size = PAGE_SIZE_MAX;
    for (size_t n = 0; n < SUMMARY_DEALS_MAX; n += page.n_items) {
        TRY(call_check(c));
        TRY(tx_list(tx, RECORD_DEAL, q, &page));
        for (size_t i = 0; i < page.n_items; i++)
            TRY(fn(c, k, (const Deal *)page.items[i], arg));
        if (!*page.next_page_token || c->arena.total > c->arena.limit / 3 * thirds)
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

static enum status look_at_open(struct call *c, struct gather *k, const Deal *deal, void *arg)
{
    double age = days_since(k, deal->created_at), stage = days_since(k, deal->stage_time), chance;
    int64_t over_us = overdue_us(k, deal);
    struct tally *of[] = {&k->total, stage_tally(k, str_of(deal->stage), &chance),
                          owner_tally(k, str_of(deal->owner_id), false),
                          deal->category > 0 && deal->category < FORECAST_CATEGORY_N
                              ? &k->categories[deal->category]
                              : NULL};

    (void)c;
    (void)arg;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
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
    return STATUS_OK;
}

static enum status scan_open(struct call *c, struct tx *tx, struct gather *k)
{
    struct list_where where[GATHER_WHERE_MAX];
    struct list_query q = {.filter = k->filter, .order_by = STR("create_time"), .where = where};

    q.n_where = conditions(k, STAGE_KIND_OPEN, where);
    k->overdue = NEW(&c->arena, struct overdue, SUMMARY_DEALS_MAX + PAGE_SIZE_MAX);
    if (!k->overdue)
        return call_nomem(c);
    return scan(tx, k, &q, 1, look_at_open, NULL);
}

static enum status look_at_closed(struct call *c, struct gather *k, const Deal *deal, void *arg)
{
    (void)c;
    (void)k;
    pipeline_past_add(arg, deal);
    return STATUS_OK;
}

static enum status scan_closed(struct call *c, struct tx *tx, struct gather *k)
{
    struct pipeline_past *past = NEW(&c->arena, struct pipeline_past, 1);
    struct list_where where[GATHER_WHERE_MAX];
    struct list_query q = {.filter = k->past_filter, .where = where};

    q.n_where = conditions(k, STAGE_KIND_UNSPECIFIED, where);
    if (!past || !pipeline_past_init(past, &c->arena, k->pipeline,
                                     SUMMARY_DEALS_MAX + PAGE_SIZE_MAX))
        return call_nomem(c);
    TRY(scan(tx, k, &q, 2, look_at_closed, past));
    for (size_t i = 0; i < k->pipeline->n_stages && i < PIPELINE_STAGES_MAX; i++)
        if (k->pipeline->stages[i]->kind == STAGE_KIND_OPEN)
            pipeline_past_tell(past, i, &k->stages[i]);
    return STATUS_OK;
}

/* Empty tallies under their keys: the unit may run again. */
static void begin(struct gather *k)
{
    k->total = (struct tally){.key = ""};
    k->won_money = (struct tally){.key = ""};
    k->n_owners = k->n_overdue = 0;
    for (size_t i = 0; i < PIPELINE_STAGES_MAX; i++)
        k->stages[i] = (struct tally){
            .key = i < k->pipeline->n_stages ? k->pipeline->stages[i]->key : ""};
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
