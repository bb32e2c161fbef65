/* The job's side: collect, learn, judge, publish. All but the last step leave nothing behind, so a
 * job that has to start over does; the last is one unit that ends the job, too. */
#include <assert.h>
#include <stdio.h>

#include "agent/event.h"
#include "agent/instant.h"
#include "base/kill_point.h"
#include "domain/feature.h"
#include "internal/v1/records.h"
#include "obs/log.h"
#include "schema/wire.h"
#include "store/apart.h"
#include "store/job.h"
#include "store/records.h"
#include "workflow/training.h"
#include "workflow/training_card.h"

enum {
    ATTEMPTS_MAX = 5,
    FIRST_MS = 1000,
    MOST_MS = 60000,
    LEARN_BYTES = 256 << 20, /* what was learned, and comparing it */
    RENEW_BYTES = 1 << 20,
    FIT_ENDS = 750, /* permille of model_learn at which its candidates are judged */
};

/* One training under way. */
struct training {
    struct call *call;
    struct agents *agents;
    struct job *job;
    const TrainingOrder *order;
    int64_t started_us;
    struct arena arena; /* of what was learned */
    struct training_data data;
    struct learned learned;
    struct judge_champion champion;
    struct judgement judgement;
    enum status status; /* why go_on said no */
    ModelRecord record;
    const char *champion_id; /* "" when there was none */
};

static void say(struct training *t, TrainingPhase phase, uint64_t done, uint64_t total)
{
    training_board_put(t->agents->trainings, t->order->model_id,
                       (struct training_step){phase, done, total});
}

static enum status renew_unit(struct call *c, struct tx *tx, void *arg)
{
    struct training *t = arg;

    (void)c;
    return tx_job_renew(tx, t->job, (int64_t)TRAINING_LEASE_MS * 1000);
}

/* Whether to go on; keeps the lease when a third of it is gone. */
static enum status go_on(struct training *t)
{
    int64_t lease_ns = (int64_t)TRAINING_LEASE_MS * 1000000;

    TRY(call_check(t->call));
    if (!t->call->deadline_ns || call_left_ns(t->call, lease_ns) > lease_ns / 3 * 2)
        return STATUS_OK;
    TRY(store_run_apart(t->agents->store, t->call, RENEW_BYTES, renew_unit, t, STORE_WRITE));
    t->call->deadline_ns = call_monotonic_ns(t->call) + lease_ns;
    return STATUS_OK;
}

static enum status collected(void *arg, uint64_t done, uint64_t total)
{
    struct training *t = arg;

    say(t, TRAINING_PHASE_COLLECT, done, total);
    return go_on(t);
}

static bool fitted(void *arg, int permille)
{
    struct training *t = arg;

    say(t, permille < FIT_ENDS ? TRAINING_PHASE_FIT : TRAINING_PHASE_VALIDATE, (uint64_t)permille,
        1000);
    t->status = go_on(t);
    return t->status == STATUS_OK;
}

static enum status learn(struct training *t)
{
    enum status s =
        model_learn(&t->learned, &t->arena, &t->data.cases.frame,
                    &(struct learn_options){
                        .seed = t->order->seed, .split = LEARN_BY_TIME, .go_on = fitted, .arg = t});

    if (s == STATUS_CANCELLED && t->status != STATUS_OK)
        return t->status;
    if (s == STATUS_EXHAUSTED)
        return call_nomem(t->call);
    return s == STATUS_OK ? s : call_fail(t->call, s, "learning failed");
}

static enum status champion_unit(struct call *c, struct tx *tx, void *arg)
{
    struct training *t = arg;
    ModelRecord *record;
    enum status s =
        tx_find_model(tx, MODEL_BY_active_kind, str_of(model_kind_name(t->order->kind)), &record);

