/* rows: a table of known rules per family; ids and wording as protovalidate computes them. */
#include "rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/banned.h"
#include "emit.h"
#include "known.h"
#include "literal.h"
#include "naming.h"
#include "schema/field.h"
#include "schema/pattern.h"

typedef const ProtobufCFieldDescriptor Desc;

enum {
    TYPE_STRING = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING,
    TYPE_BYTES = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES,
    TYPE_MESSAGE = GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_MESSAGE,
    NEAR_SECONDS_MAX = 2000000000, /* 63 years */
    TEXT_BYTES_MAX = 4096,
};

/* One rules message under work. */
struct work {
    const struct subject *s;
    const ProtobufCMessage *rules; /* StringRules, Int32Rules, ... */
    const char *family;            /* "string", "int32", ... */
    struct buf *out;
    size_t n;
};

/* --- rows --- */

static void fail(const struct work *w, const char *rule, const char *why)
{
    model_error(w->s->m, w->s->file, w->s->place, "%s: rule %s.%s %s", w->s->name, w->family, rule,
                why);
}

/* "{RULE_X, "family.rule", "text", " - the caller adds the argument and "},". */
static void open_row(struct work *w, const char *kind, const char *rule, str text)
{
    buf_printf(w->out, "    {%s, \"%s.%s\", ", kind, w->family, rule);
    emit_literal(w->out, text);
    w->n++;
}

static struct buf new_text(const struct work *w)
{
    struct buf text;
    buf_init(&text, w->s->m->arena, TEXT_BYTES_MAX);
    return text;
}

/* A span from a count, which stands for the # in words; which ends of it the rule fixes is in
 * `rule`: len, min_len, max_items ... */
static void row_span(struct work *w, Desc *f, const void *p, const char *kind, const char *words)
{
    uint64_t n = field_uint(f, p);
    struct buf text = new_text(w);
    str after = str_of(words);
    buf_put(&text, str_cut(&after, '#'));
    buf_printf(&text, "%" PRIu64 STR_FMT, n, STR_ARG(after));
    open_row(w, kind, f->name, buf_str(&text));
    bool has_least = !str_starts(str_of(f->name), STR("max_"));
    bool has_most = !str_starts(str_of(f->name), STR("min_"));
    buf_printf(w->out, ", .span = {UINT64_C(%" PRIu64 "), ", has_least ? n : 0);
    if (has_most)
        buf_printf(w->out, "UINT64_C(%" PRIu64 ")}},\n", n);
    else
        buf_put(w->out, STR("UINT64_MAX}},\n"));
}

static void row_set(struct work *w, Desc *f, const char *kind, const char *before)
{
    struct buf text = new_text(w);
    bool is_list = f->label == PROTOBUF_C_LABEL_REPEATED;
    size_t n = field_n(w->rules, f);
    buf_put(&text, str_of(before));
    for (size_t i = 0; i < n; i++) {
        buf_put(&text, i > 0 ? STR(", ") : STR(""));
        if (f->type == PROTOBUF_C_TYPE_BYTES && !is_list)
            literal_say_hex(&text, field_text(f, field_at(w->rules, f, i)));
        else
            literal_say(&text, f, field_at(w->rules, f, i));
    }
    buf_put(&text, is_list ? STR("]") : strcmp(w->family, "string") == 0 ? STR("`") : STR(""));
    open_row(w, kind, f->name, buf_str(&text));
    buf_put(w->out, STR(", .set = {(const union rule_value[]){"));
    for (size_t i = 0; i < n; i++) {
        buf_put(w->out, i > 0 ? STR(", ") : STR(""));
        literal_put(w->out, f, field_at(w->rules, f, i));
    }
    buf_printf(w->out, "}, %zu}},\n", n);
}

