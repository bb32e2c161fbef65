/* admin: the Admin service, over the agents. `self` of the handlers is a struct agents. */
#ifndef SERVICE_ADMIN_H
#define SERVICE_ADMIN_H

#include "agent/context.h"
#include "sales/v1/admin.service.h"

/* RPCs of later versions are empty slots: they answer UNIMPLEMENTED. */
extern const struct admin_handlers admin_handlers;

enum status export_subject_message(struct call *c, void *self, struct rpc_stream *s,
                                   const ExportSubjectRequest *in);
enum status export_subject_writable(struct call *c, void *self, struct rpc_stream *s);
void export_subject_done(struct call *c, void *self, struct rpc_stream *s);

#endif