    t->champion_id = "";
    if (s == STATUS_NOT_FOUND) {
        call_clear(c);
        return STATUS_OK;
    }
    TRY(s);
    t->champion_id = record->card->model->id;
    t->champion.until_us = INT64_MAX;
    if (record->card->training_window && record->card->validation_window) {
        int64_t trained = instant_us(record->card->training_window->end_time);
        int64_t judged = instant_us(record->card->validation_window->end_time);

        t->champion.until_us = trained > judged ? trained : judged;
    }
    return STATUS_OK;
}

static enum status judge(struct training *t)
{
    struct judgement *j = &t->judgement;

    if (training_judge(j, &t->arena, &t->learned, &t->data.cases.frame, &t->champion) != STATUS_OK)
        return call_nomem(t->call);
    if (t->learned.bytes.n > MODEL_CONTENT_BYTES_MAX) {
        j->state = MODEL_STATE_REJECTED;
        snprintf(j->reason, sizeof j->reason, "it takes %zu bytes, over %d", t->learned.bytes.n,
                 MODEL_CONTENT_BYTES_MAX);
    }
    if (t->order->validate_only && j->state == MODEL_STATE_ACTIVE) {
        str reason = str_of(j->reason);
        char *text =
            arena_printf(&t->arena, "not put into use, as asked; " STR_FMT, STR_ARG(reason));

        j->state = MODEL_STATE_CANDIDATE;
        snprintf(j->reason, sizeof j->reason, "%s", text ? text : "");
    }
    return STATUS_OK;
}

/* With the model in use, which is held as long as it takes. */
static enum status judge_champion(struct training *t)
{
    enum status s;

    say(t, TRAINING_PHASE_VALIDATE, 0, 0);
    TRY(store_run(t->agents->store, t->call, STORE_READ, champion_unit, t));
    if (t->learned.verdict != LEARN_LEARNED) {
        t->judgement.state = MODEL_STATE_REJECTED;
        snprintf(t->judgement.reason, sizeof t->judgement.reason, "nothing was learned: %s",
                 learn_verdict_text(t->learned.verdict));
        return STATUS_OK;
    }
    if (*t->champion_id)
        TRY(model_use_by_id(t->call, t->agents->models, t->champion_id, &t->champion.use));
    s = judge(t);
    model_use_put(t->agents->models, t->champion.use);
    t->champion.use = NULL;
    return s;
}

static enum status prepare(struct training *t)
{
    char *catalogue = NEW(&t->call->arena, char, SCORE_SHA256_BYTES + 1);

    if (!catalogue)
        return call_nomem(t->call);
    feature_catalogue_sha256(catalogue);
    t->record = (ModelRecord)MODEL_RECORD_INIT;
    t->record.catalogue_sha256 = catalogue;
    t->record.case_count = t->learned.n_rows;
    return training_card(t->call,
                         &(struct training_findings){.order = t->order,
                                                     .learned = &t->learned,
                                                     .data = &t->data,
                                                     .judgement = &t->judgement,
                                                     .started_us = t->started_us},
                         &t->record.card);
}

/* Takes the model in use out of it. CONFLICT: it is not the one that was compared with. */
static enum status retire(struct call *c, struct tx *tx, const struct training *t)
{
    ModelRecord *record;
    enum status s =
        tx_find_model(tx, MODEL_BY_active_kind, str_of(model_kind_name(t->order->kind)), &record);

    if (s == STATUS_NOT_FOUND && !*t->champion_id) {
        call_clear(c);
        return STATUS_OK;
    }
    if (s != STATUS_OK && s != STATUS_NOT_FOUND)
        return s;
    call_clear(c);
    if (s != STATUS_OK || strcmp(record->card->model->id, t->champion_id) != 0)
        return call_fail_as(c, STATUS_CONFLICT, "MODEL_CHANGED",
                            "another model came into use meanwhile");
    record->active_kind = "";
    record->card->model->state = MODEL_STATE_RETIRED;
    return tx_update_model(tx, record);
}

static enum status store_content(struct tx *tx, const struct training *t)
{
    ModelContent content = MODEL_CONTENT_INIT;
    str bytes = t->learned.bytes;

