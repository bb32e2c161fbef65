/* In a call of its own: the bytes of a model are not the business of the request's memory. */
#include "agent/model_load.h"

#include <stdio.h>

#include "agent/decision.h"
#include "model/model_bytes.h"
#include "store/apart.h"
#include "store/records.h"

enum {
    LOOK_BYTES = 4 << 20,  /* a card is some 100 kB */
    LOAD_BYTES = 32 << 20, /* the bytes sealed, opened and unpacked */
};

struct looking {
    ModelKind kind;
    char *id;
};

static enum status look_unit(struct call *c, struct tx *tx, void *arg)
{
    struct looking *k = arg;
    ModelRecord *record;
    enum status s;

    *k->id = '\0';
    s = tx_find_model(tx, MODEL_BY_active_kind, str_of(model_kind_name(k->kind)), &record);
    if (s == STATUS_NOT_FOUND) {
        call_clear(c);
        return STATUS_OK;
    }
    if (s == STATUS_OK)
        snprintf(k->id, UUID_TEXT_BYTES + 1, "%s", record->card->model->id);
    return s;
}

enum status model_load_active_id(struct call *c, struct store *s, ModelKind kind,
                                 char id[UUID_TEXT_BYTES + 1])
{
    return store_run_apart(s, c, LOOK_BYTES, look_unit, &(struct looking){kind, id},
                           STORE_READ_ONE);
}

struct loading {
    const char *id;
    const struct model_loaded *out;
};

static enum status damaged(struct call *c, const char *id)
{
    return call_fail_as(c, STATUS_DATA_LOSS, "MODEL_DAMAGED",
                        "the bytes of model %s are not those that were published", id);
}

static void describe(struct model_use *use, const ModelRecord *record)
{
    const Model *m = record->card->model;

    use->kind = m->kind;
    snprintf(use->id, sizeof use->id, "%s", m->id);
    snprintf(use->version, sizeof use->version, "%s", m->version);
    snprintf(use->sha256, sizeof use->sha256, "%s", m->sha256);
    snprintf(use->catalogue_sha256, sizeof use->catalogue_sha256, "%s", record->catalogue_sha256);
    use->base_rate = record->card->validation ? record->card->validation->base_rate : 0;
    use->n_cases = record->case_count;
}

static enum status load_unit(struct call *c, struct tx *tx, void *arg)
{
    struct loading *k = arg;
    ModelRecord *record;
    ModelContent *content;
    struct model *model;
    const char *sha256;
    str bytes;

    TRY(tx_get_model(tx, str_of(k->id), &record));
    TRY(tx_get_model_content(tx, str_of(k->id), &content));
    bytes = (str){(char *)content->content.data, content->content.len};
    if ((sha256 = decision_sha256(&c->arena, bytes)) == NULL)
        return call_nomem(c);
    arena_reset(k->out->arena); /* of a run before */
    if (strcmp(sha256, record->card->model->sha256) != 0 ||
        model_bytes_parse(&model, k->out->arena, bytes) != STATUS_OK)
        return damaged(c, k->id);
    describe(k->out->use, record);
    k->out->use->model = model;
    return STATUS_OK;
}

enum status model_load(struct call *c, struct store *s, const char *id,
                       const struct model_loaded *out)
{
    return store_run_apart(s, c, LOAD_BYTES, load_unit, &(struct loading){id, out}, STORE_READ);
}
