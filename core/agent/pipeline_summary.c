/* From the request to a range and two filters, and from what was gathered to the answer. */
#include "agent/pipeline_summary.h"

#include <assert.h>
#include <stdlib.h>

#include "agent/instant.h"
#include "agent/pipeline.h"
#include "agent/pipeline_gather.h"
#include "domain/moment.h"

/* The part of the past to look at; to_us is never ahead of now. */
struct history {
    int64_t from_us, to_us;
};

static enum status refuse_history(struct call *c, const char *field, const char *text)
{
    call_detail(c, FAULT_FIELD, "history", str_of(field), "%s", text);
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the history makes no sense");
}

static bool is_instant(const Timestamp *t)
{
    return !t || (t->seconds >= INSTANT_MIN_US / 1000000 && t->seconds <= INSTANT_MAX_US / 1000000);
}

static enum status read_history(struct call *c, const TimeRange *in, struct history *out)
{
    const Timestamp *start = in ? in->start_time : NULL, *end = in ? in->end_time : NULL;
    int64_t now_us = call_now_us(c);

    *out = (struct history){now_us, now_us};
    if (!is_instant(start) || !is_instant(end))
        return refuse_history(c, "history", "must lie between the years 1 and 9999");
    out->to_us = moment_us(end, now_us) < now_us ? moment_us(end, now_us) : now_us;
    out->from_us = moment_us(start, out->to_us - SUMMARY_HISTORY_DAYS * MOMENT_DAY_US);
    if (out->to_us - out->from_us < MOMENT_DAY_US)
        return refuse_history(c, "history.start_time", "must be at least a day before the end");
    return STATUS_OK;
}

/* RFC 3339, in whole seconds, as filters read it. */
static char *time_text(struct arena *a, int64_t us)
{
    char date[DATE_TEXT_BYTES + 1];
    int64_t second = us / MOMENT_SECOND_US - (us % MOMENT_SECOND_US < 0), in_day;

    date_of(us, date);
    in_day = ((second % 86400) + 86400) % 86400;
    return arena_printf(a, "%sT%02d:%02d:%02dZ", date, (int)(in_day / 3600),
                        (int)(in_day / 60 % 60), (int)(in_day % 60));
}

/* The request's filter, and closed in the history. Its end counts: a deal closed this second does.
 */
static enum status past_filter(struct call *c, const char *filter, const struct history *h,
                               str *out)
{
    char *from = time_text(&c->arena, h->from_us);
    char *to = time_text(&c->arena, h->to_us + MOMENT_SECOND_US);
    char *text;

    if (!from || !to)
        return call_nomem(c);
    text = arena_printf(&c->arena, "%s%s%sclosed_at >= \"%s\" AND closed_at < \"%s\"",
                        *filter ? "(" : "", filter, *filter ? ") AND " : "", from, to);
    *out = str_of(text);
    return text ? STATUS_OK : call_nomem(c);
}

int64_t summary_per_day(int64_t minor, int64_t span_us)
{
    int64_t span_s = span_us / MOMENT_SECOND_US;

    assert(minor >= 0);
    assert(span_s >= 86400);
    return minor / span_s * 86400 + (minor % span_s * 86400 + span_s / 2) / span_s;
}

static enum status put_velocity(struct call *c, const struct gather *k, const struct history *h,
                                GetPipelineSummaryResponse *out)
{
    const PipelineBucket *won = tally_bucket(&c->arena, &k->won_money);

    if (!won)
        return call_nomem(c);
    out->velocity_per_day = won->amount;
    out->n_velocity_per_day = won->n_amount;
    for (size_t i = 0; i < won->n_amount; i++)
        won->amount[i]->amount_minor =
            summary_per_day(won->amount[i]->amount_minor, h->to_us - h->from_us);
    return STATUS_OK;
}

/* An owner on the way into the answer. */
struct ranked {
    const struct tally *tally;
    int64_t amount; /* in the currency that most deals of the pipeline have */
};

/* Largest amount first, then most deals, then by name. */
static int by_rank(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->amount != y->amount)
        return x->amount > y->amount ? -1 : 1;
    if (x->tally->count != y->tally->count)
        return x->tally->count > y->tally->count ? -1 : 1;
    return strcmp(x->tally->key, y->tally->key);
}

