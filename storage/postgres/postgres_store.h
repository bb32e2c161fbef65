/*
 * postgres_store: the store on PostgreSQL 15 or later.
 *
 * A bounded pool of connections in pipeline mode. A unit's BEGIN, its tenant and its statement
 * timeout travel with its first statement; its writes travel with COMMIT: a read unit costs one
 * round trip, a typical mutation two. Isolation is REPEATABLE READ, so a concurrent change fails
 * the unit with a serialisation failure and the store runs it again.
 *
 * The rows of a tenant are protected by row-level security. The role in conninfo must be subject to
 * it.
 */
#ifndef POSTGRES_POSTGRES_STORE_H
#define POSTGRES_POSTGRES_STORE_H

#include "sql/driver.h"

enum {
    POSTGRES_POOL_DEFAULT =
        8, /* a connection is a server process: few and busy beats many and idle */
    POSTGRES_POOL_MAX = 256,
};

enum postgres_role {
    POSTGRES_ROLE_BOUND, /* refuses a role that row-level security does not bind */
    POSTGRES_ROLE_ANY,   /* for migrations and tests: takes any role */
};

struct postgres_options {
    const char *conninfo;        /* libpq's: URI or "host=... dbname=..." */
    const char *conninfo_path;   /* file that conninfo is from: new connections use the user and
                                    password it has then, nothing else of it. NULL: none */
    const char *master_key_path; /* see sql/master.h */
    const char *master_keys;     /* their text, instead of the file; NULL: none */
    bool create_master_key;      /* make the file when there is none; not with several servers */
    enum postgres_role role;
    size_t pool_max;         /* connections; 0: the default */
    bool is_bare;            /* for benchmarks: see sql_options */
    struct sql_fault *fault; /* for tests, borrowed; NULL: none */
};

/* Connects and checks schema, role and master key; does not migrate. Close with store_close.
 * PRECONDITION: SCHEMA_OLD, SCHEMA_NEWER, SCHEMA_CHANGED, MASTER_KEY, or ROLE_UNBOUND: the role is
 * superuser, has BYPASSRLS, or owns tables without FORCE. UNAVAILABLE: STORE_DOWN. Later a user
 * that conninfo_path brings is checked alike; units fail with UNAVAILABLE, ROLE_UNBOUND then. */
MUST_CHECK enum status postgres_store_open(struct call *c, const struct postgres_options *options,
                                           struct store **out);

/* Brings the schema up to date as the owner of the tables (conninfo), then lets `app_role` use
 * them; NULL: grants nothing. For the migration job. */
MUST_CHECK enum status postgres_migrate(struct call *c, const char *conninfo, const char *app_role);

#endif
