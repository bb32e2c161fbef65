/* Two sorted tables made once at start: symbols by name, extensions by type and number. */
#include "rpc/descriptors.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"

typedef Google__Protobuf__FileDescriptorProto FileProto;
typedef Google__Protobuf__DescriptorProto MessageProto;
typedef Google__Protobuf__EnumDescriptorProto EnumProto;
typedef Google__Protobuf__FieldDescriptorProto FieldProto;

enum { NAMES_BYTES_MAX = 64 << 20, DEPTH_MAX = 32 };

struct symbol {
    const char *name;
    size_t file;
};

struct extension {
    const char *type; /* without the leading dot */
    int32_t number;
    size_t file;
};

struct descriptors {
    Google__Protobuf__FileDescriptorSet *set;
    str *files;         /* [set->n_file] the bytes of each */
    struct arena names; /* owns the tables' texts */
    struct symbol *symbols;
    size_t n_symbols, cap_symbols;
    struct extension *extensions;
    size_t n_extensions, cap_extensions;
    bool failed; /* out of memory */
};

static void *grow(struct descriptors *d, void *old, size_t n, size_t *cap, size_t size)
{
    void *p;

    if (n < *cap)
        return old;
    *cap = *cap ? *cap * 2 : 256;
    if ((p = realloc(old, *cap * size)) == NULL) {
        d->failed = true;
        return old;
    }
    return p;
}

/* Remembers scope.name and returns it; NULL: out of memory. */
static const char *note(struct descriptors *d, const char *scope, const char *name, size_t file)
{
    const char *full = scope[0] ? arena_printf(&d->names, "%s.%s", scope, name)
                                : arena_cstr(&d->names, str_of(name));

    d->symbols = grow(d, d->symbols, d->n_symbols, &d->cap_symbols, sizeof *d->symbols);
    d->failed |= !full;
    if (d->failed)
        return NULL;
    d->symbols[d->n_symbols++] = (struct symbol){full, file};
    return full;
}

static void note_enum(struct descriptors *d, const char *scope, const EnumProto *e, size_t file)
{
    note(d, scope, e->name, file);
    for (size_t i = 0; i < e->n_value; i++) /* values live beside their enum, not inside */
        note(d, scope, e->value[i]->name, file);
}

static void note_extension(struct descriptors *d, const char *scope, const FieldProto *f,
                           size_t file)
{
    const char *type = f->extendee && f->extendee[0] == '.' ? f->extendee + 1 : f->extendee;

    note(d, scope, f->name, file);
    d->extensions =
        grow(d, d->extensions, d->n_extensions, &d->cap_extensions, sizeof *d->extensions);
    if (!d->failed && type)
        d->extensions[d->n_extensions++] = (struct extension){type, f->number, file};
}

/* Nested types are walked with a stack of our own: how deep they go is the input's choice. */
static void note_message(struct descriptors *d, const char *package, const MessageProto *top,
                         size_t file)
{
    struct frame {
        const MessageProto *m;
        const char *full;
        size_t next;
    } stack[DEPTH_MAX];
    size_t depth = 0;

    stack[depth++] = (struct frame){top, note(d, package, top->name, file), 0};
    while (depth && !d->failed) {
        struct frame *f = &stack[depth - 1];
        const MessageProto *m = f->m;

        if (f->next == 0) {
            for (size_t i = 0; i < m->n_field; i++)
                note(d, f->full, m->field[i]->name, file);
            for (size_t i = 0; i < m->n_oneof_decl; i++)
                note(d, f->full, m->oneof_decl[i]->name, file);
            for (size_t i = 0; i < m->n_enum_type; i++)
                note_enum(d, f->full, m->enum_type[i], file);
            for (size_t i = 0; i < m->n_extension; i++)
                note_extension(d, f->full, m->extension[i], file);
        }
        if (f->next == m->n_nested_type || depth == DEPTH_MAX) {
            depth--;
            continue;
        }
        m = m->nested_type[f->next++];
        stack[depth] = (struct frame){m, note(d, f->full, m->name, file), 0};
        depth += !d->failed;
    }
}

