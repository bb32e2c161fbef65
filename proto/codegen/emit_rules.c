/* emit_rules: the rule tables of messages: fields, their rows, and pointers into other messages. */
#include <string.h>

#include "base/banned.h"
#include "emit.h"
#include "naming.h"
#include "options.h"
#include "rows.h"

typedef Buf__Validate__MessageRules MessageRules;
typedef Buf__Validate__OneofRules OneofRules;

#define LABEL_REPEATED GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED

enum {
    TAG_MESSAGE_FIELD = 2,
    TAG_MESSAGE_ONEOF = 8,
    DECLARATIONS_BYTES_MAX = 4 << 20,
};

static const FieldRules *rules_of(struct model *m, const FieldProto *f)
{
    const ProtobufCMessage *options = f->options ? &f->options->base : NULL;
    return (const FieldRules *)option_message(m->arena, options, OPTION_RULES,
                                              &buf__validate__field_rules__descriptor);
}

static const MessageRules *message_rules_of(struct model *m, const struct type *t)
{
    const ProtobufCMessage *options = t->message->options ? &t->message->options->base : NULL;
    return (const MessageRules *)option_message(m->arena, options, OPTION_RULES,
                                                &buf__validate__message_rules__descriptor);
}

static bool oneof_is_required(struct model *m, const struct type *t, size_t oneof)
{
    const Google__Protobuf__OneofDescriptorProto *o = t->message->oneof_decl[oneof];
    const ProtobufCMessage *options = o->options ? &o->options->base : NULL;
    const OneofRules *r = (const OneofRules *)option_message(
        m->arena, options, OPTION_RULES, &buf__validate__oneof_rules__descriptor);
    return r && r->has_required && r->required;
}

/* The message type of a field, or NULL. */
static const struct type *message_of(const struct model *m, const FieldProto *f)
{
    const struct type *t = f->type_name ? model_type(m, f->type_name) : NULL;
    return t && t->message ? t : NULL;
}

/* --- which messages have rules --- */

static bool is_time(const struct type *t)
{
    return t && (strcmp(t->full, "google.protobuf.Timestamp") == 0 ||
                 strcmp(t->full, "google.protobuf.Duration") == 0);
}

static bool has_own_rules(struct model *m, const struct type *t)
{
    if (message_rules_of(m, t))
        return true;
    for (size_t i = 0; i < t->message->n_oneof_decl; i++)
        if (oneof_is_required(m, t, i))
            return true;
    for (size_t i = 0; i < t->message->n_field; i++)
        if (rules_of(m, t->message->field[i]) || is_time(message_of(m, t->message->field[i])))
            return true;
    return false;
}

static bool reaches_rules(const struct model *m, const struct type *t)
{
    for (size_t i = 0; i < t->message->n_field; i++) {
        const struct type *inner = message_of(m, t->message->field[i]);
        if (inner && inner->has_rules)
            return true;
    }
    return false;
}

void rules_mark(struct model *m)
{
    for (size_t i = 0; i < m->n_types; i++)
        m->types[i].has_rules = m->types[i].message && has_own_rules(m, &m->types[i]);
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < m->n_types; i++) {
            struct type *t = &m->types[i];
            if (!t->message || t->has_rules || !reaches_rules(m, t))
                continue;
            t->has_rules = true;
            changed = true;
        }
    }
}

/* --- tables --- */

/* The tables of one field: its row, to which `before` is what must be declared first. */
struct table {
    struct model *m;
    const struct type *type;
    const FieldProto *field;
    struct place place;
    struct buf *before;
    const char *prefix; /* sales__v1__lead__email */
    const char *name;   /* sales.v1.Lead.email */
};

/* protoc-c sorts fields by number. */
static size_t index_of(const MessageProto *m, const FieldProto *f)
{
    size_t index = 0;
    for (size_t i = 0; i < m->n_field; i++)
        index += m->field[i]->number < f->number;
    return index;
}

static void put_ignore(const FieldRules *r, struct buf *row)
{
    if (r && r->has_ignore && r->ignore == BUF__VALIDATE__IGNORE__IGNORE_IF_ZERO_VALUE)
        buf_put(row, STR(".ignore = IGNORE_ZERO, "));
    if (r && r->has_ignore && r->ignore == BUF__VALIDATE__IGNORE__IGNORE_ALWAYS)
        buf_put(row, STR(".ignore = IGNORE_ALWAYS, "));
}

