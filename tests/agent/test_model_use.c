/* Models of tenants in memory: found, shared, swapped, refused when damaged. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>

#include "agent/decision.h"
#include "agent/desk.h"
#include "agent/model_use.h"
#include "base/uuid.h"
#include "model/learn.h"
#include "store/records.h"

enum { ROWS = 400, THREADS = 8 };

/* Bytes of a small model; other seeds give others. */
static str make_bytes(struct desk *d, uint64_t seed)
{
    struct arena *a = &d->call->arena;
    struct learned learned;
    struct frame f;
    size_t column, row;

    cr_assert_eq(frame_init(&f, a, ROWS, 1), STATUS_OK);
    cr_assert_eq(frame_add_column(&f, STR("employees"), COLUMN_NUMBER, &column), STATUS_OK);
    for (size_t i = 0; i < ROWS; i++) {
        struct frame_row r = {.label = (i * 7 + i % 5 + seed) % 10 < 4 + (i % 50 > 25) * 4,
                              .time_us = (int64_t)i,
                              .key = i};

        cr_assert_eq(frame_add_row(&f, r, &row), STATUS_OK);
        frame_set(&f, row, column, (double)(i % 50));
    }
    cr_assert_eq(model_learn(&learned, a, &f, &(struct learn_options){.seed = seed}), STATUS_OK);
    cr_assert_eq(learned.verdict, LEARN_LEARNED);
    return learned.bytes;
}

struct putting {
    str bytes;
    const char *sha256;
    bool is_active;
    char *id;
};

static enum status put_unit(struct call *c, struct tx *tx, void *arg)
{
    struct putting *k = arg;
    ModelMetrics metrics = MODEL_METRICS_INIT;
    ModelRecord record = MODEL_RECORD_INIT;
    ModelContent content = MODEL_CONTENT_INIT;
    ModelCard card = MODEL_CARD_INIT;
    Model model = MODEL_INIT;

    model.id = content.id = k->id;
    model.kind = MODEL_KIND_LEAD_WIN;
    model.version = "7";
    model.sha256 = (char *)k->sha256;
    metrics.base_rate = 0.25;
    card.model = &model;
    card.validation = &metrics;
    record.card = &card;
    record.active_kind = k->is_active ? (char *)model_kind_name(MODEL_KIND_LEAD_WIN) : "";
    content.content = (ProtobufCBinaryData){k->bytes.n, (uint8_t *)k->bytes.p};
    (void)c;
    TRY(tx_insert_model(tx, &record));
    return tx_insert_model_content(tx, &content);
}

static enum status put(struct desk *d, struct putting *k)
{
    k->id = uuid_text(&d->call->arena, uuid_new(d->call));
    if (!k->sha256)
        k->sha256 = decision_sha256(&d->call->arena, k->bytes);
    return store_run(d->agents.store, d->call, STORE_WRITE, put_unit, k);
}

static enum status retire_unit(struct call *c, struct tx *tx, void *arg)
{
    ModelRecord *record;

    (void)c;
    TRY(tx_get_model(tx, str_of(arg), &record));
    record->active_kind = "";
    return tx_update_model(tx, record);
}

static const struct model_use *active(struct desk *d)
{
    const struct model_use *use;

    cr_assert_eq(model_use_active(d->call, d->agents.models, MODEL_KIND_LEAD_WIN, &use), STATUS_OK,
                 "%s", d->call->fault.why);
    return use;
}

DESK_TEST(model_use, a_tenant_without_a_model_has_none)
{
    const struct model_use *use;

    cr_assert_null(active(d));
    cr_assert_eq(
        model_use_by_id(d->call, d->agents.models, "0198c0de-0000-7000-8000-000000000000", &use),
        STATUS_NOT_FOUND);
    cr_assert_null(use);
}

