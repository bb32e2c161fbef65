/*
 * rules: validation rules of message fields, as the generator compiles them from buf.validate.
 *
 * Const tables, one row per fact. A row carries its id ("string.min_len") and its wording ("must be
 * at least 1 characters"), both as protovalidate has them; checking one is a single predicate.
 */
#ifndef SCHEMA_RULES_H
#define SCHEMA_RULES_H

#include <protobuf-c/protobuf-c.h>
#include <stdatomic.h>

#include "base/str.h"

/* A point in time or a duration. */
struct rule_time {
    int64_t s;
    int32_t ns;
};

/* Which member counts follows from the type of the field. Enums and bools: i. */
union rule_value {
    int64_t i;
    uint64_t u;
    double d;
    struct rule_time t;
    str s; /* strings and bytes */
};

enum rule_kind {
    RULE_RUNES,        /* span: code points of a string */
    RULE_BYTES,        /* span: bytes of a string or bytes */
    RULE_ITEMS,        /* span: elements of a list, pairs of a map */
    RULE_UNIQUE,       /* of a list of scalars */
    RULE_RANGE,        /* range: numbers, times */
    RULE_FINITE,       /* floats */
    RULE_IN,           /* set */
    RULE_NOT_IN,       /* set */
    RULE_DEFINED_ONLY, /* enums */
    RULE_PREFIX,       /* text */
    RULE_SUFFIX,       /* text */
    RULE_CONTAINS,     /* text */
    RULE_NOT_CONTAINS, /* text */
    RULE_PATTERN,      /* pattern */
    RULE_FORMAT,       /* format; the empty string passes, a RULE_BYTES row refuses it */
    RULE_BEFORE_NOW,   /* timestamps */
    RULE_AFTER_NOW,    /* timestamps */
    RULE_NEAR_NOW,     /* near: timestamps, at most this far away; under 100 years */
    RULE_TIMESTAMP,    /* year 1 to 9999: ours, on every Timestamp, so that sums cannot overflow */
    RULE_DURATION,     /* the same for every Duration */
};

enum rule_format {
    FORMAT_EMAIL,
    FORMAT_HOSTNAME,
    FORMAT_IP,
    FORMAT_IPV4,
    FORMAT_IPV6,
    FORMAT_URI,
    FORMAT_URI_REF,
    FORMAT_ADDRESS, /* hostname or IP */
    FORMAT_UUID,
    FORMAT_TUUID, /* without dashes */
    FORMAT_ULID,
    FORMAT_HOST_AND_PORT,
    FORMAT_BYTES_IP, /* 4 or 16 bytes */
};

struct rule_span {
    uint64_t least, most;
};

enum rule_edge { EDGE_NONE, EDGE_INCLUSIVE, EDGE_EXCLUSIVE };

/* With high below low, the values outside are the legal ones, as in buf.validate. */
struct rule_range {
    enum rule_edge low_edge, high_edge;
    union rule_value low, high;
};

struct rule_set {
    const union rule_value *values; /* [n] */
    size_t n;
};

/* An RE2 pattern. The cell keeps what PCRE2 compiled at first use, for the life of the process. */
struct rule_pattern {
    const char *text;
    _Atomic(void *) *cell;
};

struct rule {
    enum rule_kind kind;
    const char *id, *text;
    union {
        struct rule_span span;
        struct rule_range range;
        struct rule_set set;
        struct rule_pattern pattern;
        struct rule_time near;
        enum rule_format format;
        str part;
    };
};

enum rule_ignore { IGNORE_NEVER, IGNORE_ZERO, IGNORE_ALWAYS };

/* Of one field, or of the elements, keys or values of one. */
struct field_rules {
    unsigned field; /* index in the descriptor's fields */
    bool required;
    enum rule_ignore ignore;
    const struct rule *rules; /* [n_rules] of the field itself */
    size_t n_rules;
    const struct message_rules *message; /* of the message in the field or in each element */
    const struct field_rules *items;     /* of list elements or map values */
    const struct field_rules *keys;      /* of map keys */
};

struct oneof_rules {
    const char *name;
    unsigned field; /* any member: its quantifier is the oneof's case */
};

/* buf.validate.message.oneof: at most one of these fields, or exactly one, is set. */
struct group_rules {
    const char *names;      /* "a, b" */
    const unsigned *fields; /* [n_fields] */
    size_t n_fields;
    bool required;
};

struct message_rules {
    const ProtobufCMessageDescriptor *type;
    const struct field_rules *fields; /* [n_fields] */
    size_t n_fields;
    const struct oneof_rules *oneofs; /* [n_oneofs] those that must be set */
    size_t n_oneofs;
    const struct group_rules *groups; /* [n_groups] */
    size_t n_groups;
};

#endif
