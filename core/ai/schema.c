/* Reading a schema: one walk as deep as it may be. Keywords and types are rows. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "ai/schema_node.h"
#include "base/banned.h"
#include "base/buf.h"

static const char *const type_names[TYPES] = {"object",  "array",  "string",
                                              "integer", "number", "boolean"};

#define T(type) (1U << TYPE_##type)
#define T_ANY   ((1U << TYPES) - 1)

/* clang-format off */
static const struct keyword {
    const char *name;
    unsigned types;    /* of the schemas that may have it */
    const char *words; /* for providers, around a number; NULL: they know the keyword */
    const char *unit;
} keywords[] = {
    {"type",                 T_ANY,                  NULL, ""},
    {"description",          T_ANY,                  NULL, ""},
    {"properties",           T(OBJECT),              NULL, ""},
    {"required",             T(OBJECT),              NULL, ""},
    {"additionalProperties", T(OBJECT),              NULL, ""},
    {"items",                T(ARRAY),               NULL, ""},
    {"enum",                 T(STRING),              NULL, ""},
    {"minimum",              T(INTEGER) | T(NUMBER), "at least ", ""},
    {"maximum",              T(INTEGER) | T(NUMBER), "at most ", ""},
    {"minLength",            T(STRING),              "at least ", " characters"},
    {"maxLength",            T(STRING),              "at most ", " characters"},
    {"minItems",             T(ARRAY),               "at least ", " items"},
    {"maxItems",             T(ARRAY),               "at most ", " items"},
};
/* clang-format on */

enum { KEYWORDS = sizeof keywords / sizeof *keywords };

bool schema_type_of(const json_t *node, enum schema_type *out)
{
    const char *name = json_string_value(json_object_get(node, "type"));

    for (enum schema_type t = 0; name && t < TYPES; t++)
        if (!strcmp(name, type_names[t])) {
            *out = t;
            return true;
        }
    return false;
}

static const struct keyword *keyword_of(const char *name)
{
    for (size_t i = 0; i < KEYWORDS; i++)
        if (!strcmp(keywords[i].name, name))
            return &keywords[i];
    return NULL;
}

static enum status bad(struct call *c, const char *what)
{
    return call_fail_as(c, STATUS_INVALID, "AI_SCHEMA", "the schema of a prompt: %s", what);
}

bool schema_all_strings(const json_t *array)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (!json_is_string(json_array_get(array, i)))
            return false;
    return json_array_size(array) > 0;
}

static bool required_exist(const json_t *node)
{
    const json_t *required = json_object_get(node, "required");

    if (!required)
        return true;
    if (!schema_all_strings(required))
        return false;
    for (size_t i = 0; i < json_array_size(required); i++)
        if (!json_object_get(json_object_get(node, "properties"),
                             json_string_value(json_array_get(required, i))))
            return false;
    return true;
}

static enum status node_check(struct call *c, const json_t *node)
{
    const json_t *values = json_object_get(node, "enum");
    const char *key;
    json_t *value;
    enum schema_type t;

    if (!json_is_object(node) || !schema_type_of(node, &t))
        return bad(c, "a part without a type of the subset");
    json_object_foreach((json_t *)node, key, value)
    {
        const struct keyword *k = keyword_of(key);

        if (!k || !(k->types & 1U << t))
            return bad(c, "a keyword that the subset does not have there");
        if (k->words && !json_is_number(value))
            return bad(c, "a bound that is no number");
    }
    if (values && !schema_all_strings(values))
        return bad(c, "an enum of something else than texts");
    if (t == TYPE_OBJECT && (!json_is_false(json_object_get(node, "additionalProperties")) ||
                             !json_is_object(json_object_get(node, "properties"))))
        return bad(c, "an object without properties or additionalProperties false");
    if (t == TYPE_OBJECT && !required_exist(node))
        return bad(c, "required names a property that is not there");
    return STATUS_OK;
}

/* Bounded by SCHEMA_DEPTH_MAX, not by what is read. */
static enum status tree_check(struct call *c, const json_t *node,
                              int depth) // NOLINT(misc-no-recursion)
{
    const json_t *items = json_object_get(node, "items");
    const char *key;
    json_t *value;

    if (depth > SCHEMA_DEPTH_MAX)
        return bad(c, "too deep");
    TRY(node_check(c, node));
    json_object_foreach(json_object_get(node, "properties"), key, value)
        TRY(tree_check(c, value, depth + 1));
    if (items)
        return tree_check(c, items, depth + 1);
    return STATUS_OK;
}

/* Takes the bounds out of a node and says them in its description. */
static bool node_translate(struct arena *a, json_t *node)
{
    const char *description = json_string_value(json_object_get(node, "description"));
    struct buf b;
    bool has_words = false;

    buf_init(&b, a, SCHEMA_BYTES);
    buf_put(&b, str_of(description));
    for (size_t i = 0; i < KEYWORDS; i++) {
        const json_t *bound = json_object_get(node, keywords[i].name);

        if (!keywords[i].words || !bound)
            continue;
        buf_put(&b, has_words ? STR(", ") : b.n ? STR("; ") : STR(""));
        buf_printf(&b, "%s%.10g%s", keywords[i].words, json_number_value(bound), keywords[i].unit);
        json_object_del(node, keywords[i].name);
        has_words = true;
    }
    return buf_ok(&b) &&
           (!has_words || !json_object_set_new(node, "description", json_stringn(b.p, b.n)));
}

static bool tree_translate(struct arena *a, json_t *node) // NOLINT(misc-no-recursion)
{
    json_t *items = json_object_get(node, "items"), *value;
    const char *key;

    if (!node_translate(a, node))
        return false;
    json_object_foreach(json_object_get(node, "properties"), key,
                        value) if (!tree_translate(a, value)) return false;
    return !items || tree_translate(a, items);
}

enum status schema_open(struct call *c, str text, struct schema **out)
{
    struct schema *s;
    json_t *copy;
    enum status status;

    *out = NULL;
    if (text.n == 0 || text.n > SCHEMA_BYTES)
        return bad(c, "empty or too long");
    s = calloc(1, sizeof *s);
    if (!s)
        return call_nomem(c);
    s->root = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, NULL);
    status = s->root ? tree_check(c, s->root, 1) : bad(c, "not JSON");
    copy = status == STATUS_OK ? json_deep_copy(s->root) : NULL;
    if (copy && tree_translate(&c->arena, copy))
        s->dialect = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(copy);
    if (status == STATUS_OK && !s->dialect)
        status = call_nomem(c);
    if (status != STATUS_OK) {
        schema_close(s);
        return status;
    }
    *out = s;
    return STATUS_OK;
}

void schema_close(struct schema *s)
{
    if (!s)
        return;
    json_decref(s->root);
    free(s->dialect);
    free(s);
}

str schema_dialect(const struct schema *s)
{
    return str_of(s->dialect);
}
