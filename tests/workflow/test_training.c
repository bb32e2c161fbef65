/* Trainings on a store: which cases are taken, who wins, and when one is due. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>

#include "agent/desk.h"
#include "agent/instant.h"
#include "agent/model_card.h"
#include "store/records.h"
#include "workflow/training.h"
#include "workflow/training_data.h"
#include "workflow/training_judge.h"

enum { CASES = 240, LIFE_DAYS = 10 };

/* ---- cases ----------------------------------------------------------------------------------- */

struct bringing {
    int n, first_day; /* days ago that the oldest was made */
};

static enum status bring_unit(struct call *c, struct tx *tx, void *arg)
{
    const struct bringing *k = arg;

    for (int i = 0; i < k->n; i++) {
        Company *company = NEW(&c->arena, Company, 1);
        Lead lead = LEAD_INIT;
        int64_t made = call_now_us(c) - (k->first_day - i / 4) * MOMENT_DAY_US;

        *company = (Company)COMPANY_INIT;
        company->employees = 1 + (i * 37) % 500;
        lead.full_name = "Grace Hopper";
        lead.company = company;
        lead.source = i % 3 ? "web" : "fair";
        lead.outcome =
            (company->employees + (i * 61) % 300) > 400 ? LEAD_OUTCOME_WON : LEAD_OUTCOME_LOST;
        TRY(instant_new(c, made, &lead.created_at));
        TRY(instant_new(c, made + LIFE_DAYS * MOMENT_DAY_US, &lead.closed_at));
        TRY(tx_insert_lead(tx, &lead));
    }
    return STATUS_OK;
}

static void bring(struct desk *d, int n)
{
    cr_assert_eq(
        store_run(d->agents.store, d->call, STORE_WRITE, bring_unit, &(struct bringing){n, 200}),
        STATUS_OK, "%s", d->call->fault.why);
}

static enum status on(void *arg, uint64_t done, uint64_t total)
{
    (void)done;
    (void)total;
    return arg ? STATUS_CANCELLED : STATUS_OK;
}

static void collect(struct desk *d, struct training_data *out)
{
    cr_assert_eq(
        training_data_collect(d->call, &d->agents, &(struct training_ask){.go_on = on}, out),
        STATUS_OK, "%s", d->call->fault.why);
}

DESK_TEST(training, a_case_is_a_lead_with_an_outcome_at_the_time_of_its_outcome)
{
    struct training_data data;
    uint64_t n;
    size_t at_once = 0, within = 0;

    bring(d, CASES);
    desk_lead(d, LEAD_STATUS_NEW); /* open: one of the recent ones */
    collect(d, &data);
    cr_assert_eq(data.cases.frame.n_rows, CASES);
    cr_assert_eq(data.recent.frame.n_rows, 1);
    cr_assert_not(data.is_capped);
    for (size_t i = 0; i < CASES; i++) {
        const struct frame_column *age = frame_find(&data.cases.frame, STR("days_since_created"));

        at_once += age->cell[i] == 0;
        within += age->cell[i] > 0 && age->cell[i] < LIFE_DAYS;
        cr_assert_lt(data.cases.frame.row[i].time_us, call_now_us(d->call));
        cr_assert_leq(data.cases.frame.row[i].label, 1);
    }
    cr_assert_eq(at_once + within, CASES, "all while they were open");
    cr_assert(at_once > CASES / 8 && within > CASES / 2, "%zu as they came about", at_once);
    training_data_release(&data);
    cr_assert_eq(training_data_count(d->call, &d->agents, &n), STATUS_OK);
    cr_assert_eq(n, CASES);
}

DESK_TEST(training, the_same_records_give_the_same_frame)
{
    struct training_data a, b;

    bring(d, CASES);
    collect(d, &a);
    collect(d, &b);
    cr_assert_eq(a.cases.frame.n_columns, b.cases.frame.n_columns);
    for (size_t k = 0; k < a.cases.frame.n_columns; k++) {
        const struct frame_column *x = &a.cases.frame.column[k], *y = &b.cases.frame.column[k];

        cr_assert(str_eq(x->name, y->name));
        cr_assert_eq(memcmp(x->cell, y->cell, CASES * sizeof *x->cell), 0, STR_FMT,
                     STR_ARG(x->name));
    }
    training_data_release(&a);
    training_data_release(&b);
}

DESK_TEST(training, a_collection_ends_when_it_is_told_to)
{
    struct training_data data;

    bring(d, CASES);
    cr_assert_eq(training_data_collect(d->call, &d->agents,
                                       &(struct training_ask){.go_on = on, .arg = d}, &data),
                 STATUS_CANCELLED);
    training_data_release(&data);
}

/* ---- judgement ------------------------------------------------------------------------------- */

