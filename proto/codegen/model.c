/* model: two passes over the request: files with what they import, then types in a flat table. */
#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "naming.h"

enum {
    TAG_FILE_MESSAGE = 4, /* field numbers of descriptor.proto, for places */
    TAG_FILE_ENUM = 5,
    TAG_MESSAGE_NESTED = 3,
    TAG_MESSAGE_ENUM = 4,
    ERRORS_BYTES_MAX = 1 << 20,
};

void *model_alloc(struct model *m, size_t size, size_t count)
{
    void *p = arena_alloc(m->arena, size, alignof(max_align_t), count);
    if (!p) {
        fprintf(stderr, "protoc-gen-sales: out of memory\n");
        exit(1);
    }
    return p;
}

struct place place_in(const struct place *around, int32_t tag, size_t i)
{
    struct place p = *around;
    if (p.n + 2 <= MODEL_PATH_MAX) {
        p.at[p.n++] = tag;
        p.at[p.n++] = (int32_t)i;
    }
    return p;
}

static size_t count_messages(MessageProto *const *list, size_t n)
{
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total +=
            1 + list[i]->n_enum_type + count_messages(list[i]->nested_type, list[i]->n_nested_type);
    return total;
}

static struct type *add_type(struct model *m, const struct file *f, const struct type *outer,
                             const char *name)
{
    struct arena *a = m->arena;
    struct type *t = &m->types[m->n_types++];
    const char *package = f->proto->package ? f->proto->package : "";
    const char *around = outer ? outer->full : package;
    const char *full = naming_text(a, "%s%s%s", around, *around ? "." : "", name);
    const char *local = full + strlen(package) + (*package ? 1 : 0);
    *t = (struct type){.file = f,
                       .outer = outer,
                       .full = full,
                       .camel = naming_path(a, full, NAMING_CAMEL, "__"),
                       .lower = naming_path(a, full, NAMING_LOWER, "__"),
                       .upper = naming_path(a, full, NAMING_UPPER, "__"),
                       .name = naming_join(a, local, "_"),
                       .snake = naming_path(a, local, NAMING_LOWER, "_"),
                       .macro = naming_path(a, local, NAMING_UPPER, "_")};
    return t;
}

static void add_enums(struct model *m, const struct file *f, const struct type *outer,
                      EnumProto *const *list, size_t n)
{
    static const struct place nowhere;
    for (size_t i = 0; i < n; i++) {
        struct type *t = add_type(m, f, outer, list[i]->name);
        t->enumeration = list[i];
        t->place =
            place_in(outer ? &outer->place : &nowhere, outer ? TAG_MESSAGE_ENUM : TAG_FILE_ENUM, i);
    }
}

/* Depth is bounded by protoc's own limit on nesting. */
static void add_messages(struct model *m, const struct file *f, const struct type *outer,
                         MessageProto *const *list, size_t n)
{
    static const struct place nowhere;
    for (size_t i = 0; i < n; i++) {
        struct type *t = add_type(m, f, outer, list[i]->name);
        t->message = list[i];
        t->is_map_entry = list[i]->options && list[i]->options->map_entry;
        t->place = place_in(outer ? &outer->place : &nowhere,
                            outer ? TAG_MESSAGE_NESTED : TAG_FILE_MESSAGE, i);
        add_enums(m, f, t, list[i]->enum_type, list[i]->n_enum_type);
        add_messages(m, f, t, list[i]->nested_type, list[i]->n_nested_type);
    }
}

static void add_file(struct model *m, const FileProto *proto)
{
    struct file *f = &m->files[m->n_files];
    str base = str_of(proto->name);
    if (str_ends(base, STR(".proto")))
        base.n -= sizeof ".proto" - 1;
    *f = (struct file){
        .proto = proto, .index = m->n_files, .base = naming_text(m->arena, STR_FMT, STR_ARG(base))};
    m->n_files++;
}

static void link_imports(struct model *m, struct file *f)
{
    f->sees = model_alloc(m, sizeof *f->sees, m->n_files);
    f->sees[f->index] = true;
    for (size_t i = 0; i < f->proto->n_dependency; i++) {
        const struct file *import = model_file(m, f->proto->dependency[i]);
        for (size_t k = 0; import && k < m->n_files; k++)
            f->sees[k] |= import->sees[k];
    }
}

void model_build(struct model *m, struct arena *a, const Request *request)
{
    *m = (struct model){.arena = a};
    buf_init(&m->errors, a, ERRORS_BYTES_MAX);
    m->files = model_alloc(m, sizeof *m->files, request->n_proto_file);
    size_t n_types = 0;
    for (size_t i = 0; i < request->n_proto_file; i++) {
        const FileProto *proto = request->proto_file[i];
        add_file(m, proto);
        n_types += proto->n_enum_type + count_messages(proto->message_type, proto->n_message_type);
    }
    m->types = model_alloc(m, sizeof *m->types, n_types);
    for (size_t i = 0; i < m->n_files; i++) {
        struct file *f = &m->files[i];
        link_imports(m, f);
        add_enums(m, f, NULL, f->proto->enum_type, f->proto->n_enum_type);
        add_messages(m, f, NULL, f->proto->message_type, f->proto->n_message_type);
    }
}

const struct file *model_file(const struct model *m, const char *path)
{
    for (size_t i = 0; i < m->n_files; i++)
        if (strcmp(m->files[i].proto->name, path) == 0)
            return &m->files[i];
    return NULL;
}

const struct type *model_type(const struct model *m, const char *name)
{
    if (*name == '.')
        name++;
    for (size_t i = 0; i < m->n_types; i++)
        if (strcmp(m->types[i].full, name) == 0)
            return &m->types[i];
    return NULL;
}

/* 1-based; 0 when protoc did not say. */
static int line_of(const struct file *f, const struct place *p)
{
    const Google__Protobuf__SourceCodeInfo *info = f->proto->source_code_info;
    for (size_t i = 0; info && i < info->n_location; i++) {
        const Google__Protobuf__SourceCodeInfo__Location *l = info->location[i];
        if (l->n_path == p->n && l->n_span > 0 &&
            memcmp(l->path, p->at, p->n * sizeof p->at[0]) == 0)
            return l->span[0] + 1;
    }
    return 0;
}

void model_error(struct model *m, const struct file *f, const struct place *p, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    buf_printf(&m->errors, "%s:%d: %s\n", f->proto->name, line_of(f, p), text);
}

static void use(const struct model *m, const char *type_name, bool *used)
{
    const struct type *t = model_type(m, type_name);
    if (t)
        used[t->file->index] = true;
}

void model_uses(const struct model *m, const struct file *f, unsigned uses, bool *used)
{
    for (size_t i = 0; i < m->n_types && (uses & MODEL_FIELDS); i++) {
        const struct type *t = &m->types[i];
        for (size_t k = 0; t->file == f && t->message && k < t->message->n_field; k++)
            if (t->message->field[k]->type_name)
                use(m, t->message->field[k]->type_name, used);
    }
    for (size_t i = 0; i < f->proto->n_service && (uses & MODEL_METHODS); i++) {
        const ServiceProto *s = f->proto->service[i];
        for (size_t k = 0; k < s->n_method; k++) {
            use(m, s->method[k]->input_type, used);
            use(m, s->method[k]->output_type, used);
        }
    }
}
