/* config_table: the rows of config.def as data, shared by the parser and the documentation. */
#ifndef SERVER_CONFIG_TABLE_H
#define SERVER_CONFIG_TABLE_H

#include "server/config.h"

enum config_type {
    CONFIG_TEXT,
    CONFIG_SECRET,
    CONFIG_COUNT,
    CONFIG_BYTES,
    CONFIG_TIME,
    CONFIG_BOOL,
    CONFIG_LEVEL,
    CONFIG_ROLES,
    CONFIG_TITLE, /* a heading, no setting */
};

struct config_row {
    enum config_type type;
    size_t offset; /* of the value in struct config */
    const char *name, *env, *initial;
    int64_t min, max;
    const char *unit, *doc; /* doc of a heading: its title */
};

extern const struct config_row config_rows[];
extern const size_t config_n_rows;

enum { CONFIG_NAME_MAX = 48, CONFIG_WHY_BYTES = 160 };

/* The name with dashes, as the flag spells it. */
void config_flag(const struct config_row *row, char out[CONFIG_NAME_MAX]);

/* The row that a flag (without its dashes) or a variable names; the file forms of secrets set
 * *is_file. config_n_rows: none. */
size_t config_find(str s, bool is_flag, bool *is_file);

/* Parses text into the row's field. False: why says what is wrong, without repeating a secret. */
MUST_CHECK bool config_set(const struct config_row *row, const char *text, struct config *out,
                           char why[CONFIG_WHY_BYTES]);

#endif
