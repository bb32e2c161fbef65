/* Every day, per tenant: is a training due? Nothing is put for tenants that have too little to
 * learn from, so that cold starts do not pile up cards that say so. */
#include "agent/instant.h"
#include "domain/feature.h"
#include "internal/v1/records.h"
#include "model/learn.h"
#include "store/job.h"
#include "store/records.h"
#include "workflow/training.h"
#include "workflow/training_data.h"

enum {
    LEASE_MS = 600000,
    EVERY_MS = 24 * 3600 * 1000,
    GROWTH_PERCENT = 20, /* more cases than the latest training had */
    PAUSE_DAYS = 1,      /* between two trainings that nobody asked for */
};

struct check {
    int64_t now_us, max_age_us;
    bool has_one, is_outdated, is_recent, is_old; /* the latest training, and the model in use */
    uint64_t n_cases;                             /* of the latest training */
    char catalogue[SCORE_SHA256_BYTES + 1];
};

static enum status look_unit(struct call *c, struct tx *tx, void *arg)
{
    struct check *k = arg;
    struct list_where where = {MODEL_BY_kind, {0}, MODEL_KIND_LEAD_WIN};
    struct list_page page;
    ModelRecord *record;
    enum status s;
    int64_t age_us;

    TRY(tx_list(tx, RECORD_MODEL,
                &(struct list_query){.page_size = 1, .where = &where, .n_where = 1}, &page));
    k->has_one = page.n_items > 0;
    if (!k->has_one)
        return STATUS_OK;
    record = (ModelRecord *)page.items[0];
    age_us = k->now_us - instant_us(record->card->model->create_time);
    k->n_cases = record->case_count;
    k->is_recent = age_us < PAUSE_DAYS * MOMENT_DAY_US;
    k->is_old = age_us >= k->max_age_us;
    s = tx_find_model(tx, MODEL_BY_active_kind, str_of(model_kind_name(MODEL_KIND_LEAD_WIN)),
                      &record);
    k->is_outdated = s == STATUS_OK && strcmp(record->catalogue_sha256, k->catalogue) != 0;
    if (s == STATUS_NOT_FOUND)
        call_clear(c);
    return s == STATUS_NOT_FOUND ? STATUS_OK : s;
}

static bool is_due(const struct check *k, uint64_t n_cases)
{
    if (n_cases < LEARN_ROWS_LEAST)
        return false;
    return !k->has_one || k->is_outdated || k->is_old ||
           n_cases * 100 >= k->n_cases * (100 + GROWTH_PERCENT);
}

static enum status put_unit(struct call *c, struct tx *tx, void *arg)
{
    TrainingOrder order = TRAINING_ORDER_INIT;

    (void)arg;
    order.kind = MODEL_KIND_LEAD_WIN;
    if ((order.model_id = uuid_text(&c->arena, uuid_new(c))) == NULL)
        return call_nomem(c);
    return tx_job_put(tx, &(struct job_put){.kind = STR(TRAINING_JOB),
                                            .key = str_of(model_kind_name(order.kind)),
                                            .message = &order.base,
                                            .rule = JOB_KEEP});
}

static enum status handle(void *self, struct call *c, struct job *job)
{
    struct agents *a = self;
    struct check k = {.now_us = call_now_us(c), .max_age_us = a->retrain_days * MOMENT_DAY_US};
    uint64_t n_cases;

    (void)job;
    if (!a->retrain_days)
        return STATUS_OK;
    feature_catalogue_sha256(k.catalogue);
    TRY(store_run(a->store, c, STORE_READ, look_unit, &k));
    if (k.is_recent && !k.is_outdated)
        return STATUS_OK;
    TRY(training_data_count(c, a, &n_cases));
    return is_due(&k, n_cases) ? store_run(a->store, c, STORE_WRITE, put_unit, NULL) : STATUS_OK;
}

const struct job_kind training_check_kind = {.name = "model.check",
                                             .handle = handle,
                                             .lease_ms = LEASE_MS,
                                             .attempts_max = 3,
                                             .first_ms = 10000,
                                             .most_ms = 600000,
                                             .limit = 1,
                                             .every_ms = EVERY_MS,
                                             .scope = JOB_OF_TENANTS};
