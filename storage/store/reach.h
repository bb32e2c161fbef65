/*
 * reach: c->reach, applied to every read and write of records that have an owner.
 *
 * A kind with columns owner_id and team_id is owned; a kind with lead_id or deal_id and no owner
 * (an activity) is as its lead or its deal. The other kinds are everybody's. For the caller of a
 * unit:
 *
 *     tx_get, tx_find, tx_get_many   what is not in reach.see is NOT_FOUND, or NULL
 *     tx_list, tx_group              leave it out
 *     tx_insert, tx_update, tx_delete   DENIED (OUT_OF_REACH, metadata rule) when the record is not
 *                                    in reach.act, or would not be in reach.assign afterwards
 *     tx_find_ids                    ids only, of all
 *
 * There is no way around but this one, for context that the answer does not show (the other leads
 * of a company, for a score) and for what follows from a change (a deal tells its lead):
 */
#ifndef STORE_REACH_H
#define STORE_REACH_H

#include "store/store.h"

/* Between the two the unit deals with all records of the tenant. They nest. A unit that fails in
 * between need not narrow. */
void tx_widen(struct tx *tx);
void tx_narrow(struct tx *tx);

/* Whether the record is in reach.see of the call; for copies that come another way (events). An
 * activity is not, unless everything is. */
MUST_CHECK bool reach_sees(const struct call *c, enum record_kind kind, const ProtobufCMessage *m);

#endif
