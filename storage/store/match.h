/*
 * match: does a message satisfy a filter? The same language and the same meaning of missing values
 * as in lists, for records that are at hand, e.g. in events.
 */
#ifndef STORE_MATCH_H
#define STORE_MATCH_H

#include <protobuf-c/protobuf-c.h>

#include "base/call.h"
#include "store/kinds.h"

struct record_match; /* a filter, checked and ready; in the arena of the call that made it */

/* INVALID with a violation of `filter`: what a list of the kind would refuse, too. */
MUST_CHECK enum status record_match_new(struct call *c, enum record_kind kind, str filter,
                                        struct record_match **out);

/* m is of the kind's message type. */
bool record_match_test(const struct record_match *match, const ProtobufCMessage *m);

#endif