static void row_part(struct work *w, Desc *f, const void *p, const char *kind, const char *before)
{
    struct buf text = new_text(w);
    buf_put(&text, str_of(before));
    if (f->type == PROTOBUF_C_TYPE_BYTES)
        literal_say_hex(&text, field_text(f, p));
    else
        buf_printf(&text, "`" STR_FMT "`", STR_ARG(field_text(f, p)));
    open_row(w, kind, f->name, buf_str(&text));
    buf_put(w->out, STR(", .part = {"));
    emit_literal(w->out, field_text(f, p));
    buf_printf(w->out, ", %zu}},\n", field_text(f, p).n);
}

static void row_pattern(struct work *w, Desc *f, const void *p, const char *kind,
                        const char *before)
{
    char buf[160], why[200];
    str pattern = field_text(f, p);
    const char *problem = pattern.n < TEXT_BYTES_MAX / 2
                              ? pattern_problem(pattern.p, buf, sizeof buf)
                              : "is too long";
    if (problem) {
        snprintf(why, sizeof why, "is no RE2 pattern: %s", problem);
        fail(w, f->name, why);
        return;
    }
    struct buf text = new_text(w);
    buf_printf(&text, "%s`" STR_FMT "`", before, STR_ARG(pattern));
    buf_printf(w->s->cells, "static _Atomic(void *) %s_pattern%zu;\n", w->s->prefix, w->n);
    open_row(w, kind, f->name, buf_str(&text));
    buf_put(w->out, STR(", .pattern = {"));
    emit_literal(w->out, pattern);
    buf_printf(w->out, ", &%s_pattern%zu}},\n", w->s->prefix, w->n - 1);
}

/* A flag that is false states nothing. */
static void row_flag(struct work *w, Desc *f, const void *p, const char *kind, const char *text)
{
    if (!field_int(f, p))
        return;
    open_row(w, kind, f->name, str_of(text));
    buf_put(w->out, STR("},\n"));
}

static void row_near(struct work *w, Desc *f, const void *p, const char *kind, const char *text)
{
    (void)text;
    int64_t s;
    int32_t ns;
    literal_time(field_message(p), &s, &ns);
    if (s < 0 || ns < 0 || s > NEAR_SECONDS_MAX) {
        fail(w, f->name, "is negative or too long");
        return;
    }
    struct buf said = new_text(w);
    buf_put(&said, STR("must be within "));
    literal_say(&said, f, p);
    buf_put(&said, STR(" of now"));
    open_row(w, kind, f->name, buf_str(&said));
    buf_printf(w->out, ", .near = {%" PRId64 ", %" PRId32 "}},\n", s, ns);
}

/* Two rows: the empty text has an id of its own. */
static void row_format(struct work *w, Desc *f, const void *p, const char *format, const char *what)
{
    if (!field_int(f, p))
        return;
    struct buf text = new_text(w);
    if (strcmp(f->name, "uri_ref") != 0) { /* the empty text is a legal reference */
        buf_printf(w->out,
                   "    {RULE_BYTES, \"%s.%s_empty\", \"value is empty, which is not a valid %s\", "
                   ".span = {1, UINT64_MAX}},\n",
                   w->family, f->name, what);
        w->n++;
    }
    buf_printf(&text, "must be a valid %s", what);
    open_row(w, "RULE_FORMAT", f->name, buf_str(&text));
    buf_printf(w->out, ", .format = %s},\n", format);
}

/* --- ranges: up to two fields make one row --- */

static Desc *set_field(const struct work *w, const char *name)
{
    Desc *f = protobuf_c_message_descriptor_get_field_by_name(w->rules->descriptor, name);
    return f && field_is_set(w->rules, f) ? f : NULL;
}

static void say_bound(struct buf *text, const struct work *w, Desc *f, const char *words)
{
    buf_put(text, str_of(words));
    literal_say(text, f, field_at(w->rules, f, 0));
}

