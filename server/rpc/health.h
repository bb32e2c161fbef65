/* health: grpc.health.v1, what probes and balancers ask. */
#ifndef RPC_HEALTH_H
#define RPC_HEALTH_H

struct rpc_server;

enum rpc_health { RPC_HEALTH_SERVING = 1, RPC_HEALTH_NOT_SERVING = 2 };

/*
 * Sets the state of a bound service, or of the whole server ("" - which every service inherits
 * while it is NOT_SERVING), and tells the watchers. Unknown names are ignored. Thread-safe. After
 * rpc_server_stop began everything stays NOT_SERVING.
 */
void rpc_health_set(struct rpc_server *s, const char *service, enum rpc_health state);

#endif