/* What field ("" as part), element, key and value have in common. False: nothing to be checked. */
static bool put_rules(struct table *t, const FieldProto *field, const FieldRules *r,
                      const char *part, struct buf *row)
{
    bool is_list = field->label == LABEL_REPEATED && *part == '\0';
    struct buf rows;
    buf_init(&rows, t->m->arena, DECLARATIONS_BYTES_MAX);
    const char *prefix = naming_text(t->m->arena, "%s%s", t->prefix, part);
    struct subject s = {.m = t->m,
                        .file = t->type->file,
                        .place = &t->place,
                        .name = t->name,
                        .field = field,
                        .is_list = is_list,
                        .cells = t->before,
                        .prefix = prefix};
    size_t n = emit_rows(&s, r, &rows);
    if (n > 0) {
        buf_printf(t->before, "static const struct rule %s_rules[] = {\n", prefix);
        buf_put(t->before, buf_str(&rows));
        buf_put(t->before, STR("};\n"));
        buf_printf(row, ".rules = %s_rules, .n_rules = %zu, ", prefix, n);
    }
    const struct type *inner = is_list ? NULL : message_of(t->m, field);
    bool deep = inner && inner->has_rules && !is_time(inner);
    if (deep)
        buf_printf(row, ".message = &%s__rules, ", inner->lower);
    return n > 0 || deep;
}

/* A struct field_rules of its own, to which the row of the list or map points. */
static bool put_part(struct table *t, const FieldProto *field, const FieldRules *r,
                     const char *part, struct buf *row)
{
    struct buf inner;
    buf_init(&inner, t->m->arena, DECLARATIONS_BYTES_MAX);
    put_ignore(r, &inner);
    if (r && r->has_required && r->required)
        model_error(t->m, t->type->file, &t->place,
                    "%s: rule required is not supported on elements", t->name);
    if (!put_rules(t, field, r, part, &inner))
        return false;
    buf_printf(t->before, "static const struct field_rules %s%s = {", t->prefix, part);
    buf_put(t->before, buf_str(&inner));
    buf_put(t->before, STR("};\n"));
    buf_printf(row, ".%s = &%s%s, ", strcmp(part, "_keys") == 0 ? "keys" : "items", t->prefix,
               part);
    return true;
}

static bool put_list(struct table *t, const FieldRules *r, struct buf *row)
{
    const struct type *entry = message_of(t->m, t->field);
    bool any = put_rules(t, t->field, r, "", row);
    if (!entry || !entry->is_map_entry)
        return put_part(t, t->field, rows_items(r), "_items", row) || any;
    any |= put_part(t, entry->message->field[0], rows_keys(r), "_keys", row);
    any |= put_part(t, entry->message->field[1], rows_values(r), "_values", row);
    return any;
}

static void emit_field(struct model *m, const struct type *type, size_t i, struct buf *before,
                       struct buf *rows)
{
    const FieldProto *f = type->message->field[i];
    const FieldRules *r = rules_of(m, f);
    struct table t = {.m = m,
                      .type = type,
                      .field = f,
                      .place = place_in(&type->place, TAG_MESSAGE_FIELD, i),
                      .before = before,
                      .prefix = naming_text(m->arena, "%s__%s", type->lower, f->name),
                      .name = naming_text(m->arena, "%s.%s", type->full, f->name)};
    struct buf row;
    buf_init(&row, m->arena, DECLARATIONS_BYTES_MAX);
    bool required = r && r->has_required && r->required;
    if (required)
        buf_put(&row, STR(".required = true, "));
    put_ignore(r, &row);
    bool any = f->label == LABEL_REPEATED ? put_list(&t, r, &row) : put_rules(&t, f, r, "", &row);
    if (!any && !required)
        return;
    buf_printf(rows, "    {.field = %zu, " STR_FMT "}, /* %s */\n", index_of(type->message, f),
               STR_ARG(buf_str(&row)), f->name);
}

static void emit_oneofs(struct model *m, const struct type *t, struct buf *rows)
{
    for (size_t i = 0; i < t->message->n_oneof_decl; i++) {
        if (!oneof_is_required(m, t, i))
            continue;
        for (size_t k = 0; k < t->message->n_field; k++) {
            const FieldProto *f = t->message->field[k];
            if (!f->has_oneof_index || (size_t)f->oneof_index != i)
                continue;
            buf_printf(rows, "    {\"%s\", %zu},\n", t->message->oneof_decl[i]->name,
                       index_of(t->message, f));
            break;
        }
    }
}

static const FieldProto *field_named(const MessageProto *m, const char *name)
{
    for (size_t i = 0; i < m->n_field; i++)
        if (strcmp(m->field[i]->name, name) == 0)
            return m->field[i];
    return NULL;
}

