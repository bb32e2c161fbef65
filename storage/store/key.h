/*
 * key: rotation of the keys that seal what is stored. Nothing here stops reads or writes, and
 * nothing changes the version or the etag of a record.
 *
 * A data key lives through three steps, each a unit of work of its tenant:
 *
 *     tx_key_rotate   starts the next one: what is written from the commit on is sealed with it,
 *                     on other servers within half a minute (or as soon as they read such a row)
 *     tx_key_reseal   seals what older keys sealed again, a bounded batch at a time
 *     tx_key_retire   destroys keys that have been replaced for long enough and seal nothing any
 *                     more. What they sealed - old pages, logs, backups - cannot be opened then
 *
 * Master keys wrap data keys and change from outside; see storage/sql/master.h for their file.
 */
#ifndef STORE_KEY_H
#define STORE_KEY_H

#include "store/store.h"

enum {
    KEY_RESEAL_MAX = 256,    /* rows looked at in one batch: a short transaction */
    KEY_REWRAP_MAX = 1000,   /* keys wrapped again in one transaction */
    KEY_GRACE_S = 900,       /* a key replaced for less is not destroyed: other servers may still
                                seal with it for half a minute, and clocks may differ by minutes */
    KEY_COUNT_MAX = 1000000, /* rows counted for people */
    KEY_AGE_DAYS = 365,      /* a key older than this is replaced without being asked */
    KEY_SHRED_S = 86400,     /* erasures of a day share one rotation */
};

/* Starts a new data key; *version_out is its number. Call store_keys_forget after the commit.
 * EXHAUSTED, TENANT_KEYS: too many keys are alive, re-sealing is behind. */
MUST_CHECK enum status tx_key_rotate(struct tx *tx, uint32_t *version_out);

/* Rows of the tenant, of every sealed table, that an older key than the newest sealed; counted up
 * to KEY_COUNT_MAX. Reads that many rows: for read units, which hold nobody up. */
MUST_CHECK enum status tx_key_pending(struct tx *tx, uint64_t *out);

/* Those that any key sealed: what a rotation would have to do. The same bound. */
MUST_CHECK enum status tx_key_sealed(struct tx *tx, uint64_t *out);

/* Where re-sealing has come to; zeroed: at the beginning. Plain data, may be stored. */
struct key_walk {
    uint32_t table; /* of sealed.def */
    struct uuid id; /* the row done last; of the outbox: txid and seq */
    int64_t txid, seq;
    uint64_t resealed, damaged; /* rows so far; damaged ones stay as they are, and keep their key */
    bool is_done;               /* every table has been walked */
};

/* Looks at the next rows, at most limit <= KEY_RESEAL_MAX and at most 8 MB, and seals again what an
 * older key sealed. *walk moves on when the unit succeeds. */
MUST_CHECK enum status tx_key_reseal(struct tx *tx, struct key_walk *walk, size_t limit);

/* Destroys the data keys that were replaced at least grace_s ago and seal nothing; *n_out of them,
 * *n_left older keys stay. Reads all of the tenant's rows when there is one to destroy. */
MUST_CHECK enum status tx_key_retire(struct tx *tx, int64_t grace_s, size_t *n_out, size_t *n_left);

/*
 * What was erased in this unit must not open for long, not from old pages, logs or copies of the
 * database either: notes that the data key is to be replaced. The old one is destroyed when all
 * that was not erased has been sealed anew.
 */
MUST_CHECK enum status tx_key_shred(struct tx *tx);

struct key_state {
    size_t n_live;    /* data keys; more than one: there is something to re-seal or to retire */
    bool has_rotated; /* store_keys_forget after the commit */
};

/* Starts a new data key if there is a reason and no rotation is under way: the key is KEY_AGE_DAYS
 * old, or it is shred_s old and tx_key_shred was called since it was made. One that has sealed 2^31
 * times is replaced in any case, by the unit that finds it so (sql/data_keys.h). */
MUST_CHECK enum status tx_key_tend(struct tx *tx, int64_t shred_s, struct key_state *out);

/* Makes the engine's files forget what was deleted and committed before. SQLite: empties the log
 * into the database, where deleted bytes are overwritten; other writers wait meanwhile. PostgreSQL:
 * nothing; vacuum and the recycling of its log do it. UNAVAILABLE: others read or write; try again.
 */
MUST_CHECK enum status store_scrub(struct store *s, struct call *c);

/* In a system write unit: wraps up to KEY_REWRAP_MAX keys again that another master key wraps than
 * the one that wraps now. *n_out of them; 0: all are done, old master keys may go. */
MUST_CHECK enum status tx_key_rewrap(struct tx *tx, size_t *n_out);

/* Reads the master keys again if their file has changed. PRECONDITION, MASTER_KEY: what is there
 * now lacks a key that is needed; the keys from before stay in use. */
MUST_CHECK enum status store_keys_refresh(struct store *s, struct call *c);

/* The next unit of the tenant reads its keys anew. */
void store_keys_forget(struct store *s, int64_t tenant_id);

#endif
