/* operand: what a name in a filter or an order stands for, and how values beside it are read. */
#ifndef STORE_OPERAND_H
#define STORE_OPERAND_H

#include "store/record_info.h"

/* A column of the kind, or one that every kind has. */
struct operand {
    const char *name; /* SQL name */
    enum column_type type;
    unsigned flags;                 /* enum column_flag */
    const struct column_info *info; /* NULL: create_time, update_time */
};

/* The operand with this name and all of these flags. False: there is none. */
bool operand_find(const struct record_info *info, str name, unsigned flags, struct operand *out);

/* Where its value is in a message of the kind; n == 0: the message does not have it. */
const struct field_path *operand_path(const struct record_info *info, const struct operand *o);

/* The number that a filter's value stands for; 0 for texts. Not NULL: what was expected instead. */
const char *operand_read(const struct operand *o, str value, int64_t *out);

/* RFC 3339 time or date ("2026-01-31"), as microseconds since 1970. */
bool time_parse(str text, int64_t *us_out);

#endif
