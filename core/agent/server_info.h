/* server_info: what this process is, for the operator who asks it. */
#ifndef AGENT_SERVER_INFO_H
#define AGENT_SERVER_INFO_H

#include "agent/context.h"
#include "sales/v1/admin.h"

/* What only main knows. Everything is borrowed from it and does not change. */
struct server_info {
    const char *version, *commit; /* commit "": built outside of a repository */
    const char *storage;          /* "sqlite", "postgres" */
    const char *const *parts;     /* [n_parts] parts switched on: "api", "lead"... */
    size_t n_parts;
    const char *const *methods; /* [n_methods] "sales.v1.SalesAgent/GetLead": what has a handler */
    size_t n_methods;
    int64_t start_us;
    uint64_t message_bytes;      /* largest message accepted */
    const char *operator_tenant; /* key of the tenant whose admins create tenants; "": nobody */
};

/* INTERNAL: main said nothing. */
MUST_CHECK enum status server_info_get(struct call *c, struct agents *a,
                                       GetServerInfoResponse *out);

#endif
