/* schema_node: what reading a schema and checking an answer share. Not for others. */
#ifndef AI_SCHEMA_NODE_H
#define AI_SCHEMA_NODE_H

#include <jansson.h>

#include "ai/schema.h"

enum schema_type {
    TYPE_OBJECT,
    TYPE_ARRAY,
    TYPE_STRING,
    TYPE_INTEGER,
    TYPE_NUMBER,
    TYPE_BOOLEAN,
    TYPES
};

struct schema {
    json_t *root;  /* was checked: every node has a type, no deeper than SCHEMA_DEPTH_MAX */
    char *dialect; /* owned */
};

/* False: the node names no type, or one that is not known. */
bool schema_type_of(const json_t *node, enum schema_type *out);

/* An array, and nothing but strings in it. */
bool schema_all_strings(const json_t *array);

#endif
