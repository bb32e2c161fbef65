/* audit: what the writer, the sealer and the verifier of the trail share. Private to this layer. */
#ifndef SQL_AUDIT_H
#define SQL_AUDIT_H

#include "sql/tx.h"
#include "store/audit.h"

/* The tenant's keys for its trail, derived from its index key, which stays for its whole life: like
 * that one they are wrapped by the master key and survive every rotation. Wipe after use. */
struct audit_keys {
    struct seal_key record;                 /* digests of records */
    unsigned char chain[AUDIT_KEY_BYTES];   /* MACs */
    unsigned char signer[AUDIT_SEED_BYTES]; /* Ed25519 seed */
};
void audit_keys_derive(const struct tenant_keys *k, struct audit_keys *out);

/* Entries of this kind cannot be asked for by a caller: how they are stored. */
struct seal_place audit_place(int64_t tenant_id, struct uuid id);

/* The chain's end or an earlier checkpoint as stored; columns: count, time, mac, digest, signature.
 * False: a column does not have its length. */
bool audit_checkpoint_of(const struct sql_value *cols, enum audit_statement says,
                         struct audit_checkpoint *out);

/* One checkpoint at most; out->chain.count is 0 when there is none. A damaged one has a signature
 * that does not hold. */
MUST_CHECK enum status audit_read_checkpoint(struct tx *tx, const struct sql_statement *s,
                                             enum audit_statement says,
                                             struct audit_checkpoint *out);
#define AUDIT_CHECKPOINT_FIELDS "count, time, mac, digest, signature"

/* The last of those that are kept. */
MUST_CHECK enum status audit_last_checkpoint(struct tx *tx, enum audit_statement says,
                                             struct audit_checkpoint *out);
MUST_CHECK enum status audit_store_checkpoint(struct tx *tx, const struct audit_checkpoint *p);

/* Gives one entry of this unit, which need not be flushed yet, its place. */
MUST_CHECK enum status audit_seal_one(struct tx *tx, struct uuid id, uint64_t *sequence_out);

/* The chain's end. */
MUST_CHECK enum status audit_read_head(struct tx *tx, struct audit_checkpoint *out);

#endif
