/* predicate: one value against one rule. For validate, which knows where the value stands. */
#ifndef SCHEMA_PREDICATE_H
#define SCHEMA_PREDICATE_H

#include "base/call.h"
#include "schema/rules.h"

enum value_kind { VALUE_INT, VALUE_UINT, VALUE_REAL, VALUE_TEXT, VALUE_TIME, VALUE_NONE };

struct value {
    enum value_kind kind;
    union rule_value v;
    const ProtobufCFieldDescriptor *f; /* its type; the member of a wrapper for wrappers */
};

/* The value at p. Timestamp and Duration are times; a wrapper counts as what it wraps. */
struct value value_of(const ProtobufCFieldDescriptor *f, const void *p);

/* <0, 0, >0. NaN is equal to everything here and to nothing for value_equal. */
int value_compare(enum value_kind kind, union rule_value a, union rule_value b);
bool value_equal(enum value_kind kind, union rule_value a, union rule_value b);

bool span_has(struct rule_span span, size_t n);

/* True also for rules of lists as a whole, which are not its business. */
bool rule_holds(const struct call *c, const struct rule *r, const struct value *x);

#endif
