/* forecast: the Forecast service; see sales_agent.h. */
#ifndef SERVICE_FORECAST_H
#define SERVICE_FORECAST_H

#include "agent/context.h"
#include "sales/v1/forecast.service.h"

extern const struct forecast_handlers forecast_handlers;

/* TrainModel, as in schema/stream.h. */
enum status train_model_message(struct call *c, void *self, struct rpc_stream *s,
                                const TrainModelRequest *in);
enum status train_model_writable(struct call *c, void *self, struct rpc_stream *s);
void train_model_done(struct call *c, void *self, struct rpc_stream *s);

#endif
