/* Two walks, each as deep as a schema may be: one over the schema when it is read, one over an
 * answer beside its schema. Keywords and types are rows. */
#include "ai/schema.h"

#include <assert.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"
#include "base/buf.h"

struct schema {
    json_t *root;
    char *dialect; /* owned */
};

enum type { TYPE_OBJECT, TYPE_ARRAY, TYPE_STRING, TYPE_INTEGER, TYPE_NUMBER, TYPE_BOOLEAN, TYPES };

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

static bool type_of(const json_t *node, enum type *out)
{
    const char *name = json_string_value(json_object_get(node, "type"));

    for (enum type t = 0; name && t < TYPES; t++)
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

/* Reading a schema. */

static enum status bad(struct call *c, const char *what)
{
    return call_fail_as(c, STATUS_INVALID, "AI_SCHEMA", "the schema of a prompt: %s", what);
}

static bool all_strings(const json_t *array)
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
    if (!all_strings(required))
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
    enum type t;

    if (!json_is_object(node) || !type_of(node, &t))
        return bad(c, "a part without a type of the subset");
    json_object_foreach((json_t *)node, key, value)
    {
        const struct keyword *k = keyword_of(key);

        if (!k || !(k->types & 1U << t))
            return bad(c, "a keyword that the subset does not have there");
        if (k->words && !json_is_number(value))
            return bad(c, "a bound that is no number");
    }
    if (values && !all_strings(values))
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

/* Checking an answer. */

struct check {
    struct schema_problem *problems;
    size_t n;
};

/* Where in an answer; names are of the schema, never of the answer. */
struct place {
    char text[SCHEMA_PATH_BYTES];
};

static void report(struct check *k, const struct place *at, const char *rule)
{
    struct schema_problem *p = &k->problems[k->n];

    if (k->n == SCHEMA_PROBLEMS_MAX)
        return;
    memcpy(p->path, at->text, sizeof p->path);
    p->rule = rule;
    k->n++;
}

static bool is_of_type(const json_t *v, enum type t)
{
    switch (t) {
    case TYPE_OBJECT: return json_is_object(v);
    case TYPE_ARRAY: return json_is_array(v);
    case TYPE_STRING: return json_is_string(v);
    case TYPE_INTEGER: return json_is_integer(v);
    case TYPE_NUMBER: return json_is_number(v);
    case TYPE_BOOLEAN: return json_is_boolean(v);
    case TYPES: break;
    }
    return false;
}

/* Numbers by value, strings by code points, arrays by items. */
static double size_of(const json_t *v)
{
    if (json_is_string(v))
        return (double)str_n_runes((str){json_string_value(v), json_string_length(v)});
    return json_is_array(v) ? (double)json_array_size(v) : json_number_value(v);
}

static void check_bounds(struct check *k, const struct place *at, const json_t *node,
                         const json_t *v)
{
    static const char *const lows[] = {"minimum", "minLength", "minItems"}, *const highs[] = {
                                                                                "maximum",
                                                                                "maxLength",
                                                                                "maxItems"};
    double size = size_of(v);

    for (size_t i = 0; i < 3; i++) {
        const json_t *low = json_object_get(node, lows[i]), *high = json_object_get(node, highs[i]);

        if (low && size < json_number_value(low))
            report(k, at, "is below its bound");
        if (high && !(size <= json_number_value(high)))
            report(k, at, "is above its bound");
    }
}

static bool is_listed(const json_t *values, const json_t *v)
{
    for (size_t i = 0; i < json_array_size(values); i++)
        if (json_equal(json_array_get(values, i), v))
            return true;
    return false;
}

static void check_keys(struct check *k, const struct place *at, const json_t *node, const json_t *v)
{
    const json_t *properties = json_object_get(node, "properties"),
                 *required = json_object_get(node, "required");
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)v, key, value)
    {
        if (json_object_get(properties, key))
            continue;
        report(k, at, "has a property that the schema does not have");
        break;
    }
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        struct place below;

        snprintf(below.text, sizeof below.text, "%.40s%s%.50s", at->text, *at->text ? "." : "",
                 name);
        if (!json_object_get(v, name))
            report(k, &below, "is missing");
    }
}

