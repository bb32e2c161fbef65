/* cancel: the inside of sales_cancel. Calls under way hang in a list, so that firing reaches them.
 */
#ifndef CLIENT_CANCEL_H
#define CLIENT_CANCEL_H

#include <grpc/grpc.h>
#include <stdbool.h>

#include "client/sales.h"

/* One call under way; part of the exchange that owns it. */
struct cancel_node {
    grpc_call *call;
    struct cancel_node *next, *prev;
};

/* From now on until detach, firing cancels the call; it is cancelled at once when already fired.
 * `cancel` may be NULL in all of these. */
void cancel_attach(struct sales_cancel *cancel, struct cancel_node *node, grpc_call *call);
void cancel_detach(struct sales_cancel *cancel, struct cancel_node *node);

/* Sleeps. False: fired before the time was over. */
bool cancel_sleep_ms(struct sales_cancel *cancel, int64_t ms);

#endif
