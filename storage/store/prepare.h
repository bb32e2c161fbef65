/*
 * prepare: the work of an insert that needs no transaction, done before the unit. Packing, sealing
 * and keyed digests cost as much as half of what the engine does, and an engine with one writer
 * does nothing else meanwhile; an import prepares a batch on its own thread while the batch of
 * another one is written:
 *
 *     static enum status ready_rows(struct call *c, struct tx *tx, void *arg)
 *     {
 *         struct batch *b = arg;
 *
 *         TRY(tx_prepare_find(tx, LEAD_BY_email, b->email));
 *         return tx_prepare_insert(tx, RECORD_LEAD, &b->lead->base, EVENT_LEAD_CREATED, &b->ready);
 *     }
 *
 *     TRY(store_prepare(store, c, ready_rows, b, &b->preparation));
 *     TRY(store_run(store, c, STORE_WRITE, rows_unit, b));
 *
 * and in rows_unit tx_use_prepared, tx_find_ids and, for what turns out to be new,
 * tx_insert_prepared. Nothing is decided in advance: what is prepared and not inserted is nothing.
 */
#ifndef STORE_PREPARE_H
#define STORE_PREPARE_H

#include "store/store.h"

struct preparation; /* what several rows share */
struct prepared;    /* one record and its event */

/* Runs fn at once, without a transaction: only the tx_prepare functions may be called with its tx.
 * What they make lives in the arena of c, for units of c. The failures of store_run when keys must
 * be read. */
MUST_CHECK enum status store_prepare(struct store *s, struct call *c, store_unit_fn fn, void *arg,
                                     struct preparation **out);

/* A value that tx_find_ids will look up. */
MUST_CHECK enum status tx_prepare_find(struct tx *tx, enum record_column column, str value);

/* What tx_insert of *m and then tx_event (type `event`, about it and with it as data) will need.
 * Sets in *m what tx_insert sets. */
MUST_CHECK enum status tx_prepare_insert(struct tx *tx, enum record_kind kind, ProtobufCMessage *m,
                                         const char *event, struct prepared **out);

/* First in each run of the unit. */
void tx_use_prepared(struct tx *tx, const struct preparation *p);

/* tx_insert (or tx_insert_copy: is_copy) and tx_event of what was prepared; fails as they do. Does
 * the work again if the tenant's keys were read anew since. At most once in a run of the unit. */
MUST_CHECK enum status tx_insert_prepared(struct tx *tx, const struct prepared *p, bool is_copy);

#endif
