/* predicate: one value against one rule. */
#include "schema/predicate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "schema/field.h"
#include "schema/format.h"
#include "schema/pattern.h"

/* --- values --- */

static struct rule_time time_of(const ProtobufCMessage *m)
{
    const ProtobufCFieldDescriptor *f = m->descriptor->fields;
    return (struct rule_time){field_int(&f[0], field_at(m, &f[0], 0)),
                              (int32_t)field_int(&f[1], field_at(m, &f[1], 0))};
}

static struct value value_of_message(const ProtobufCFieldDescriptor *f, const ProtobufCMessage *m);

struct value value_of(const ProtobufCFieldDescriptor *f, const void *p)
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

int value_compare(enum value_kind kind, union rule_value a, union rule_value b)
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

bool value_equal(enum value_kind kind, union rule_value a, union rule_value b)
{
    if (kind == VALUE_REAL && (isnan(a.d) || isnan(b.d)))
        return false;
    return value_compare(kind, a, b) == 0;
}

/* --- rules of one value --- */

bool span_has(struct rule_span span, size_t n)
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
    bool above = passes(r->low_edge, value_compare(x->kind, x->v, r->low));
    bool below = passes(r->high_edge, value_compare(x->kind, r->high, x->v));
    bool outside = r->low_edge != EDGE_NONE && r->high_edge != EDGE_NONE &&
                   value_compare(x->kind, r->high, r->low) < 0;
    return outside ? above || below : above && below;
}

static bool in_set(const struct rule_set *set, const struct value *x)
{
    for (size_t i = 0; i < set->n; i++)
        if (value_equal(x->kind, x->v, set->values[i]))
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

bool rule_holds(const struct call *c, const struct rule *r, const struct value *x)
{
    switch (r->kind) {
    case RULE_RUNES: return span_has(r->span, str_n_runes(x->v.s));
    case RULE_BYTES: return span_has(r->span, x->v.s.n);
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
