/*
 * filter: the language of `filter` in lists, a subset of AIP-160, parsed into a tree. Pure: knows
 * no columns, does no I/O; what a name or value means is decided where the tree is compiled.
 *
 *     stage = "proposal" AND (score >= 80 OR NOT owner_id:*) AND -tags:"cold"
 *
 *     expression  factor { AND factor }         OR binds tighter than AND, as AIP-160 says
 *     factor      term { OR term }
 *     term        [ NOT | - ] ( "(" expression ")" | name operator value )
 *     operator    =  !=  <  <=  >  >=  :        `:` is "has"; `name:*` is "is set"
 *     value       "text" or 'text' with \" \' \\ escapes, or a bare word of [A-Za-z0-9_.+-:*]
 *
 * Bounds: FILTER_BYTES_MAX, FILTER_TERMS_MAX comparisons, FILTER_DEPTH_MAX nested parentheses.
 */
#ifndef STORE_FILTER_H
#define STORE_FILTER_H

#include "base/arena.h"

enum { FILTER_DEPTH_MAX = 16 }; /* people write two */

enum filter_kind { FILTER_AND, FILTER_OR, FILTER_NOT, FILTER_TERM };

enum filter_op { FILTER_EQ, FILTER_NE, FILTER_LT, FILTER_LE, FILTER_GT, FILTER_GE, FILTER_HAS };

struct filter {
    enum filter_kind kind;
    const struct filter *left, *right; /* NOT has only left; TERM none */
    enum filter_op op;                 /* TERM, like all that follows */
    str name, value;                   /* borrow from the text or the arena */
    bool quoted;                       /* the value was in quotes: `*` is a character then */
    size_t column;                     /* place of the name in the text, from 1 */
    size_t value_column;
};

struct filter_error {
    size_t column;   /* where, from 1 */
    const char *why; /* static */
};

/* Parses text; an empty or blank one gives *out = NULL. False: *error says where and why. */
MUST_CHECK bool filter_parse(struct arena *a, str text, const struct filter **out,
                             struct filter_error *error);

#endif
