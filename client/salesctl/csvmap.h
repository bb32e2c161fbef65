/*
 * csvmap: which columns of a CSV file fill in which fields of a lead. A mapping file has one line
 * per field; '#' starts a comment:
 *
 *     external_id         = "crm-" id                  texts and columns, joined
 *     full_name           = [First Name] " " [Last Name]   a name with blanks stands in brackets
 *     seniority           = level | boss: c_level, "team lead": manager, *: staff
 *     phone               = phone | n/a: , -:          "from: nothing" leaves the field empty
 *     attributes.plan     = plan
 *     source              = "fair 2026"                the same for every row
 *
 * A column that is empty empties the field, whatever is joined with it. Behind '|' values are
 * replaced; without a '*' other values stay as they are. Columns that no line names are ignored.
 */
#ifndef SALESCTL_CSVMAP_H
#define SALESCTL_CSVMAP_H

#include "base/arena.h"

enum {
    CSVMAP_LINES_MAX = 200,
    CSVMAP_PARTS_MAX = 8,   /* texts and columns of one line */
    CSVMAP_VALUES_MAX = 64, /* replacements of one line */
    CSVMAP_VALUE_BYTES = 4096,
};

struct csvmap_part {
    str text;      /* the literal, or the column's name */
    size_t column; /* bound by csvmap_bind; SIZE_MAX: a literal */
    bool is_column;
};

struct csvmap_value {
    str from; /* "*": any other */
    str to;
};

struct csvmap_line {
    const char *path; /* of the lead: "company.name" */
    struct csvmap_part parts[CSVMAP_PARTS_MAX];
    struct csvmap_value *values; /* [n_values] */
    size_t n_parts, n_values;
};

struct csvmap {
    struct csvmap_line *lines; /* [n_lines] */
    size_t n_lines;
};

/* Parses the text of a mapping. Everything lives in `a` and borrows from text. False: *why says
 * which line is wrong and how. */
MUST_CHECK bool csvmap_parse(struct arena *a, str text, struct csvmap *out, const char **why);

/* A mapping for columns that are named like the fields they fill in. */
MUST_CHECK bool csvmap_of_header(struct arena *a, const str *titles, size_t n, struct csvmap *out);

/* Finds the columns by their titles. False: *why names one that the header lacks. */
MUST_CHECK bool csvmap_bind(struct arena *a, struct csvmap *m, const str *titles, size_t n,
                            const char **why);

/* The value of a line for a row, in `a` or borrowed; empty: leave the field alone. *column is that
 * of the first column in it, SIZE_MAX without one. */
str csvmap_value(const struct csvmap_line *line, struct arena *a, const str *cells, size_t n_cells,
                 size_t *column);

#endif