static bool is_below(const struct work *w, Desc *a, Desc *b)
{
    const void *x = field_at(w->rules, a, 0), *y = field_at(w->rules, b, 0);
    if (a->type == PROTOBUF_C_TYPE_MESSAGE) {
        int64_t sx, sy;
        int32_t nx, ny;
        literal_time(field_message(x), &sx, &nx);
        literal_time(field_message(y), &sy, &ny);
        return sx < sy || (sx == sy && nx < ny);
    }
    if (a->type == PROTOBUF_C_TYPE_FLOAT || a->type == PROTOBUF_C_TYPE_DOUBLE)
        return field_real(a, x) < field_real(b, y);
    if (a->type == PROTOBUF_C_TYPE_UINT64 || a->type == PROTOBUF_C_TYPE_FIXED64)
        return field_uint(a, x) < field_uint(b, y);
    return field_int(a, x) < field_int(b, y);
}

static void put_edge(struct work *w, const char *name, Desc *f)
{
    if (!f)
        return;
    bool inclusive = str_ends(str_of(f->name), STR("e"));
    buf_printf(w->out, ".%s_edge = EDGE_%s, .%s = ", name, inclusive ? "INCLUSIVE" : "EXCLUSIVE",
               name);
    literal_put(w->out, f, field_at(w->rules, f, 0));
    buf_put(w->out, STR(", "));
}

static void row_range(struct work *w)
{
    Desc *gt = set_field(w, "gt"), *gte = set_field(w, "gte");
    Desc *lt = set_field(w, "lt"), *lte = set_field(w, "lte");
    Desc *low = gt ? gt : gte, *high = lt ? lt : lte;
    if (!low && !high)
        return;
    struct buf text = new_text(w);
    bool outside = low && high && is_below(w, high, low);
    buf_put(&text, STR("must be "));
    if (low)
        say_bound(&text, w, low, gt ? "greater than " : "greater than or equal to ");
    if (low && high)
        buf_put(&text, outside ? STR(" or ") : STR(" and "));
    if (high)
        say_bound(&text, w, high, lt ? "less than " : "less than or equal to ");
    const char *id =
        naming_text(w->s->m->arena, "%s%s%s%s", low ? low->name : "", low && high ? "_" : "",
                    high ? high->name : "", outside ? "_exclusive" : "");
    open_row(w, "RULE_RANGE", id, buf_str(&text));
    buf_put(w->out, STR(", .range = {"));
    put_edge(w, "low", low);
    put_edge(w, "high", high);
    buf_put(w->out, STR("}},\n"));
}

/* --- all rules of a message --- */

static void emit_rule(struct work *w, Desc *f)
{
    const struct known *k = known_find(w->family, f->name);
    if (!k) {
        fail(w, f->name, "is not supported");
        return;
    }
    const void *p = field_at(w->rules, f, 0);
    switch (k->form) {
    case FORM_SPAN: row_span(w, f, p, k->kind, k->text); break;
    case FORM_SET: row_set(w, f, k->kind, k->text); break;
    case FORM_PART: row_part(w, f, p, k->kind, k->text); break;
    case FORM_PATTERN: row_pattern(w, f, p, k->kind, k->text); break;
    case FORM_FLAG: row_flag(w, f, p, k->kind, k->text); break;
    case FORM_FORMAT: row_format(w, f, p, k->kind, k->text); break;
    case FORM_NEAR: row_near(w, f, p, k->kind, k->text); break;
    case FORM_SKIP: break;
    }
}

/* --- which rules fit which field --- */

