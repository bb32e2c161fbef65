/* sales_agent: the SalesAgent service. Checks what the contract leaves open, delegates to agents,
 * answers. One instance per server; `self` of the handlers is a struct agents. */
#ifndef SERVICE_SALES_AGENT_H
#define SERVICE_SALES_AGENT_H

#include "agent/context.h"
#include "sales/v1/sales_agent.service.h"

/* RPCs of later versions are empty slots: they answer UNIMPLEMENTED. */
extern const struct sales_agent_handlers sales_agent_handlers;

/* The streaming methods, each in a file of its own: events as in schema/stream.h. */
enum status import_leads_message(struct call *c, void *self, struct rpc_stream *s,
                                 const ImportLeadsRequest *in);
enum status import_leads_half_close(struct call *c, void *self, struct rpc_stream *s);
void import_leads_done(struct call *c, void *self, struct rpc_stream *s);

enum status batch_qualify_message(struct call *c, void *self, struct rpc_stream *s,
                                  const BatchQualifyLeadsRequest *in);
enum status batch_qualify_writable(struct call *c, void *self, struct rpc_stream *s);
void batch_qualify_done(struct call *c, void *self, struct rpc_stream *s);

enum status watch_leads_message(struct call *c, void *self, struct rpc_stream *s,
                                const WatchLeadsRequest *in);
enum status watch_leads_writable(struct call *c, void *self, struct rpc_stream *s);
void watch_leads_done(struct call *c, void *self, struct rpc_stream *s);

#endif
