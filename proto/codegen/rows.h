/*
 * rows: one buf.validate rules message as rows of `struct rule`.
 *
 * Works through the descriptor of the rules message: every field that is set must be in the table
 * of known rules or is an error, so no rule is ever dropped in silence.
 */
#ifndef CODEGEN_ROWS_H
#define CODEGEN_ROWS_H

#include "buf/validate/validate.pb-c.h"
#include "model.h"

typedef Buf__Validate__FieldRules FieldRules;

/* Whose rules: for error texts and for what the type of the field allows. */
struct subject {
    struct model *m;
    const struct file *file;
    const struct place *place;
    const char *name; /* "sales.v1.Lead.email" */
    const FieldProto *field;
    bool is_list;       /* the rules are of the list or map, not of an element */
    struct buf *cells;  /* declarations that the rows refer to */
    const char *prefix; /* of identifiers in cells */
};

/* Appends the rows' text to *out and returns how many. `rules` may be NULL: then only rows that
 * every field of its type has. */
size_t emit_rows(const struct subject *s, const FieldRules *rules, struct buf *out);

/* A FieldRules' items, keys and values; NULL when absent. */
const FieldRules *rows_items(const FieldRules *rules);
const FieldRules *rows_keys(const FieldRules *rules);
const FieldRules *rows_values(const FieldRules *rules);

#endif