static void emit_groups(struct model *m, const struct type *t, struct buf *rows)
{
    const MessageRules *r = message_rules_of(m, t);
    if (r && r->base.n_unknown_fields > 0)
        model_error(m, t->file, &t->place, "%s: message rule #%u (cel) is not supported", t->full,
                    r->base.unknown_fields[0].tag);
    for (size_t i = 0; r && i < r->n_oneof; i++) {
        buf_put(rows, STR("    {\""));
        for (size_t k = 0; k < r->oneof[i]->n_fields; k++)
            buf_printf(rows, "%s%s", k > 0 ? ", " : "", r->oneof[i]->fields[k]);
        buf_put(rows, STR("\", (const unsigned[]){"));
        for (size_t k = 0; k < r->oneof[i]->n_fields; k++) {
            const FieldProto *f = field_named(t->message, r->oneof[i]->fields[k]);
            if (f)
                buf_printf(rows, "%s%zu", k > 0 ? ", " : "", index_of(t->message, f));
            else
                model_error(m, t->file, &t->place, "%s: message.oneof names %s, which is no field",
                            t->full, r->oneof[i]->fields[k]);
        }
        buf_printf(rows, "}, %zu, %s},\n", r->oneof[i]->n_fields,
                   r->oneof[i]->required ? "true" : "false");
    }
}

/* One static table when it has rows; returns its text for the initialiser of message_rules. */
static const char *put_table(struct model *m, const struct type *t, const char *kind,
                             struct buf *rows, struct buf *out)
{
    str text = buf_str(rows);
    if (text.n == 0)
        return "";
    buf_printf(out, "static const struct %s_rules %s__%ss[] = {\n", kind, t->lower, kind);
    buf_put(out, text);
    buf_put(out, STR("};\n"));
    return naming_text(m->arena,
                       "    .%ss = %s__%ss,\n"
                       "    .n_%ss = sizeof %s__%ss / sizeof %s__%ss[0],\n",
                       kind, t->lower, kind, kind, t->lower, kind, t->lower, kind);
}

static void emit_message(struct model *m, const struct type *t, struct buf *out)
{
    struct buf fields, oneofs, groups;
    buf_init(&fields, m->arena, DECLARATIONS_BYTES_MAX);
    buf_init(&oneofs, m->arena, DECLARATIONS_BYTES_MAX);
    buf_init(&groups, m->arena, DECLARATIONS_BYTES_MAX);
    buf_printf(out, "/* %s */\n", t->full);
    for (size_t i = 0; i < t->message->n_field; i++)
        emit_field(m, t, i, out, &fields);
    emit_oneofs(m, t, &oneofs);
    emit_groups(m, t, &groups);
    const char *f = put_table(m, t, "field", &fields, out);
    const char *o = put_table(m, t, "oneof", &oneofs, out);
    const char *g = put_table(m, t, "group", &groups, out);
    buf_printf(
        out, "const struct message_rules %s__rules = {\n    .type = &%s__descriptor,\n%s%s%s};\n\n",
        t->lower, t->lower, f, o, g);
}

void emit_rules_header(struct model *m, const struct file *f, struct buf *out)
{
    emit_guard_open(m, f, ".rules.h", out);
    buf_put(out, STR("#include \"schema/rules.h\"\n\n"));
    for (size_t i = 0; i < m->n_types; i++) {
        const struct type *t = &m->types[i];
        if (t->file != f || !t->message || t->is_map_entry || !t->has_rules)
            continue;
        buf_printf(out, "extern const struct message_rules %s__rules;\n", t->lower);
        buf_printf(out, "#define %s_RULES (&%s__rules)\n", t->macro, t->lower);
    }
    buf_put(out, STR("\n"));
    emit_guard_close(out);
}

void emit_rules_source(struct model *m, const struct file *f, struct buf *out)
{
    emit_banner(f, out);
    buf_printf(out, "#include \"%s.rules.h\"\n\n#include \"%s.pb-c.h\"\n", f->base, f->base);
    bool *used = model_alloc(m, sizeof *used, m->n_files);
    model_uses(m, f, MODEL_FIELDS, used);
    for (size_t i = 0; i < m->n_files; i++)
        if (used[i] && &m->files[i] != f)
            buf_printf(out, "#include \"%s.rules.h\"\n", m->files[i].base);
    buf_put(out, STR("\n"));
    for (size_t i = 0; i < m->n_types; i++) {
        const struct type *t = &m->types[i];
        if (t->file == f && t->message && !t->is_map_entry && t->has_rules)
            emit_message(m, t, out);
    }
}
