/* One short function per RPC; the table at the end is the service. */
#include "service/forecast.h"

#include "agent/model_card.h"

static enum status list_models(struct call *c, void *self, const ListModelsRequest *in,
                               ListModelsResponse *out)
{
    return model_list(c, self, in, out);
}

static enum status get_model_card(struct call *c, void *self, const GetModelCardRequest *in,
                                  GetModelCardResponse *out)
{
    return model_card_get(c, self, in->id, &out->card);
}

const struct forecast_handlers forecast_handlers = {
    .train_model = {train_model_message,
                    {.writable = train_model_writable, .done = train_model_done}},
    .list_models = list_models,
    .get_model_card = get_model_card,
};
