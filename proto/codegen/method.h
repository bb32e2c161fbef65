/* method: how one RPC is spelled in C, shared by the emitters of servers and clients. */
#ifndef CODEGEN_METHOD_H
#define CODEGEN_METHOD_H

#include "model.h"

struct rpc {
    const ServiceProto *service;
    const MethodProto *method;
    struct place place;
    const char *full_service; /* sales.v1.SalesAgent */
    const char *prefix;       /* sales_agent */
    const char *macro;        /* SALES_AGENT */
    const char *member;       /* create_lead; protoc-c refuses C keywords */
    const char *member_macro; /* CREATE_LEAD */
    const struct type *in, *out;
    bool streams; /* in any direction */
};

struct rpc rpc_of(struct model *m, const struct file *f, size_t service, size_t method);

/* "sales.v1.SalesAgent" of the i-th service. */
const char *rpc_service_name(struct model *m, const struct file *f, size_t service);

#endif
