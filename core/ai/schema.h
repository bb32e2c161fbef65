/*
 * schema: what the answer of a model must look like, and whether it does.
 *
 * One JSON Schema per prompt says both what the provider is told and what is checked here. Of the
 * language there is a subset: `type` (one of object, array, string, integer, number, boolean),
 * `properties`, `required`, `additionalProperties` (false, and never missing), `items`, `enum` of
 * texts, `description`, and the bounds `minimum`, `maximum`, `minLength`, `maxLength` (code
 * points), `minItems`, `maxItems`. Anything else is refused when the schema is read.
 *
 * Providers do not know the bounds: for them they become words of the description, and are checked
 * here alone. A model may still refuse, be cut short or be talked into nonsense, so nothing of an
 * answer is used before it has passed.
 */
#ifndef AI_SCHEMA_H
#define AI_SCHEMA_H

#include "base/call.h"

enum {
    SCHEMA_BYTES = 16 << 10,        /* of a schema; ours have 1 kB */
    SCHEMA_DEPTH_MAX = 6,           /* objects and arrays in each other, in schema and answer */
    SCHEMA_ANSWER_BYTES = 64 << 10, /* of an answer that is looked at; ours have 2 kB */
    SCHEMA_PROBLEMS_MAX = 8,        /* a model repairs no more at once */
    SCHEMA_PATH_BYTES = 96,
};

struct schema; /* immutable, thread-safe */

/* INVALID, AI_SCHEMA: not JSON or not of the subset; the text says where. Owned by the caller. */
MUST_CHECK enum status schema_open(struct call *c, str text, struct schema **out);
void schema_close(struct schema *s); /* NULL is allowed */

/* The schema in the provider's dialect, bounds as words; lives as long as s. */
str schema_dialect(const struct schema *s);

/* What is wrong with an answer, in words that hold nothing of the answer: they go back to the model
 * and into logs. */
struct schema_problem {
    char path[SCHEMA_PATH_BYTES]; /* "evidence[2]"; "" for the answer as a whole */
    const char *rule;             /* "is longer than it may be"; static */
};

/* A field of a checked answer. */
struct schema_value {
    str text;         /* strings */
    double number;    /* numbers and integers */
    const str *texts; /* [n_texts] arrays of strings */
    size_t n_texts;
};

/* A checked answer: fields of the top object by name, in c->arena. Others than strings, numbers,
 * booleans (0 or 1) and arrays of strings are in `json` only. */
struct schema_answer {
    str json; /* compact, keys sorted: equal answers are equal bytes */
    struct schema_field {
        const char *name;
        struct schema_value value;
    } * fields; /* [n_fields] */
    size_t n_fields;
};

struct schema_result {
    struct schema_problem problems[SCHEMA_PROBLEMS_MAX];
    size_t n_problems;           /* 0: it passed */
    struct schema_answer answer; /* {0} unless it passed */
};

/* Reads and checks an answer: JSON without duplicate keys, nothing behind it, of the schema, in all
 * bounds. EXHAUSTED: the arena is full. An answer that is wrong is no failure. */
MUST_CHECK enum status schema_check(const struct schema *s, struct call *c, str answer,
                                    struct schema_result *out);

/* The field; NULL: the answer has none of that name. */
const struct schema_value *schema_field(const struct schema_answer *a, const char *name);

#endif