/* "int32" of TYPE_INT32, "timestamp" of google.protobuf.Timestamp, "string" of StringValue. */
static const char *family_of(const struct subject *s)
{
    static const char *const scalars[] = {
        NULL,      "double",   "float",    "int64",  "uint64", "int32", "fixed64",
        "fixed32", "bool",     "string",   NULL,     NULL,     "bytes", "uint32",
        "enum",    "sfixed32", "sfixed64", "sint32", "sint64",
    };
    static const char *const messages[][2] = {
        {".google.protobuf.Timestamp", "timestamp"},
        {".google.protobuf.Duration", "duration"},
        {".google.protobuf.Any", "any"},
        {".google.protobuf.FieldMask", "field_mask"},
        {".google.protobuf.DoubleValue", "double"},
        {".google.protobuf.FloatValue", "float"},
        {".google.protobuf.Int64Value", "int64"},
        {".google.protobuf.UInt64Value", "uint64"},
        {".google.protobuf.Int32Value", "int32"},
        {".google.protobuf.UInt32Value", "uint32"},
        {".google.protobuf.BoolValue", "bool"},
        {".google.protobuf.StringValue", "string"},
        {".google.protobuf.BytesValue", "bytes"},
    };
    size_t type = (size_t)s->field->type;
    if (s->is_list) {
        const struct type *entry =
            type == TYPE_MESSAGE ? model_type(s->m, s->field->type_name) : NULL;
        return entry && entry->is_map_entry ? "map" : "repeated";
    }
    for (size_t i = 0; type == TYPE_MESSAGE && i < sizeof messages / sizeof messages[0]; i++)
        if (strcmp(s->field->type_name, messages[i][0]) == 0)
            return messages[i][1];
    return type < sizeof scalars / sizeof scalars[0] ? scalars[type] : NULL;
}

/* Times must be ones that can be computed with, whatever the .proto says. */
static void emit_implied(struct work *w, const char *family)
{
    if (!family)
        return;
    if (strcmp(family, "timestamp") == 0) {
        buf_put(w->out, STR("    {RULE_TIMESTAMP, \"timestamp.valid\", "
                            "\"must be between the years 1 and 9999\"},\n"));
        w->n++;
    }
    if (strcmp(family, "duration") == 0) {
        buf_put(w->out, STR("    {RULE_DURATION, \"duration.valid\", "
                            "\"must be at most 10000 years, of one sign\"},\n"));
        w->n++;
    }
}

static void emit_family(struct work *w, Desc *chosen)
{
    const ProtobufCMessageDescriptor *d = w->rules->descriptor;
    if (w->rules->n_unknown_fields > 0)
        fail(w, naming_text(w->s->m->arena, "#%u", w->rules->unknown_fields[0].tag),
             "is not supported");
    for (unsigned i = 0; i < d->n_fields; i++)
        if (field_is_set(w->rules, &d->fields[i]))
            emit_rule(w, &d->fields[i]);
    if (chosen->id != 18 && chosen->id != 19) /* lists and maps have no order */
        row_range(w);
}

size_t emit_rows(const struct subject *s, const FieldRules *rules, struct buf *out)
{
    const char *family = family_of(s);
    struct work w = {.s = s, .family = family ? family : "message", .out = out};
    emit_implied(&w, family);
    if (!rules)
        return w.n;
    if (rules->base.n_unknown_fields > 0)
        fail(&w, naming_text(s->m->arena, "#%u", rules->base.unknown_fields[0].tag),
             "(cel or newer than our validate.proto) is not supported");
    if (rules->type_case == 0)
        return w.n;
    Desc *chosen = protobuf_c_message_descriptor_get_field(&buf__validate__field_rules__descriptor,
                                                           (unsigned)rules->type_case);
    if (!family || strcmp(chosen->name, family) != 0) {
        model_error(s->m, s->file, s->place, "%s: %s rules do not fit a field of type %s", s->name,
                    chosen->name, w.family);
        return w.n;
    }
    w.rules = field_message(field_at(&rules->base, chosen, 0));
    emit_family(&w, chosen);
    return w.n;
}

const FieldRules *rows_items(const FieldRules *rules)
{
    bool has = rules && rules->type_case == BUF__VALIDATE__FIELD_RULES__TYPE_REPEATED;
    return has ? rules->repeated->items : NULL;
}

const FieldRules *rows_keys(const FieldRules *rules)
{
    bool has = rules && rules->type_case == BUF__VALIDATE__FIELD_RULES__TYPE_MAP;
    return has ? rules->map->keys : NULL;
}

const FieldRules *rows_values(const FieldRules *rules)
{
    bool has = rules && rules->type_case == BUF__VALIDATE__FIELD_RULES__TYPE_MAP;
    return has ? rules->map->values : NULL;
}
