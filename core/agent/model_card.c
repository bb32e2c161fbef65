#include "agent/model_card.h"

#include "agent/list.h"
#include "store/records.h"

enum status model_list(struct call *c, struct agents *a, const ListModelsRequest *in,
                       ListModelsResponse *out)
{
    struct list_query q = {.filter = str_of(in->filter),
                           .page_token = str_of(in->page_token),
                           .page_size = in->page_size};
    struct list_page page;

    TRY(list_run(c, a->store, RECORD_MODEL, &q, &page));
    if ((out->models = NEW(&c->arena, Model *, page.n_items + 1)) == NULL)
        return call_nomem(c);
    for (size_t i = 0; i < page.n_items; i++)
        out->models[i] = ((ModelRecord *)page.items[i])->card->model;
    out->n_models = page.n_items;
    out->next_page_token = page.next_page_token;
    return STATUS_OK;
}

struct reading {
    const char *id;
    ModelRecord *record;
};

static enum status read_unit(struct call *c, struct tx *tx, void *arg)
{
    struct reading *r = arg;

    (void)c;
    return tx_get_model(tx, str_of(r->id), &r->record);
}

enum status model_card_get(struct call *c, struct agents *a, const char *id, ModelCard **out)
{
    struct reading r = {.id = id};
    enum status s = store_run(a->store, c, STORE_READ_ONE, read_unit, &r);

    *out = s == STATUS_OK ? r.record->card : NULL;
    return s;
}
