/* record_info: records.def as tables, with every path resolved to a place in its message. */
#ifndef STORE_RECORD_INFO_H
#define STORE_RECORD_INFO_H

#include <protobuf-c/protobuf-c.h>

#include "base/str.h"
#include "store/kinds.h"

enum record_scope { SCOPE_TENANT, SCOPE_SYSTEM };

enum column_type {
    COLUMN_INT,
    COLUMN_ENUM,
    COLUMN_BOOL,
    COLUMN_TIME,
    COLUMN_TEXT,
    COLUMN_ID,
    COLUMN_BLIND,
    COLUMN_TAGS,
    COLUMN_MANY,
};

enum column_flag {
    COLUMN_UNIQUE = 1,
    COLUMN_DEDUPE = 2,
    COLUMN_FILTER = 4,
    COLUMN_ORDER = 8,
    COLUMN_MAIL = 16,  /* compared as a mailbox: case, tags and dots do not count */
    COLUMN_PHONE = 32, /* compared as a line: an extension does not count */
};

/* What an ORDER column of numbers holds for a missing value: below every real one. */
#define COLUMN_MISSING INT64_MIN

enum { FIELD_PATH_STEPS = 4 };

/* A field inside a message: sub-messages, then the field itself. */
struct field_path {
    const ProtobufCFieldDescriptor *steps[FIELD_PATH_STEPS];
    size_t n;
};

struct column_info {
    enum record_kind kind;
    enum column_type type;
    unsigned flags; /* enum column_flag */
    const char *name;
    struct field_path path;
};

struct record_info {
    enum record_kind kind;
    enum record_scope scope;
    const char *table;
    const char *order; /* default order_by */
    const ProtobufCMessageDescriptor *descriptor;
    const struct column_info *columns; /* [n_columns], in the order of records.def */
    size_t n_columns;
    const struct field_path *words; /* [n_words] */
    size_t n_words;
    bool has_dedupe;      /* some column is DEDUPE: the table has a column `copy` */
    struct field_path id; /* never empty */
    struct field_path etag, create_time, update_time; /* n == 0: the message has none */
};

/* Asserts that kind is one of records.def; the answer lives as long as the process. */
const struct record_info *record_info(enum record_kind kind);
const struct column_info *column_info(enum record_column column);

/* The kind stored in `table`, or RECORD_NONE. */
enum record_kind record_kind_of(str table);

/* The column's place in record_info()->columns. */
size_t column_index(enum record_column column);

/* A field as read from a message. */
struct field_value {
    bool is_set;             /* no parent message is missing, and a text or message is not empty */
    int64_t number;          /* INT, ENUM, BOOL; TIME: microseconds, out-of-range clipped */
    str text;                /* TEXT, ID, BLIND: borrows from the message */
    const char *const *tags; /* TAGS: [n_tags], borrows */
    size_t n_tags;
};

struct field_value field_read(const ProtobufCMessage *m, const struct field_path *path);

/* The texts of a TAGS or MANY column, in *out: the first max of them, empty ones left out; borrows.
 * Returns how many. */
size_t field_texts(const ProtobufCMessage *m, const struct field_path *path, str *out, size_t max);

/* Sets a text field to `text`, borrowed. False: its parent message is missing. */
bool field_set_text(ProtobufCMessage *m, const struct field_path *path, char *text);

/* Sets a Timestamp field to `us`, stored in *t, borrowed. False: its parent message is missing. */
struct Google__Protobuf__Timestamp;
bool field_set_time(ProtobufCMessage *m, const struct field_path *path,
                    struct Google__Protobuf__Timestamp *t, int64_t us);

/* The number of an enumerator of the column's enum by full name ("LEAD_STATUS_NEW") or by its own
 * part ("NEW"), in either case. False: there is none. */
bool column_enum_number(const struct column_info *column, str name, int64_t *out);

#endif