static enum status put_owners(struct call *c, const struct gather *k,
                              GetPipelineSummaryResponse *out)
{
    size_t n = k->n_owners < SUMMARY_OWNERS_MAX ? k->n_owners : SUMMARY_OWNERS_MAX;
    struct ranked *ranked = NEW(&c->arena, struct ranked, k->n_owners + 1);
    str currency = tally_main_currency(&k->total);

    out->owners = NEW(&c->arena, PipelineBucket *, n + 1);
    if (!ranked || !out->owners)
        return call_nomem(c);
    for (size_t i = 0; i < k->n_owners; i++)
        ranked[i] = (struct ranked){&k->owners[i], tally_amount(&k->owners[i], currency)};
    qsort(ranked, k->n_owners, sizeof *ranked, by_rank);
    for (; out->n_owners < n; out->n_owners++)
        if ((out->owners[out->n_owners] = tally_bucket(&c->arena, ranked[out->n_owners].tally)) ==
            NULL)
            return call_nomem(c);
    out->owners_left_out = k->n_owners - n;
    return STATUS_OK;
}

static enum status put_buckets(struct call *c, const struct gather *k,
                               GetPipelineSummaryResponse *out)
{
    size_t n =
        k->pipeline->n_stages < PIPELINE_STAGES_MAX ? k->pipeline->n_stages : PIPELINE_STAGES_MAX;

    out->total = tally_bucket(&c->arena, &k->total);
    out->stages = NEW(&c->arena, PipelineBucket *, n);
    out->categories = NEW(&c->arena, PipelineBucket *, FORECAST_CATEGORY_N);
    if (!out->total || !out->stages || !out->categories)
        return call_nomem(c);
    for (; out->n_stages < n; out->n_stages++)
        if ((out->stages[out->n_stages] = tally_bucket(&c->arena, &k->stages[out->n_stages])) ==
            NULL)
            return call_nomem(c);
    for (int i = FORECAST_CATEGORY_OMITTED; i < FORECAST_CATEGORY_N; i++)
        if ((out->categories[out->n_categories++] = tally_bucket(&c->arena, &k->categories[i])) ==
            NULL)
            return call_nomem(c);
    return STATUS_OK;
}

static int by_overdue(const void *a, const void *b)
{
    const struct overdue *x = a, *y = b;

    if (x->over_us != y->over_us)
        return x->over_us > y->over_us ? -1 : 1;
    return strcmp(x->id, y->id);
}

static enum status put_stale(struct call *c, const struct gather *k,
                             GetPipelineSummaryResponse *out)
{
    size_t n = k->n_overdue < SUMMARY_STALE_MAX ? k->n_overdue : SUMMARY_STALE_MAX;

    qsort(k->overdue, k->n_overdue, sizeof *k->overdue, by_overdue);
    if ((out->stale_deal_ids = NEW(&c->arena, char *, n + 1)) == NULL)
        return call_nomem(c);
    for (; out->n_stale_deal_ids < n; out->n_stale_deal_ids++)
        out->stale_deal_ids[out->n_stale_deal_ids] = k->overdue[out->n_stale_deal_ids].id;
    return STATUS_OK;
}

static enum status answer(struct call *c, const struct gather *k, const struct history *h,
                          GetPipelineSummaryResponse *out)
{
    TRY(put_buckets(c, k, out));
    TRY(put_owners(c, k, out));
    TRY(put_velocity(c, k, h, out));
    TRY(put_stale(c, k, out));
    out->pipeline_id = k->pipeline->id;
    out->open_deals_cut = k->open_cut;
    out->closed_deals_cut = k->closed_cut;
    return instant_new(c, k->now_us, &out->compute_time);
}

static enum status find_pipeline(struct call *c, struct agents *a, const char *id,
                                 const Pipeline **out)
{
    const TenantPolicy *policy;

    TRY(policy_get(c, a->policies, &policy));
    if ((*out = pipeline_find(policy, id)) != NULL)
        return STATUS_OK;
    call_detail(c, FAULT_FIELD, "pipeline", STR("pipeline_id"),
                "must be a pipeline that the tenant defines");
    return call_fail_as(c, STATUS_NOT_FOUND, "PIPELINE", "there is no such pipeline");
}

enum status pipeline_summary(struct call *c, struct agents *a, const GetPipelineSummaryRequest *in,
                             GetPipelineSummaryResponse *out)
{
    struct gather *k = NEW(&c->arena, struct gather, 1);
    struct history history;

    if (!k)
        return call_nomem(c);
    *k = (struct gather){.filter = str_trim(str_of(in->filter)),
                         .now_us = call_now_us(c),
                         .deals_max = SUMMARY_DEALS_MAX};
    TRY(find_pipeline(c, a, in->pipeline_id, &k->pipeline));
    TRY(read_history(c, in->history, &history));
    TRY(past_filter(c, k->filter.n ? in->filter : "", &history, &k->past_filter));
    TRY(store_run(a->store, c, STORE_READ, gather_unit, k));
    return answer(c, k, &history, out);
}
