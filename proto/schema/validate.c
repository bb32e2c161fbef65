/* validate: walks a message beside its rule tables; a rule is a predicate over one value. */
#include "schema/validate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "schema/field.h"
#include "schema/format.h"
#include "schema/pattern.h"

enum {
    PATH_BYTES_MAX = 256,
    PATH_KEY_BYTES_MAX = 40, /* of a map key in a path */
};

enum value_kind { VALUE_INT, VALUE_UINT, VALUE_REAL, VALUE_TEXT, VALUE_TIME, VALUE_NONE };

struct value {
    enum value_kind kind;
    union rule_value v;
    const ProtobufCFieldDescriptor *f; /* its type; the member of a wrapper for wrappers */
};

struct visit {
    struct call *c;
    char path[PATH_BYTES_MAX];
    size_t path_n;
    unsigned depth;
    size_t n_violations;
};

/* --- paths --- */

/* Appends and returns the length to restore with path_pop. Text that does not fit is left out. */
static size_t path_push(struct visit *v, const char *before, str text, const char *after)
{
    size_t was = v->path_n;
    int n = snprintf(v->path + was, PATH_BYTES_MAX - was, "%s" STR_FMT "%s", before, STR_ARG(text),
                     after);
    if (n > 0 && (size_t)n < PATH_BYTES_MAX - was)
        v->path_n += (size_t)n;
    return was;
}

static size_t path_push_field(struct visit *v, const char *name)
{
    return path_push(v, v->path_n > 0 ? "." : "", str_of(name), "");
}

static size_t path_push_index(struct visit *v, size_t i)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%zu", i);
    return path_push(v, "[", (str){text, (size_t)n}, "]");
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
        return path_push(v, "[\"", cut_key(field_text(f, key)), "\"]");
    if (f->type == PROTOBUF_C_TYPE_BOOL)
        return path_push(v, "[", field_int(f, key) ? STR("true") : STR("false"), "]");
    char text[24];
    int n = f->type == PROTOBUF_C_TYPE_UINT64 || f->type == PROTOBUF_C_TYPE_FIXED64
                ? snprintf(text, sizeof text, "%llu", (unsigned long long)field_uint(f, key))
                : snprintf(text, sizeof text, "%lld", (long long)field_int(f, key));
    return path_push(v, "[", (str){text, (size_t)n}, "]");
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

/* --- values --- */

static struct rule_time time_of(const ProtobufCMessage *m)
{
    const ProtobufCFieldDescriptor *f = m->descriptor->fields;
    return (struct rule_time){field_int(&f[0], field_at(m, &f[0], 0)),
                              (int32_t)field_int(&f[1], field_at(m, &f[1], 0))};
}

/* Timestamp and Duration are times; a wrapper counts as what it wraps. */
static struct value value_of_message(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *m);

static struct value value_of(const ProtobufCFieldDescriptor *f, const void *p)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: return (struct value){VALUE_UINT, {.u = field_uint(f, p)}, f};
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM: return (struct value){VALUE_INT, {.i = field_int(f, p)}, f};
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE: return (struct value){VALUE_REAL, {.d = field_real(f, p)}, f};
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES: return (struct value){VALUE_TEXT, {.s = field_text(f, p)}, f};
    case PROTOBUF_C_TYPE_MESSAGE: return value_of_message(f, field_message(p));
    }
    return (struct value){.kind = VALUE_NONE, .f = f};
}

static struct value value_of_message(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *m)
{
    const char *name = ((const ProtobufCMessageDescriptor *)f->descriptor)->name;
    if (!m || !str_starts(str_of(name), STR("google.protobuf.")))
        return (struct value){.kind = VALUE_NONE, .f = f};
    if (strcmp(name, "google.protobuf.Timestamp") == 0 ||
        strcmp(name, "google.protobuf.Duration") == 0)
        return (struct value){VALUE_TIME, {.t = time_of(m)}, f};
    const ProtobufCFieldDescriptor *inner = m->descriptor->fields;
    if (m->descriptor->n_fields == 1 && inner->type != PROTOBUF_C_TYPE_MESSAGE &&
        str_ends(str_of(name), STR("Value")))
        return value_of(inner, field_at(m, inner, 0));
    return (struct value){.kind = VALUE_NONE, .f = f};
}

static int compare(enum value_kind kind, union rule_value a, union rule_value b)
{
    switch (kind) {
    case VALUE_INT: return (a.i > b.i) - (a.i < b.i);
    case VALUE_UINT: return (a.u > b.u) - (a.u < b.u);
    case VALUE_REAL: return (a.d > b.d) - (a.d < b.d);
    case VALUE_TEXT: return str_cmp(a.s, b.s);
    case VALUE_TIME:
        if (a.t.s != b.t.s)
            return a.t.s > b.t.s ? 1 : -1;
        return (a.t.ns > b.t.ns) - (a.t.ns < b.t.ns);
    case VALUE_NONE: return 0;
    }
    return 0;
}