    if (t->learned.verdict != LEARN_LEARNED || bytes.n > MODEL_CONTENT_BYTES_MAX)
        return STATUS_OK;
    content.id = t->order->model_id;
    content.content = (ProtobufCBinaryData){bytes.n, (uint8_t *)bytes.p};
    return tx_insert_model_content(tx, &content);
}

/* It comes into use, in the place of the one that is. */
static enum status activate(struct call *c, struct tx *tx, struct training *t)
{
    Model *model = t->record.card->model;

    TRY(retire(c, tx, t));
    t->record.active_kind = (char *)model_kind_name(model->kind);
    return instant_now(c, &model->activate_time);
}

static enum status store_model(struct call *c, struct tx *tx, struct training *t)
{
    Model *model = t->record.card->model;
    int64_t version;

    TRY(tx_counter_next(tx, "model_version", &version));
    if ((model->version = arena_printf(&c->arena, "%lld", (long long)version)) == NULL)
        return call_nomem(c);
    model->etag = "";
    TRY(tx_insert_model(tx, &t->record));
    kill_here(KILL_MODEL_PUBLISH);
    return store_content(tx, t);
}

static enum status publish_unit(struct call *c, struct tx *tx, void *arg)
{
    struct training *t = arg;
    const Model *model = t->record.card->model;

    if (model->state == MODEL_STATE_ACTIVE)
        TRY(activate(c, tx, t));
    TRY(store_model(c, tx, t));
    TRY(tx_event(tx, EVENT_MODEL_TRAINED, RECORD_MODEL, str_of(model->id), &model->base));
    return tx_job_done(tx, t->job);
}

static enum status publish(struct training *t)
{
    struct call *c = t->call;
    const Model *model;

    say(t, TRAINING_PHASE_PUBLISH, 0, 0);
    TRY(go_on(t));
    TRY(prepare(t));
    TRY(store_run(t->agents->store, c, STORE_WRITE, publish_unit, t));
    model = t->record.card->model;
    model_use_forget(t->agents->models, c->principal.tenant_id, model->kind);
    feed_tell(t->agents->feed, c->principal.tenant_id);
    log_info(c, LOG_EVENT_MODEL_TRAINED, F_INT("for_tenant", c->principal.tenant_id),
             F_STR("model", model->id), F_STR("state", model_state_name(model->state)),
             F_INT("cases", (int64_t)t->learned.n_rows),
             F_INT("took_ms", (call_now_us(c) - t->started_us) / 1000));
    return STATUS_OK;
}

static enum status run(struct training *t)
{
    say(t, TRAINING_PHASE_COLLECT, 0, 0);
    TRY(training_data_collect(t->call, t->agents,
                              &(struct training_ask){t->order->window, collected, t}, &t->data));
    kill_here(KILL_MODEL_FIT);
    say(t, TRAINING_PHASE_FIT, 0, 1000);
    TRY(learn(t));
    TRY(judge_champion(t));
    return publish(t);
}

static enum status handle(void *self, struct call *c, struct job *job)
{
    struct training t = {.call = c, .agents = self, .job = job, .started_us = call_now_us(c)};
    ProtobufCMessage *m;
    enum status s;

    TRY(wire_unpack(c, &c->arena, TRAINING_ORDER_DESCRIPTOR, job->payload, &m));
    t.order = (const TrainingOrder *)m;
    arena_init(&t.arena, LEARN_BYTES);
    s = run(&t);
    training_board_remove(t.agents->trainings, t.order->model_id);
    training_data_release(&t.data);
    arena_release(&t.arena);
    return s;
}

/* One at a time in a process: it takes a core and memory of its own. */
const struct job_kind training_kind = {.name = TRAINING_JOB,
                                       .handle = handle,
                                       .lease_ms = TRAINING_LEASE_MS,
                                       .attempts_max = ATTEMPTS_MAX,
                                       .first_ms = FIRST_MS,
                                       .most_ms = MOST_MS,
                                       .limit = 1};
