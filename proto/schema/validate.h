/* validate: checks a message against the rules of its .proto. */
#ifndef SCHEMA_VALIDATE_H
#define SCHEMA_VALIDATE_H

#include "base/call.h"
#include "schema/rules.h"

/*
 * Finds every violation at once, with protovalidate's meaning, and adds each to the call's fault:
 * type = rule id, subject = field path (`lead.emails[2].address`, `attributes["k"]`), text = the
 * rule's wording. Field values never get into a text; map keys, cut short, are part of paths.
 *
 *   r   NULL: anything goes
 *   m   as wire_unpack returns it
 *
 * Cost: one pass. A pattern is compiled at its first use and matched with PCRE2 under a step limit;
 * over the limit counts as a violation. Thread-safe.
 * INVALID, reason VALIDATION: there are violations. EXHAUSTED: the arena is full.
 */
MUST_CHECK enum status validate(struct call *c, const struct message_rules *r,
                                const ProtobufCMessage *m);

#endif
