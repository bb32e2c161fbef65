/* open_store: the store that the configuration names. Only here an engine is chosen. */
#ifndef SERVER_OPEN_STORE_H
#define SERVER_OPEN_STORE_H

#include "server/config.h"
#include "store/store.h"

/* SQLite is created and migrated as needed; PostgreSQL must have the schema of this program.
 * Statuses as sqlite_store_open and postgres_store_open. */
MUST_CHECK enum status open_store(struct call *c, const struct config *config, struct store **out);

/* Brings the schema up to date and lets migrate_role use it. */
MUST_CHECK enum status migrate_store(struct call *c, const struct config *config);

#endif
