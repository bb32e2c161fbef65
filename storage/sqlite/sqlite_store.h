/*
 * sqlite_store: the embedded store, one file (and its -wal, -shm and .key beside it).
 *
 * WAL with synchronous=FULL: what was acknowledged survives power loss. One thread writes: the
 * units that wait are run one after the other, each in a savepoint, and share one commit and one
 * fsync. Readers have connections of their own and see snapshots; nobody waits for a reader.
 */
#ifndef SQLITE_SQLITE_STORE_H
#define SQLITE_SQLITE_STORE_H

#include "sql/driver.h"

enum {
    SQLITE_READERS_DEFAULT = 4,
    SQLITE_READERS_MAX = 64,
    SQLITE_QUEUE_DEFAULT = 1024, /* units that may wait: a second's worth of small ones */
};

struct sqlite_options {
    const char *path;            /* of the file; created when there is none */
    const char *master_key_path; /* created when there is none; NULL: path + ".key" */
    const char *master_keys;     /* their text, instead of the file; NULL: none; sql/master.h */
    size_t n_readers;            /* connections for read units; 0: the default */
    size_t queue_max;            /* write units that may wait; 0: the default */
    int64_t pages_max;           /* of 4096 bytes; 0: as large as the disk allows */
    bool is_bare;                /* for benchmarks: see sql_options */
    struct sql_fault *fault;     /* for tests, borrowed; NULL: none */
};

/* Opens, migrates, and takes the master key. Close with store_close. PRECONDITION: schema or master
 * key do not fit. UNAVAILABLE: STORE_READ_ONLY, STORE_IO, STORE_BUSY. */
MUST_CHECK enum status sqlite_store_open(struct call *c, const struct sqlite_options *options,
                                         struct store **out);

#endif