/* Cases whose one column decides them: upwards, downwards, or not at all. */
static void make_frame(struct frame *f, struct arena *a, int direction)
{
    size_t column, row;

    cr_assert_eq(frame_init(f, a, 1000, 1), STATUS_OK);
    cr_assert_eq(frame_add_column(f, STR("x"), COLUMN_NUMBER, &column), STATUS_OK);
    for (unsigned i = 0; i < 1000; i++) {
        unsigned x = i * 2654435761U >> 16 & 1023, noise = i * 40503U >> 3 & 1023;
        bool up = direction ? x + noise > 1023 : noise > 511;
        struct frame_row r = {.label = direction < 0 ? !up : up, .time_us = i, .key = i};

        cr_assert_eq(frame_add_row(f, r, &row), STATUS_OK);
        frame_set(f, row, column, direction ? x : (i * 7919U & 1023));
    }
}

static void learn_from(struct learned *out, struct arena *a, const struct frame *f)
{
    cr_assert_eq(model_learn(out, a, f, &(struct learn_options){.seed = 1}), STATUS_OK);
    cr_assert_eq(out->verdict, LEARN_LEARNED);
}

static struct judgement judged(struct arena *a, int direction, const struct learned *champion,
                               int64_t until_us, bool fits)
{
    struct model_use use = {.version = "1", .model = champion ? champion->model : NULL};
    struct learned learned;
    struct judgement out;
    struct frame f;

    if (fits)
        feature_catalogue_sha256(use.catalogue_sha256);
    make_frame(&f, a, direction);
    learn_from(&learned, a, &f);
    cr_assert_eq(training_judge(&out, a, &learned, &f,
                                &(struct judge_champion){champion ? &use : NULL, until_us}),
                 STATUS_OK);
    cr_assert_eq(out.has_previous, champion != NULL);
    return out;
}

Test(training_judge, the_better_one_comes_into_use)
{
    struct learned up, down;
    struct judgement j;
    struct arena a;
    struct frame f;

    arena_init(&a, 256 << 20);
    make_frame(&f, &a, 1);
    learn_from(&up, &a, &f);
    make_frame(&f, &a, -1);
    learn_from(&down, &a, &f);
    j = judged(&a, 1, NULL, 0, true);
    cr_assert_eq(j.state, MODEL_STATE_ACTIVE, "the first: %s", j.reason);
    j = judged(&a, 1, &down, 0, true);
    cr_assert_eq(j.state, MODEL_STATE_ACTIVE, "%s", j.reason);
    cr_assert_not_null(strstr(j.reason, "neither has seen"), "%s", j.reason);
    j = judged(&a, 1, &up, INT64_MAX, true);
    cr_assert_eq(j.state, MODEL_STATE_REJECTED, "it saw these cases: %s", j.reason);
    cr_assert_not_null(strstr(j.reason, "too few"), "%s", j.reason);
    j = judged(&a, 1, &up, INT64_MAX, false);
    cr_assert_eq(j.state, MODEL_STATE_ACTIVE, "another catalogue: %s", j.reason);
    j = judged(&a, 0, NULL, 0, true);
    cr_assert_eq(j.state, MODEL_STATE_REJECTED, "noise: %s", j.reason);
    arena_release(&a);
}

/* ---- when one is due ------------------------------------------------------------------------- */

static struct job_engine *open_engine(struct desk *d)
{
    const struct job_binding kinds[] = {{&training_kind, &d->agents},
                                        {&training_check_kind, &d->agents}};
    struct job_engine *e;

    cr_assert_eq(job_engine_open(
                     d->call,
                     &(struct job_engine_options){
                         .store = d->agents.store, .kinds = kinds, .n_kinds = 2, .poll_ms = 1000},
                     &e),
                 STATUS_OK);
    return e;
}

static enum status put_check_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    (void)arg;
    return tx_job_put(tx, &(struct job_put){.kind = STR("model.check"), .rule = JOB_REPLACE});
}

/* Models after a check and what it put. */
static size_t models_after_check(struct desk *d)
{
    ListModelsRequest in = LIST_MODELS_REQUEST_INIT;
    ListModelsResponse out = LIST_MODELS_RESPONSE_INIT;
    struct job_engine *e = open_engine(d);
    size_t n;

    cr_assert_eq(store_run(d->agents.store, d->call, STORE_WRITE, put_check_unit, NULL), STATUS_OK);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(job_engine_turn(e, &n), STATUS_OK);
    cr_assert_eq(job_engine_stop(e, 0), STATUS_OK);
    job_engine_close(e);
    cr_assert_eq(model_list(d->call, &d->agents, &in, &out), STATUS_OK);
    return out.n_models;
}

DESK_TEST(training, is_due_once_there_is_enough_to_learn_from)
{
    d->agents.retrain_days = 7;
    bring(d, 99);
    cr_assert_eq(models_after_check(d), 0, "too little");
    bring(d, CASES);
    d->agents.retrain_days = 0;
    cr_assert_eq(models_after_check(d), 0, "only when asked");
    d->agents.retrain_days = 7;
    cr_assert_eq(models_after_check(d), 1);
    cr_assert_eq(desk_events(d, "sales.model.trained"), 1);
    bring(d, CASES);
    cr_assert_eq(models_after_check(d), 1, "grown, but trained just now");
}
