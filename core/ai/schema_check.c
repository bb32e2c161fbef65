/* Checking an answer beside its schema: one walk, as deep as the schema. */
#include <stdio.h>

#include "ai/schema_node.h"
#include "base/banned.h"

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

static bool is_of_type(const json_t *v, enum schema_type t)
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
    enum schema_type t;

    if (!schema_type_of(node, &t) || !is_of_type(v, t)) {
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
    if (schema_all_strings(v))
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
