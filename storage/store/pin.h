/*
 * pin: what a unit only reads, and relies on. Units do not see each other's changes (snapshots), so
 * two that each read what the other writes can both commit: a note is filed under a lead that is
 * erased meanwhile, and stays. A unit that pins the lead cannot.
 */
#ifndef STORE_PIN_H
#define STORE_PIN_H

#include "store/store.h"

/*
 * Whoever changes or deletes the record, from when this unit began until it ends, and this unit:
 * one of the two runs again and sees the other's work. The record, its version and its etag stay.
 * In write units, of records that were read.
 *
 * Cost: on PostgreSQL a new copy of the row, and no round trip of its own; nothing where one unit
 * writes at a time.
 */
MUST_CHECK enum status tx_pin(struct tx *tx, enum record_kind kind, str id);

#endif