static bool equal(enum value_kind kind, union rule_value a, union rule_value b)
{
    if (kind == VALUE_REAL && (isnan(a.d) || isnan(b.d)))
        return false;
    return compare(kind, a, b) == 0;
}

/* --- rules of one value --- */

static bool in_span(struct rule_span span, size_t n)
{
    return n >= span.least && n <= span.most;
}

static bool passes(enum rule_edge edge, int order)
{
    return edge == EDGE_NONE || order > 0 || (order == 0 && edge == EDGE_INCLUSIVE);
}

static bool in_range(const struct rule_range *r, const struct value *x)
{
    if (x->kind == VALUE_REAL && isnan(x->v.d))
        return false;
    bool above = passes(r->low_edge, compare(x->kind, x->v, r->low));
    bool below = passes(r->high_edge, compare(x->kind, r->high, x->v));
    bool outside = r->low_edge != EDGE_NONE && r->high_edge != EDGE_NONE &&
                   compare(x->kind, r->high, r->low) < 0;
    return outside ? above || below : above && below;
}

static bool in_set(const struct rule_set *set, const struct value *x)
{
    for (size_t i = 0; i < set->n; i++)
        if (equal(x->kind, x->v, set->values[i]))
            return true;
    return false;
}

static bool contains(str s, str part)
{
    return part.n == 0 || (s.n >= part.n && memmem(s.p, s.n, part.p, part.n) != NULL);
}

/* Nanoseconds from now to x; far away is clipped to 140 years. */
static int64_t since_now_ns(const struct call *c, const struct value *x)
{
    const int64_t far_s = INT64_C(1) << 32;
    int64_t now_us = call_now_us(c);
    int64_t s;
    if (__builtin_sub_overflow(x->v.t.s, now_us / 1000000, &s))
        s = x->v.t.s < 0 ? -far_s : far_s;
    s = s < -far_s ? -far_s : s > far_s ? far_s : s;
    return s * 1000000000 + x->v.t.ns - now_us % 1000000 * 1000;
}

static bool near_now(const struct call *c, struct rule_time most, const struct value *x)
{
    int64_t distance_ns = since_now_ns(c, x);
    return llabs(distance_ns) <= most.s * 1000000000 + most.ns;
}

/* Year 1 to 9999, as the JSON form and SQL can hold. */
static bool is_timestamp(struct rule_time t)
{
    return t.s >= -62135596800 && t.s <= 253402300799 && t.ns >= 0 && t.ns <= 999999999;
}

/* 10,000 years; seconds and nanoseconds of one sign. */
static bool is_duration(struct rule_time t)
{
    bool one_sign = t.s == 0 || t.ns == 0 || (t.s > 0) == (t.ns > 0);
    return one_sign && t.s >= -315576000000 && t.s <= 315576000000 && t.ns >= -999999999 &&
           t.ns <= 999999999;
}

static bool is_defined(const struct value *x)
{
    return x->f->type == PROTOBUF_C_TYPE_ENUM &&
           protobuf_c_enum_descriptor_get_value(x->f->descriptor, (int)x->v.i) != NULL;
}

static bool holds(const struct call *c, const struct rule *r, const struct value *x)
{
    switch (r->kind) {
    case RULE_RUNES: return in_span(r->span, str_n_runes(x->v.s));
    case RULE_BYTES: return in_span(r->span, x->v.s.n);
    case RULE_RANGE: return in_range(&r->range, x);
    case RULE_FINITE: return isfinite(x->v.d) != 0;
    case RULE_IN: return in_set(&r->set, x);
    case RULE_NOT_IN: return !in_set(&r->set, x);
    case RULE_DEFINED_ONLY: return is_defined(x);
    case RULE_PREFIX: return str_starts(x->v.s, r->part);
    case RULE_SUFFIX: return str_ends(x->v.s, r->part);
    case RULE_CONTAINS: return contains(x->v.s, r->part);
    case RULE_NOT_CONTAINS: return !contains(x->v.s, r->part);
    case RULE_PATTERN: return pattern_found(&r->pattern, x->v.s);
    case RULE_FORMAT: return x->v.s.n == 0 || format_is(r->format, x->v.s);
    case RULE_BEFORE_NOW: return since_now_ns(c, x) <= 0;
    case RULE_AFTER_NOW: return since_now_ns(c, x) >= 0;
    case RULE_TIMESTAMP: return is_timestamp(x->v.t);
    case RULE_DURATION: return is_duration(x->v.t);
    case RULE_NEAR_NOW: return near_now(c, r->near, x);
    case RULE_ITEMS:
    case RULE_UNIQUE: return true; /* rules of lists, checked by check_list */
    }
    return true;
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
            if (!holds(v->c, &r->rules[i], &x))
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
    return compare(x->kind, x->v, y->v);
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
        if (!equal(sorted[i].kind, sorted[i].v, sorted[i - 1].v))
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
        if (rule->kind == RULE_ITEMS && !in_span(rule->span, field_n(m, f)))
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
