/* validate: walks a message beside its rule tables; a rule is a predicate over one value. */
#include "schema/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "schema/field.h"
#include "schema/predicate.h"

enum {
    PATH_BYTES_MAX = 256,
    PATH_KEY_BYTES_MAX = 40, /* of a map key in a path */
};

struct visit {
    struct call *c;
    char path[PATH_BYTES_MAX];
    size_t path_n;
    unsigned depth;
    size_t n_violations;
};

/* --- paths --- */

/* There is room. */
static void path_put(struct visit *v, str text)
{
    if (text.p)
        memcpy(v->path + v->path_n, text.p, text.n);
    v->path_n += text.n;
}

/* Appends and returns the length to restore with path_pop. Text that does not fit is left out.
 * Runs for every field of every message, which is too often for printf. */
static size_t path_push(struct visit *v, str before, str text, str after)
{
    size_t was = v->path_n;

    if (before.n + text.n + after.n >= PATH_BYTES_MAX - was)
        return was;
    path_put(v, before);
    path_put(v, text);
    path_put(v, after);
    return was;
}

static size_t path_push_field(struct visit *v, const char *name)
{
    return path_push(v, v->path_n > 0 ? STR(".") : STR(""), str_of(name), STR(""));
}

static size_t path_push_index(struct visit *v, size_t i)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%zu", i);
    return path_push(v, STR("["), (str){text, (size_t)n}, STR("]"));
}

/* Cut between code points, so that the path stays text. */
static str cut_key(str key)
{
    size_t n = key.n < PATH_KEY_BYTES_MAX ? key.n : PATH_KEY_BYTES_MAX;
    while (n > 0 && n < key.n && ((unsigned char)key.p[n] & 0xc0) == 0x80)
        n--;
    return str_sub(key, 0, n);
}

static size_t path_push_key(struct visit *v, const ProtobufCFieldDescriptor *f, const void *key)
{
    if (f->type == PROTOBUF_C_TYPE_STRING)
        return path_push(v, STR("[\""), cut_key(field_text(f, key)), STR("\"]"));
    if (f->type == PROTOBUF_C_TYPE_BOOL)
        return path_push(v, STR("["), field_int(f, key) ? STR("true") : STR("false"), STR("]"));
    char text[24];
    int n = f->type == PROTOBUF_C_TYPE_UINT64 || f->type == PROTOBUF_C_TYPE_FIXED64
                ? snprintf(text, sizeof text, "%llu", (unsigned long long)field_uint(f, key))
                : snprintf(text, sizeof text, "%lld", (long long)field_int(f, key));
    return path_push(v, STR("["), (str){text, (size_t)n}, STR("]"));
}

static void path_pop(struct visit *v, size_t was)
{
    v->path_n = was;
}

static void violate(struct visit *v, const char *id, const char *text)
{
    v->n_violations++;
    call_detail(v->c, FAULT_FIELD, id, (str){v->path, v->path_n}, "%s", text);
}

static enum status visit_message(struct visit *v, const struct message_rules *r,
                                 const ProtobufCMessage *m);

/* One value: a field, a list element, a map key or value. */
static enum status check_value(struct visit *v, const struct field_rules *r,
                               const ProtobufCFieldDescriptor *f, const void *p)
{
    if (r->n_rules > 0) {
        struct value x = value_of(f, p);
        for (size_t i = 0; i < r->n_rules && x.kind != VALUE_NONE; i++)
            if (!rule_holds(v->c, &r->rules[i], &x))
                violate(v, r->rules[i].id, r->rules[i].text);
    }
    if (r->message && f->type == PROTOBUF_C_TYPE_MESSAGE && field_message(p))
        return visit_message(v, r->message, field_message(p));
    return STATUS_OK;
}

/* --- lists and maps --- */

static int order_value(const void *a, const void *b)
{
    const struct value *x = a, *y = b;
    return value_compare(x->kind, x->v, y->v);
}

static enum status check_unique(struct visit *v, const struct rule *r, const ProtobufCMessage *m,
                                const ProtobufCFieldDescriptor *f)
{
    size_t n = field_n(m, f);
    struct value *sorted = NEW(&v->c->arena, struct value, n + 1);
    if (!sorted)
        return call_nomem(v->c);
    for (size_t i = 0; i < n; i++)
        sorted[i] = value_of(f, field_at(m, f, i));
    qsort(sorted, n, sizeof *sorted, order_value);
    for (size_t i = 1; i < n; i++) {
        if (!value_equal(sorted[i].kind, sorted[i].v, sorted[i - 1].v))
            continue;
        violate(v, r->id, r->text);
        break;
    }
    return STATUS_OK;
}

static bool is_skipped(const struct field_rules *r, const ProtobufCFieldDescriptor *f,
                       const void *p)
{
    return r->ignore == IGNORE_ALWAYS || (r->ignore == IGNORE_ZERO && field_is_zero(f, p));
}

static enum status check_element(struct visit *v, const struct field_rules *r,
                                 const ProtobufCFieldDescriptor *f, const void *p)
{
    return !r || is_skipped(r, f, p) ? STATUS_OK : check_value(v, r, f, p);
}