DESK_TEST(model_use, what_is_published_is_parsed_once)
{
    struct putting k = {.bytes = make_bytes(d, 1), .is_active = true};
    const struct model_use *use, *same;

    cr_assert_eq(put(d, &k), STATUS_OK, "%s", d->call->fault.why);
    use = active(d);
    cr_assert_str_eq(use->id, k.id);
    cr_assert_str_eq(use->version, "7");
    cr_assert_float_eq(use->base_rate, 0.25, 1e-9);
    cr_assert_not(model_use_fits(use), "it names no catalogue");
    cr_assert_gt(use->model->encoder.n_sources, 0);
    cr_assert_eq(model_use_by_id(d->call, d->agents.models, k.id, &same), STATUS_OK);
    cr_assert_eq(same, use);
    model_use_put(d->agents.models, same);
    model_use_put(d->agents.models, use);
}

DESK_TEST(model_use, a_publication_is_seen_and_the_old_one_stays_usable)
{
    struct putting first = {.bytes = make_bytes(d, 1), .is_active = true};
    struct putting second = {.bytes = make_bytes(d, 2), .is_active = true};
    const struct model_use *old, *fresh;

    cr_assert_eq(put(d, &first), STATUS_OK);
    old = active(d);
    cr_assert_eq(put(d, &second), STATUS_EXISTS, "two models in use");
    call_clear(d->call);
    cr_assert_eq(store_run(d->agents.store, d->call, STORE_WRITE, retire_unit, first.id),
                 STATUS_OK);
    cr_assert_eq(put(d, &second), STATUS_OK);
    model_use_forget(d->agents.models, d->call->principal.tenant_id, MODEL_KIND_LEAD_WIN);
    fresh = active(d);
    cr_assert_str_eq(fresh->id, second.id);
    cr_assert_str_neq(old->sha256, fresh->sha256);
    cr_assert_gt(old->model->encoder.n_sources, 0);
    model_use_put(d->agents.models, old);
    model_use_put(d->agents.models, fresh);
}

DESK_TEST(model_use, no_tenant_gets_the_model_of_another)
{
    struct putting k = {.bytes = make_bytes(d, 1), .is_active = true};
    const struct model_use *use = NULL;

    cr_assert_eq(put(d, &k), STATUS_OK);
    use = active(d);
    cr_assert_not_null(use);
    model_use_put(d->agents.models, use);
    d->call->principal.tenant_id = 2;
    cr_assert_null(active(d));
    cr_assert_eq(model_use_by_id(d->call, d->agents.models, k.id, &use), STATUS_NOT_FOUND);
}

DESK_TEST(model_use, bytes_that_differ_from_the_record_are_refused)
{
    struct putting k = {.bytes = make_bytes(d, 1), .is_active = true};
    const struct model_use *use;

    k.sha256 = decision_sha256(&d->call->arena, STR("something else"));
    cr_assert_eq(put(d, &k), STATUS_OK);
    cr_assert_eq(model_use_active(d->call, d->agents.models, MODEL_KIND_LEAD_WIN, &use),
                 STATUS_DATA_LOSS);
    cr_assert_str_eq(d->call->fault.reason, "MODEL_DAMAGED");
    cr_assert_null(use);
}

struct asking {
    struct desk *d;
    pthread_barrier_t *start;
    const struct model_use *use;
};

static void *ask(void *arg)
{
    struct asking *k = arg;
    struct call c;

    call_init(&c, NULL, 1 << 20);
    c.principal = k->d->call->principal;
    pthread_barrier_wait(k->start);
    cr_assert_eq(model_use_active(&c, k->d->agents.models, MODEL_KIND_LEAD_WIN, &k->use), STATUS_OK,
                 "%s", c.fault.why);
    call_release(&c);
    return NULL;
}

DESK_TEST(model_use, many_that_ask_at_once_share_one)
{
    struct putting k = {.bytes = make_bytes(d, 1), .is_active = true};
    struct asking asking[THREADS];
    pthread_barrier_t start;
    pthread_t threads[THREADS];

    cr_assert_eq(put(d, &k), STATUS_OK);
    pthread_barrier_init(&start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        asking[i] = (struct asking){d, &start, NULL};
        cr_assert_eq(pthread_create(&threads[i], NULL, ask, &asking[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++) {
        cr_assert_eq(asking[i].use, asking[0].use, "parsed twice");
        model_use_put(d->agents.models, asking[i].use);
    }
    pthread_barrier_destroy(&start);
}