/* As deep as the schema, which is bounded. */
static void check_value(struct check *k, const struct place *at, const json_t *node,
                        const json_t *v) // NOLINT(misc-no-recursion)
{
    const json_t *values = json_object_get(node, "enum"), *items = json_object_get(node, "items");
    struct place below;
    const char *key;
    json_t *child;
    enum type t;

    if (!type_of(node, &t) || !is_of_type(v, t)) {
        report(k, at, "is of another type");
        return;
    }
    if (values && !is_listed(values, v))
        report(k, at, "is none of the allowed values");
    if (t != TYPE_OBJECT && t != TYPE_BOOLEAN)
        check_bounds(k, at, node, v);
    if (t == TYPE_OBJECT)
        check_keys(k, at, node, v);
    json_object_foreach(json_object_get(node, "properties"), key, child)
    {
        const json_t *member = json_object_get(v, key);

        snprintf(below.text, sizeof below.text, "%.40s%s%.50s", at->text, *at->text ? "." : "",
                 key);
        if (member)
            check_value(k, &below, child, member);
    }
    for (size_t i = 0; items && i < json_array_size(v) && k->n < SCHEMA_PROBLEMS_MAX; i++) {
        snprintf(below.text, sizeof below.text, "%.60s[%zu]", at->text, i);
        check_value(k, &below, items, json_array_get(v, i));
    }
}

/* Brackets outside of strings: the parser would follow them as deep as they go. */
static bool is_flat(str text)
{
    int depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.n; i++) {
        char ch = text.p[i];

        if (in_string && ch == '\\')
            i++;
        else if (ch == '"')
            in_string = !in_string;
        else if (!in_string && (ch == '{' || ch == '['))
            depth++;
        else if (!in_string && (ch == '}' || ch == ']'))
            depth--;
        if (depth > SCHEMA_DEPTH_MAX)
            return false;
    }
    return true;
}

static str copy_string(struct arena *a, const json_t *v)
{
    return arena_str(a, (str){json_string_value(v), json_string_length(v)});
}

static bool take_texts(struct arena *a, const json_t *v, struct schema_value *out)
{
    str *texts = NEW(a, str, json_array_size(v) + 1);

    if (!texts)
        return false;
    for (size_t i = 0; i < json_array_size(v); i++) {
        texts[i] = copy_string(a, json_array_get(v, i));
        if (!texts[i].p)
            return false;
    }
    *out = (struct schema_value){.texts = texts, .n_texts = json_array_size(v)};
    return true;
}

static bool take_value(struct arena *a, const json_t *v, struct schema_value *out)
{
    *out = (struct schema_value){0};
    if (json_is_string(v)) {
        out->text = copy_string(a, v);
        return out->text.p != NULL;
    }
    if (all_strings(v))
        return take_texts(a, v, out);
    out->number = json_is_boolean(v) ? json_is_true(v) : json_number_value(v);
    return true;
}

static bool take_answer(struct arena *a, const json_t *v, struct schema_answer *out)
{
    size_t flags = JSON_COMPACT | JSON_SORT_KEYS, n = json_dumpb(v, NULL, 0, flags);
    char *text = arena_take(a, n + 1);
    const char *key;
    json_t *value;

    *out = (struct schema_answer){0};
    out->fields = NEW(a, struct schema_field, json_object_size(v) + 1);
    if (!text || !out->fields || json_dumpb(v, text, n, flags) != n)
        return false;
    text[n] = '\0';
    out->json = (str){text, n};
    json_object_foreach((json_t *)v, key, value)
    {
        struct schema_field *f = &out->fields[out->n_fields++];

        f->name = arena_cstr(a, str_of(key));
        if (!f->name || !take_value(a, value, &f->value))
            return false;
    }
    return true;
}

enum status schema_check(const struct schema *s, struct call *c, str answer,
                         struct schema_result *out)
{
    static const struct place top;
    struct check k = {out->problems, 0};
    json_t *v = NULL;
    bool is_taken = true;

    *out = (struct schema_result){0};
    if (answer.n > SCHEMA_ANSWER_BYTES)
        report(&k, &top, "is too long");
    else if (!is_flat(answer))
        report(&k, &top, "is nested too deep");
    else if (!(v = json_loadb(answer.p ? answer.p : "", answer.n, JSON_REJECT_DUPLICATES, NULL)))
        report(&k, &top, "is not one JSON value without duplicate keys");
    else
        check_value(&k, &top, s->root, v);
    if (v && k.n == 0)
        is_taken = take_answer(&c->arena, v, &out->answer);
    json_decref(v);
    out->n_problems = k.n;
    return is_taken ? STATUS_OK : call_nomem(c);
}

const struct schema_value *schema_field(const struct schema_answer *a, const char *name)
{
    for (size_t i = 0; i < a->n_fields; i++)
        if (!strcmp(a->fields[i].name, name))
            return &a->fields[i].value;
    return NULL;
}
