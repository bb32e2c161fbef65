/*
 * audit: the trail of a tenant. The store writes it by itself: whatever changes a record through
 * store.h leaves an entry in the same transaction, so that there is no way around it. Records that
 * are bookkeeping only (store/sql: audit.c names them) leave none. Changes of the service's own
 * records (tenants, API keys) are on the trail of the tenant that they concern.
 *
 *   - tx_insert, tx_update, tx_delete: an entry each with who, by what rule, from where, keyed
 *     digests of the record before and after, the fields changed
 *   - more than AUDIT_SINGLES_MAX of a kind in one unit (imports): one entry for all, with their
 *     number and ids
 *   - tx_audit, for what changes no record: an export, a key rotation, a refusal
 *
 * A digest is HMAC-SHA-256 under a key of the tenant's over the packed record as it is stored: the
 * digest after one change is that before the next, and no entry holds anything personal.
 *
 * Sealing gives entries their place: each tenant's are chained (audit/chain.h) in the order in
 * which they became visible, and the end is signed (audit/checkpoint.h). It runs apart from
 * requests; between the change and the seal, some seconds, an entry is protected by its encryption
 * only.
 */
#ifndef STORE_AUDIT_H
#define STORE_AUDIT_H

#include "audit/checkpoint.h"
#include "store/store.h"

enum {
    AUDIT_SINGLES_MAX = 8,          /* changes of one kind in one unit with an entry each */
    AUDIT_IDS_MAX = 1024,           /* ids in an entry for many, as AuditEntry.record_ids says */
    AUDIT_FIELDS_MAX = 100,         /* as AuditEntry.changed_fields says */
    AUDIT_BATCH_MAX = 500,          /* entries that one unit seals or checks */
    AUDIT_CHECKPOINT_EVERY = 1000,  /* entries between checkpoints that are kept */
    AUDIT_RETENTION_DAYS_MIN = 183, /* nothing younger is ever trimmed */
};

/* The sequence of an entry that is not sealed yet, where lists sort and filter by it. */
#define AUDIT_UNSEALED INT64_MAX

/* Adds an entry about something that changes no record. Of *e are taken: record_kind, record_id,
 * code, changed_fields, record_count, record_ids, reason, and where they are set actor, roles,
 * action, rule, peer, request_id, trace_id, time; what is not set comes from the call. In a system
 * unit it is on the trail of the service (tenant 0). */
MUST_CHECK enum status tx_audit(struct tx *tx, const AuditEntry *e);

/* As tx_audit, on the trail of another tenant than the one that acts: what an operator does to it.
 *
 *   service     of tx_service(), or a system unit
 *   tenant_id   > 0
 */
MUST_CHECK enum status tx_audit_beside(struct tx *service, int64_t tenant_id, const AuditEntry *e);

/* tx_audit, and the entry has its place at once, before whatever still waits for one. The end of
 * the tenant's chain is held until the unit ends: for what is rare and has to name its entry.
 * DATA_LOSS: as tx_audit_seal; the unit may go on, and the entry waits for its place. */
MUST_CHECK enum status tx_audit_placed(struct tx *tx, const AuditEntry *e, uint64_t *sequence_out);

/* A page of entries, as tx_list: filter and order by the columns of records.def. Entries that are
 * not sealed have neither sequence nor chain_mac and sort above all others. */
MUST_CHECK enum status tx_audit_list(struct tx *tx, const struct list_query *q,
                                     struct list_page *out);

/* Seals up to AUDIT_BATCH_MAX entries of the tenant, in a write unit of it. *n_out is how many;
 * when it is AUDIT_BATCH_MAX there may be more. Two sealers of one tenant wait for each other.
 * DATA_LOSS: the end of the chain does not bear the tenant's signature; nothing is sealed on top.
 */
MUST_CHECK enum status tx_audit_seal(struct tx *tx, size_t *n_out);

/* Calls fn(arg, tenant) after the commit of each unit of this process that added entries, on the
 * thread of the unit: it must not block or run units. Set it while no unit runs; NULL: nobody. */
void store_watch_audit(struct store *s, void (*fn)(void *arg, int64_t tenant_id), void *arg);

/* In a system unit: the next tenant above `after` that has entries to seal; -1: none. */
MUST_CHECK enum status tx_audit_waiting(struct tx *tx, int64_t after, int64_t *out);

/* What the trail says about itself. */
struct audit_state {
    unsigned char public_key[AUDIT_PUBLIC_BYTES];
    struct audit_checkpoint head;    /* count 0: nothing is sealed */
    struct audit_checkpoint trimmed; /* count 0: nothing was trimmed */
    uint64_t longest;                /* the largest count of head and checkpoints */
    uint64_t unsealed, beyond;       /* entries not sealed, and numbered above the head */
    AuditProblem problem; /* BAD_SIGNATURE: head or trimmed is forged; count says where */
    uint64_t problem_count;
};
MUST_CHECK enum status tx_audit_state(struct tx *tx, struct audit_state *out);

/* A verification on its way, from a state that is signed. */
struct audit_walk {
    struct audit_chain at;      /* entries up to at.count are right */
    uint64_t until;             /* the last entry to check */
    struct audit_chain ends[2]; /* [n_ends] signed states that the chain must go through */
    size_t n_ends;
    AuditProblem problem; /* what is wrong; 0: nothing so far */
    uint64_t problem_sequence;
};

/* Starts at the last signed state with fewer than `from` entries. `from` and `to` 0: all. */
MUST_CHECK enum status tx_audit_walk(struct tx *tx, const struct audit_state *state, uint64_t from,
                                     uint64_t to, struct audit_walk *out);

/* Checks up to AUDIT_BATCH_MAX entries more: place, content, index columns, MAC, and the
 * checkpoints that it passes. Done when walk->problem is set or walk->at.count == walk->until.
 * Memory is that of one batch: run each in a call of its own. */
MUST_CHECK enum status tx_audit_check(struct tx *tx, struct audit_walk *walk);

/* Retention: notes, signed, that entries from before `before_us` may go (never one younger than
 * AUDIT_RETENTION_DAYS_MIN) and removes up to AUDIT_BATCH_MAX of them, whole checkpoints at a time.
 * *n_out is how many went; repeat until 0. The rest of the chain stays verifiable. */
MUST_CHECK enum status tx_audit_trim(struct tx *tx, int64_t before_us, size_t *n_out);

#endif
