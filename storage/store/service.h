/*
 * service: the service's own records (tenants, API keys) inside of a tenant's unit.
 *
 * A change of such a record belongs to the tenant whose admin makes it: its event, audit row and
 * request id are the tenant's and must commit with it. store_run_system cannot do that. Here the
 * unit is the tenant's, and one part of it reaches the service's records:
 *
 *     static enum status revoke_unit(struct call *c, struct tx *tx, void *arg)
 *     {
 *         struct tx *service;
 *
 *         TRY(tx_service(tx, &service));
 *         TRY(tx_get_api_key(service, id, &key));       // through `service`: tenants, API keys
 *         ...
 *         TRY(tx_update_api_key(service, key));
 *         return tx_event(tx, ...);                     // through `tx`: what is the tenant's
 *     }
 *
 * Which of the service's records are the caller's is for the caller to check: `service` sees those
 * of all tenants.
 */
#ifndef STORE_SERVICE_H
#define STORE_SERVICE_H

#include "store/store.h"

/* The same transaction as store_run_system would see it. Ends with the unit; records and counters
 * only. tx: a unit of store_run. */
MUST_CHECK enum status tx_service(struct tx *tx, struct tx **out);

#endif
