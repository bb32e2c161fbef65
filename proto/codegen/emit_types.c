/* emit_types: short names for what protoc-c generates under long ones. */
#include <string.h>

#include "base/banned.h"
#include "emit.h"
#include "naming.h"

enum { ENUM_N_MAX = 4096, TAG_ENUM_VALUE = 2 }; /* larger enums get no _N: nobody indexes by them */

static void emit_includes(struct model *m, const struct file *f, struct buf *out)
{
    buf_printf(out, "#include \"%s.pb-c.h\"\n", f->base);
    bool *used = model_alloc(m, sizeof *used, m->n_files);
    model_uses(m, f, MODEL_FIELDS, used);
    for (size_t i = 0; i < m->n_files; i++)
        if (used[i] && &m->files[i] != f)
            buf_printf(out, "#include \"%s.h\"\n", m->files[i].base);
    buf_put(out, STR("\n"));
}

static void emit_oneofs(struct model *m, const struct type *t, struct buf *out)
{
    for (size_t i = 0; i < t->message->n_oneof_decl; i++) {
        const char *oneof = t->message->oneof_decl[i]->name;
        const char *camel = naming_convert(m->arena, oneof, NAMING_CAMEL);
        const char *upper = naming_convert(m->arena, oneof, NAMING_UPPER);
        buf_printf(out, "typedef %s__%sCase %s_%sCase;\n", t->camel, camel, t->name, camel);
        buf_printf(out, "#define %s_%s_NOT_SET %s__%s__NOT_SET\n", t->macro, upper, t->upper,
                   upper);
        for (size_t k = 0; k < t->message->n_field; k++) {
            const FieldProto *field = t->message->field[k];
            if (!field->has_oneof_index || (size_t)field->oneof_index != i)
                continue;
            const char *name = naming_convert(m->arena, field->name, NAMING_UPPER);
            buf_printf(out, "#define %s_%s_%s %s__%s_%s\n", t->macro, upper, name, t->upper, upper,
                       name);
        }
    }
}

static void emit_message(struct model *m, const struct type *t, struct buf *out)
{
    buf_printf(out, "/* %s */\n", t->full);
    buf_printf(out, "typedef %s %s;\n", t->camel, t->name);
    buf_printf(out, "#define %s_INIT %s__INIT\n", t->macro, t->upper);
    buf_printf(out, "#define %s_DESCRIPTOR (&%s__descriptor)\n", t->macro, t->lower);
    emit_oneofs(m, t, out);
    buf_put(out, STR("\n"));
}

/* One more than the highest number, or 0 when the enum is no index. */
static int enum_size(const EnumProto *e)
{
    int size = 0;
    for (size_t i = 0; i < e->n_value; i++) {
        int number = e->value[i]->number;
        if (number < 0 || number >= ENUM_N_MAX)
            return 0;
        if (number >= size)
            size = number + 1;
    }
    return size;
}

/* A top-level value keeps its name, which is unique in its package; one of a nested enum is only
 * unique in the message around it and gets that as prefix. */
static const char *value_name(struct model *m, const struct type *t, const char *value)
{
    return t->outer ? naming_text(m->arena, "%s_%s", t->outer->macro, value) : value;
}

static void emit_enum(struct model *m, const struct type *t, struct buf *out)
{
    buf_printf(out, "/* %s */\n", t->full);
    buf_printf(out, "typedef %s %s;\n", t->camel, t->name);
    for (size_t i = 0; i < t->enumeration->n_value; i++) {
        const char *value = t->enumeration->value[i]->name;
        buf_printf(out, "#define %s %s__%s\n", value_name(m, t, value), t->upper, value);
    }
    if (enum_size(t->enumeration) > 0)
        buf_printf(out, "#define %s_N %d /* highest number + 1 */\n", t->macro,
                   enum_size(t->enumeration));
    buf_printf(out, "#define %s_DESCRIPTOR (&%s__descriptor)\n", t->macro, t->lower);
    buf_printf(out,
               "/* The name in the .proto; \"UNRECOGNIZED\" for a number without one. */\n"
               "static inline const char *%s_name(%s value)\n"
               "{\n"
               "    const ProtobufCEnumValue *v =\n"
               "        protobuf_c_enum_descriptor_get_value(&%s__descriptor, (int)value);\n"
               "    return v ? v->name : \"UNRECOGNIZED\";\n"
               "}\n\n",
               t->snake, t->name, t->lower);
}

/* Two short names that one translation unit can see must differ. */
static void check_clashes(struct model *m, const struct file *f)
{
    for (size_t i = 0; i < m->n_types; i++) {
        const struct type *mine = &m->types[i];
        if (mine->file != f)
            continue;
        for (size_t k = 0; k < m->n_types; k++) {
            const struct type *other = &m->types[k];
            bool before = other->file == f ? k < i : f->sees[other->file->index];
            if (k != i && before &&
                (strcmp(mine->name, other->name) == 0 || strcmp(mine->macro, other->macro) == 0))
                model_error(m, f, &mine->place, "the short name %s of %s is also that of %s (%s)",
                            mine->name, mine->full, other->full, other->file->proto->name);
        }
    }
}

static void check_values(struct model *m, const struct type *t)
{
    for (size_t v = 0; v < t->enumeration->n_value; v++) {
        const char *name = value_name(m, t, t->enumeration->value[v]->name);
        struct place p = place_in(&t->place, TAG_ENUM_VALUE, v);
        for (size_t i = 0; i < m->n_types; i++) {
            const struct type *other = &m->types[i];
            str rest = str_of(name);
            if (other->file != t->file || !str_starts(rest, str_of(other->macro)))
                continue;
            rest = str_sub(rest, strlen(other->macro), rest.n);
            if (str_eq(rest, STR("_INIT")) || str_eq(rest, STR("_DESCRIPTOR")) ||
                str_eq(rest, STR("_N")))
                model_error(m, t->file, &p, "the short name %s is also a macro of %s", name,
                            other->full);
        }
    }
}

void emit_types(struct model *m, const struct file *f, struct buf *out)
{
    check_clashes(m, f);
    emit_guard_open(m, f, ".h", out);
    emit_includes(m, f, out);
    for (size_t i = 0; i < m->n_types; i++) {
        const struct type *t = &m->types[i];
        if (t->file != f)
            continue;
        if (t->message) {
            emit_message(m, t, out);
        } else {
            check_values(m, t);
            emit_enum(m, t, out);
        }
    }
    emit_guard_close(out);
}
