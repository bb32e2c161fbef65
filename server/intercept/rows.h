/* rows: what the hooks share. Private to this folder. */
#ifndef INTERCEPT_ROWS_H
#define INTERCEPT_ROWS_H

#include "intercept/intercept.h"
#include "intercept/lane.h"
#include "intercept/open_streams.h"
#include "intercept/running.h"
#include "intercept/strangers.h"

enum { STATUS_CODES = 17 };

/* The series of one method. */
struct method_series {
    struct series started, received, sent, seconds, handled[STATUS_CODES];
};

struct service_series {
    const struct service *service;
    struct method_series *methods; /* [service->n_methods] */
};

struct intercept {
    struct intercept_options options;
    struct arena arena; /* owns the series */
    struct auth *auth;
    struct running *running;
    struct lanes *lanes;
    struct strangers *strangers;
    struct open_streams *streams;
    struct service_series services[INTERCEPT_SERVICES_MAX];
    struct series auth_failures[AUTH_N_REASONS], rate_limited[RATE_CLASSES];
};

/* Anybody may call it: probes and tools come without a credential. */
bool is_public(const struct service *s);

/* observe.c */
enum status trace_before(struct rpc_request *q);
bool metrics_register(struct intercept *i);
enum status metrics_before(struct rpc_request *q);
enum status metrics_message(struct rpc_request *q, const ProtobufCMessage *m);
void metrics_after(struct rpc_request *q, enum status s);
void log_after(struct rpc_request *q, enum status s);
void audit_after(struct rpc_request *q, enum status s);

/* authenticate.c */
enum status authenticate_before(struct rpc_request *q);
enum status authenticate_again(struct rpc_request *q);

/* admit.c */
enum status deadline_before(struct rpc_request *q);
enum status authorise_before(struct rpc_request *q);
enum status authorise_again(struct rpc_request *q);
enum status rate_before(struct rpc_request *q);
void rate_after(struct rpc_request *q, enum status s);
enum status validate_message(struct rpc_request *q, const ProtobufCMessage *m);

/* once.c */
enum status once_message(struct rpc_request *q, const ProtobufCMessage *m);
void once_after(struct rpc_request *q, enum status s);

#endif
