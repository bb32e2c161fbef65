/* tx: the inside of a unit of work; private to this layer. */
#ifndef SQL_TX_H
#define SQL_TX_H

#include "sql/batch.h"
#include "sql/driver.h"
#include "sql/keyring.h"
#include "sql/statement.h"
#include "store/record_info.h"

struct store {
    struct sql_driver *driver;                   /* owned */
    struct keyring *keyring;                     /* owned */
    struct statements *statements;               /* owned */
    bool is_bare;                                /* see sql_options */
    void (*jobs_put)(void *arg, int64_t due_us); /* see store_watch_jobs */
    void *jobs_arg;
    void (*audit_added)(void *arg, int64_t tenant_id); /* see store_watch_audit */
    void *audit_arg;
};

/* A version read in this unit: what tx_update may rely on. */
struct seen {
    struct uuid id;
    int64_t version, create_us;
    str tokens; /* packed, as stored: see columns.h */
    str plain;  /* the packed message in the body */
    bool fixed; /* out of the caller's reach: not to be changed */
};

struct tx {
    struct call *call;
    struct sql_conn *conn;
    struct store *store;
    struct tenant_keys *keys;
    bool keys_are_new; /* read for this run of the unit */
    int64_t tenant_id;
    enum store_mode mode;
    bool has_read;                       /* a statement that returns rows has run */
    unsigned widened;                    /* see store/reach.h */
    struct blinded *blinded;             /* see columns_keep_blind; in the arena */
    struct seen *seen;                   /* [cap_seen] hash table by id, in the call's arena */
    size_t n_seen, cap_seen;             /* a power of two */
    struct batch *batches[RECORD_KINDS]; /* rows to insert, by kind; NULL: none yet */
    struct batch *words, *events;
    int64_t job_due_us;     /* the earliest job that this unit put or moved; 0: none */
    struct tx *outer;       /* of a view of the service's records: the tenant's unit; else NULL */
    struct tx *service;     /* that view, once it was asked for */
    struct held_keys *held; /* of a unit: keys of other tenants, see held.c */
    struct tx *active;      /* of a unit: itself or its view, whichever the engine lets through */
    bool has_entries;       /* the unit added to the trail */
    struct audit_notes *notes; /* changes that the trail has to have, until the end; NULL: none */
};

/* Rows of the kind are not sealed: see sql_options. */
static inline bool tx_is_plain(const struct tx *tx, const struct record_info *info)
{
    return tx->store->is_bare && info->kind == RECORD_LEAD;
}

/* The unit itself: what belongs to the tenant that a change is made for (audit rows, events) is
 * written through it, also when the record is the service's. */
static inline struct tx *tx_owner(struct tx *tx)
{
    return tx->outer ? tx->outer : tx;
}

/* Makes the engine let the rows of tx through. Precedes whatever is sent. */
MUST_CHECK enum status tx_enter(struct tx *tx);

/* Sends what is batched. Every statement but a batched insert is preceded by it. */
MUST_CHECK enum status tx_flush(struct tx *tx);

/* Room for one more row of the view's in a batch of its own, to fill in at once; NULL on failure.
 */
MUST_CHECK enum status tx_batch_row(struct tx *tx, struct batch **b,
                                    const struct insert_texts *into, struct sql_value **row_out);

/* tx_flush, then the statement. */
MUST_CHECK enum status tx_exec(struct tx *tx, const struct sql_statement *s);
MUST_CHECK enum status tx_query(struct tx *tx, const struct sql_statement *s, sql_row_fn row,
                                void *arg);

/* OK when the unit may write. */
MUST_CHECK enum status tx_writable(struct tx *tx);

/* The keys of a tenant: the unit's, or in a system unit those of any, read in its transaction if
 * need be. *out is NULL when it has none yet; else it lives until the unit ends. */
MUST_CHECK enum status tx_keys(struct tx *tx, int64_t tenant_id, struct tenant_keys **out);

/* The data key that sealed these bytes, likewise; NULL: the tenant has no such key, or in a system
 * unit its keys are damaged. Not for row functions: it may read keys again. */
MUST_CHECK enum status tx_key_of(struct tx *tx, int64_t tenant_id, str sealed,
                                 const struct seal_key **out);

/* The tenant's keys, made if it has none; as in keyring_take, but it reads them when they are not
 * at hand. Put them back. */
MUST_CHECK enum status store_keys_take(struct store *s, struct call *c, int64_t tenant_id,
                                       struct tenant_keys **out);

/* At the end of the unit. */
void tx_keys_release(struct tx *tx);

/* The kind's row, checked against the scope of the unit: our mistake otherwise. */
const struct record_info *tx_kind(struct tx *tx, enum record_kind kind);

/* Rows that SELECT RECORD_FIELDS returned, made into messages. */
struct record_row {
    struct tx *tx;
    const struct record_info *info;
    ProtobufCMessage *message; /* out: the last one */
    struct uuid id;
    int64_t version;
};
MUST_CHECK enum status record_read(struct record_row *r, const struct sql_value *cols);

/* What tx_update knows of a record, or NULL. */
struct seen *seen_find(struct tx *tx, struct uuid id);
MUST_CHECK enum status seen_put(struct tx *tx, const struct seen *s);
void seen_forget(struct tx *tx, struct uuid id);

/* A change that the trail has to have. What it points to lasts until the unit ends. */
struct audit_change {
    const struct record_info *info;
    struct uuid id;
    str before, after; /* the packed messages as stored; p NULL where there is none */
};
MUST_CHECK enum status audit_note(struct tx *tx, const struct audit_change *change);

/* Writes the entries, as the last thing of a unit. */
MUST_CHECK enum status audit_flush(struct tx *tx);

/* The row id of an id text: the UUID itself, or a digest of a name. */
struct uuid record_id(const struct record_info *info, str id);

/* Etags are 11 characters made of version and id by a one-to-one mixing: opaque, and of no use with
 * another record. */
char *etag_make(struct arena *a, struct uuid id, int64_t version);
bool etag_read(struct arena *a, struct uuid id, str etag, int64_t *version_out);

/* Milliseconds that a UUIDv7 carries, in microseconds. */
int64_t uuid_time_us(struct uuid id);

#endif
