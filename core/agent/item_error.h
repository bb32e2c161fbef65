/* item_error: why one item of a batch failed, taken from the call so that the batch goes on. */
#ifndef AGENT_ITEM_ERROR_H
#define AGENT_ITEM_ERROR_H

#include "base/call.h"
#include "sales/v1/common.h"

/*
 * Moves the call's fault into an ItemError in its arena and clears it. Violations keep their paths
 * without the prefix ("lead."). NULL when the arena is full; the fault then says so.
 */
ItemError *item_error_take(struct call *c, str prefix);

/* May the batch go on after this? False for what ends the whole call: cancelled, deadline, store.
 */
bool item_error_is_own(enum status s);

#endif