static void note_file(struct descriptors *d, const FileProto *f, size_t file)
{
    const char *package = f->package ? f->package : "";

    for (size_t i = 0; i < f->n_message_type; i++)
        note_message(d, package, f->message_type[i], file);
    for (size_t i = 0; i < f->n_enum_type; i++)
        note_enum(d, package, f->enum_type[i], file);
    for (size_t i = 0; i < f->n_extension; i++)
        note_extension(d, package, f->extension[i], file);
    for (size_t i = 0; i < f->n_service; i++) {
        const char *service = note(d, package, f->service[i]->name, file);

        for (size_t k = 0; service && k < f->service[i]->n_method; k++)
            note(d, service, f->service[i]->method[k]->name, file);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct symbol *)a)->name, ((const struct symbol *)b)->name);
}

static int by_type(const void *a, const void *b)
{
    const struct extension *x = a, *y = b;
    int order = strcmp(x->type, y->type);

    return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* Field 1 of the set, again and again: tag, length, bytes. It unpacked before, so it is
 * well-formed. */
static void slice_files(struct descriptors *d, str bytes)
{
    const unsigned char *p = (const unsigned char *)bytes.p, *end = p + bytes.n;

    for (size_t i = 0; i < d->set->n_file && p < end; i++) {
        size_t n = 0;

        p++;
        for (unsigned shift = 0; p < end; shift += 7) {
            n |= (size_t)(*p & 127) << shift;
            if (!(*p++ & 128))
                break;
        }
        d->files[i] = (str){(const char *)p, n};
        p += n;
    }
}

enum status descriptors_new(str bytes, struct descriptors **out)
{
    struct descriptors *d = calloc(1, sizeof *d);
    enum status st = STATUS_EXHAUSTED;

    *out = NULL;
    if (!d)
        return st;
    arena_init(&d->names, NAMES_BYTES_MAX);
    d->set = google__protobuf__file_descriptor_set__unpack(NULL, bytes.n, (const uint8_t *)bytes.p);
    if (!d->set) {
        st = STATUS_INVALID;
        goto out;
    }
    if ((d->files = calloc(d->set->n_file + 1, sizeof *d->files)) == NULL)
        goto out;
    slice_files(d, bytes);
    for (size_t i = 0; i < d->set->n_file; i++)
        note_file(d, d->set->file[i], i);
    if (d->failed)
        goto out;
    if (d->n_symbols)
        qsort(d->symbols, d->n_symbols, sizeof *d->symbols, by_name);
    if (d->n_extensions)
        qsort(d->extensions, d->n_extensions, sizeof *d->extensions, by_type);
    *out = d;
    d = NULL;
    st = STATUS_OK;
out:
    descriptors_free(d);
    return st;
}

void descriptors_free(struct descriptors *d)
{
    if (!d)
        return;
    if (d->set)
        google__protobuf__file_descriptor_set__free_unpacked(d->set, NULL);
    free(d->files);
    free(d->symbols);
    free(d->extensions);
    arena_release(&d->names);
    free(d);
}

size_t descriptors_n_files(const struct descriptors *d)
{
    return d->set->n_file;
}

str descriptors_file(const struct descriptors *d, size_t file)
{
    return d->files[file];
}

const FileProto *descriptors_proto(const struct descriptors *d, size_t file)
{
    return d->set->file[file];
}

bool descriptors_find_file(const struct descriptors *d, const char *name, size_t *file_out)
{
    for (size_t i = 0; i < d->set->n_file; i++) {
        *file_out = i;
        if (strcmp(d->set->file[i]->name, name) == 0)
            return true;
    }
    return false;
}

bool descriptors_find_symbol(const struct descriptors *d, const char *symbol, size_t *file_out)
{
    struct symbol want = {symbol, 0};
    const struct symbol *found =
        d->n_symbols ? bsearch(&want, d->symbols, d->n_symbols, sizeof want, by_name) : NULL;

    *file_out = found ? found->file : 0;
    return found;
}

bool descriptors_find_extension(const struct descriptors *d, const char *type, int32_t number,
                                size_t *file_out)
{
    struct extension want = {type, number, 0};
    const struct extension *found =
        d->n_extensions ? bsearch(&want, d->extensions, d->n_extensions, sizeof want, by_type)
                        : NULL;

    *file_out = found ? found->file : 0;
    return found;
}

size_t descriptors_extensions(const struct descriptors *d, const char *type, int32_t *out,
                              size_t cap)
{
    size_t n = 0;

    for (size_t i = 0; i < d->n_extensions; i++) {
        if (strcmp(d->extensions[i].type, type) != 0)
            continue;
        if (n < cap)
            out[n] = d->extensions[i].number;
        n++;
    }
    return n;
}