static enum status check_entry(struct visit *v, const struct field_rules *r,
                               const ProtobufCMessage *entry)
{
    const ProtobufCFieldDescriptor *key = &entry->descriptor->fields[0];
    const ProtobufCFieldDescriptor *value = &entry->descriptor->fields[1];
    size_t was = path_push_key(v, key, field_at(entry, key, 0));
    TRY(check_element(v, r->keys, key, field_at(entry, key, 0)));
    TRY(check_element(v, r->items, value, field_at(entry, value, 0)));
    path_pop(v, was);
    return STATUS_OK;
}

/* The rules of the list or map as a whole. */
static enum status check_whole(struct visit *v, const struct field_rules *r,
                               const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    enum status s = STATUS_OK;
    for (size_t i = 0; i < r->n_rules && s == STATUS_OK; i++) {
        const struct rule *rule = &r->rules[i];
        if (rule->kind == RULE_ITEMS && !span_has(rule->span, field_n(m, f)))
            violate(v, rule->id, rule->text);
        if (rule->kind == RULE_UNIQUE)
            s = check_unique(v, rule, m, f);
    }
    return s;
}

static enum status check_item(struct visit *v, const struct field_rules *r,
                              const ProtobufCFieldDescriptor *f, const void *p, size_t i)
{
    size_t was = path_push_index(v, i);
    enum status s = check_element(v, r->items, f, p);
    path_pop(v, was);
    return s;
}

static enum status check_list(struct visit *v, const struct field_rules *r,
                              const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    TRY(check_whole(v, r, m, f));
    if (!r->items && !r->keys)
        return STATUS_OK;
    bool is_map = field_is_map(f);
    for (size_t i = 0; i < field_n(m, f); i++) {
        const void *p = field_at(m, f, i);
        TRY(is_map ? check_entry(v, r, field_message(p)) : check_item(v, r, f, p, i));
    }
    return STATUS_OK;
}

/* --- messages --- */

static enum status check_field(struct visit *v, const struct field_rules *r,
                               const ProtobufCMessage *m)
{
    const ProtobufCFieldDescriptor *f = &m->descriptor->fields[r->field];
    if (r->ignore == IGNORE_ALWAYS)
        return STATUS_OK;
    if (!field_is_set(m, f)) {
        if (r->required) {
            violate(v, "required", "value is required");
            return STATUS_OK;
        }
        if (field_has_presence(f) || r->ignore == IGNORE_ZERO)
            return STATUS_OK;
    }
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return check_list(v, r, m, f);
    return check_value(v, r, f, field_at(m, f, 0));
}

static void check_group(struct visit *v, const struct group_rules *r, const ProtobufCMessage *m)
{
    char text[160];
    size_t n_set = 0;
    for (size_t i = 0; i < r->n_fields; i++)
        n_set += field_is_set(m, &m->descriptor->fields[r->fields[i]]);
    if (n_set > 1)
        snprintf(text, sizeof text, "only one of %s can be set", r->names);
    else if (n_set == 0 && r->required)
        snprintf(text, sizeof text, "one of %s must be set", r->names);
    else
        return;
    violate(v, "message.oneof", text);
}

static void check_oneof(struct visit *v, const struct oneof_rules *r, const ProtobufCMessage *m)
{
    const ProtobufCFieldDescriptor *f = &m->descriptor->fields[r->field];
    const char *oneof_case = (const char *)m + f->quantifier_offset;
    if (*(const uint32_t *)oneof_case != 0)
        return;
    size_t was = path_push_field(v, r->name);
    violate(v, "required", "exactly one field is required in oneof");
    path_pop(v, was);
}

static enum status visit_message(struct visit *v, const struct message_rules *r,
                                 const ProtobufCMessage *m)
{
    if (v->depth == MESSAGE_DEPTH_MAX) {
        violate(v, "wire.depth", "messages are nested too deep");
        return STATUS_OK;
    }
    v->depth++;
    for (size_t i = 0; i < r->n_fields; i++) {
        size_t was = path_push_field(v, m->descriptor->fields[r->fields[i].field].name);
        TRY(check_field(v, &r->fields[i], m));
        path_pop(v, was);
    }
    for (size_t i = 0; i < r->n_groups; i++)
        check_group(v, &r->groups[i], m);
    for (size_t i = 0; i < r->n_oneofs; i++)
        check_oneof(v, &r->oneofs[i], m);
    v->depth--;
    return STATUS_OK;
}

enum status validate(struct call *c, const struct message_rules *r, const ProtobufCMessage *m)
{
    if (!r)
        return STATUS_OK;
    struct visit v = {.c = c};
    TRY(visit_message(&v, r, m));
    if (v.n_violations == 0)
        return STATUS_OK;
    return call_fail_as(c, STATUS_INVALID, "VALIDATION", "%s: %zu %s", m->descriptor->name,
                        v.n_violations,
                        v.n_violations == 1 ? "rule is broken" : "rules are broken");
}
