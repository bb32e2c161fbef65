/* kinds: the names of what is stored, made from records.def. */
#ifndef STORE_KINDS_H
#define STORE_KINDS_H

/* RECORD_LEAD, RECORD_DEAL, ... The numbers are not stored anywhere. */
enum record_kind {
    RECORD_NONE,
#define RECORD(kind, table, ctype, descriptor, scope, id_path, order) RECORD_##kind,
#define COLUMN(kind, column, type, path, flags)
#define WORDS(kind, path)
#include "store/records.def"
#undef RECORD
#undef COLUMN
#undef WORDS
    RECORD_KINDS, /* one more than the last kind */
};

/* LEAD_BY_email, DEAL_BY_stage, ...: a column names its kind too. */
enum record_column {
    COLUMN_NONE,
#define RECORD(kind, table, ctype, descriptor, scope, id_path, order)
#define COLUMN(kind, column, type, path, flags) kind##_BY_##column,
#define WORDS(kind, path)
#include "store/records.def"
#undef RECORD
#undef COLUMN
#undef WORDS
    RECORD_COLUMNS,
};

#endif
