/* records.def as tables. Paths are resolved once, at first use, so that reading a column afterwards
 * is a few loads. A path that does not resolve is our mistake and stops the process. */
#include "store/record_info.h"

#include <assert.h>
#include <google/protobuf/timestamp.pb-c.h>
#include <limits.h>
#include <pthread.h>

#include "store/record_types.h"

enum { WORD_PATHS_MAX = 32 };

#define TENANT SCOPE_TENANT
#define SYSTEM SCOPE_SYSTEM
#define UNIQUE COLUMN_UNIQUE
#define DEDUPE COLUMN_DEDUPE
#define MAIL   COLUMN_MAIL
#define PHONE  COLUMN_PHONE
#define FILTER COLUMN_FILTER
#define ORDER  COLUMN_ORDER

static struct record_info kinds[RECORD_KINDS] = {
#define RECORD(k, name, ctype, descr, where, id, by)                                               \
    [RECORD_##k] = {.kind = RECORD_##k,                                                            \
                    .scope = (where),                                                              \
                    .table = #name,                                                                \
                    .order = (by),                                                                 \
                    .descriptor = &(descr)},
#define COLUMN(k, column, type, path, flags)
#define WORDS(k, path)
#include "store/records.def"
#undef RECORD
#undef COLUMN
#undef WORDS
};

static struct column_info columns[RECORD_COLUMNS] = {
#define RECORD(k, name, ctype, descr, where, id, by)
#define COLUMN(k, column, ctype, where, bits)                                                      \
    [k##_BY_##                                                                                     \
        column] = {.kind = RECORD_##k, .type = COLUMN_##ctype, .flags = (bits), .name = #column},
#define WORDS(k, path)
#include "store/records.def"
#undef RECORD
#undef COLUMN
#undef WORDS
};

static const char *const column_paths[RECORD_COLUMNS] = {
#define RECORD(k, name, ctype, descr, where, id, by)
#define COLUMN(k, column, type, path, flags) [k##_BY_##column] = (path),
#define WORDS(k, path)
#include "store/records.def"
#undef RECORD
#undef COLUMN
#undef WORDS
};

static const char *const id_paths[RECORD_KINDS] = {
#define RECORD(k, name, ctype, descr, where, id, by) [RECORD_##k] = (id),
#define COLUMN(k, column, type, path, flags)
#define WORDS(k, path)
#include "store/records.def"
#undef RECORD
#undef COLUMN
#undef WORDS
};

static const struct {
    enum record_kind kind;
    const char *path;
} word_texts[] = {
#define RECORD(k, name, ctype, descr, where, id, by)
#define COLUMN(k, column, type, path, flags)
#define WORDS(k, path) {RECORD_##k, (path)},
#include "store/records.def"
#undef RECORD
#undef COLUMN
#undef WORDS
};

static struct field_path word_paths[WORD_PATHS_MAX];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *d, str name)
{
    for (unsigned i = 0; i < d->n_fields; i++)
        if (str_eq(str_of(d->fields[i].name), name))
            return &d->fields[i];
    return NULL;
}

static struct field_path resolve(const ProtobufCMessageDescriptor *d, const char *path)
{
    struct field_path out = {0};
    str rest = str_of(path);

    while (rest.n) {
        str name = str_cut(&rest, '.');

        assert(d && out.n < FIELD_PATH_STEPS);
        out.steps[out.n] = field_of(d, name);
        assert(out.steps[out.n]);
        d = out.steps[out.n]->type == PROTOBUF_C_TYPE_MESSAGE ? out.steps[out.n]->descriptor : NULL;
        out.n++;
    }
    assert(out.n > 0);
    return out;
}

/* The path of the field `name` beside the one that `id` leads to; empty when there is none. */
static struct field_path beside(const struct record_info *k, const char *name)
{
    struct field_path p = k->id;
    const ProtobufCMessageDescriptor *d = p.n > 1 ? p.steps[p.n - 2]->descriptor : k->descriptor;

    p.steps[p.n - 1] = field_of(d, str_of(name));
    return p.steps[p.n - 1] ? p : (struct field_path){0};
}

static void resolve_kind(struct record_info *k)
{
    k->id = resolve(k->descriptor, id_paths[k->kind]);
    assert(k->id.n > 0 && k->id.steps[k->id.n - 1]->type == PROTOBUF_C_TYPE_STRING);
    k->etag = beside(k, "etag");
    k->create_time = beside(k, "create_time");
    k->update_time = beside(k, "update_time");
}

static void resolve_all(void)
{
    size_t n_words = sizeof word_texts / sizeof *word_texts;

    assert(n_words <= WORD_PATHS_MAX);
    for (int i = RECORD_NONE + 1; i < RECORD_KINDS; i++)
        resolve_kind(&kinds[i]);
    for (int i = COLUMN_NONE + 1; i < RECORD_COLUMNS; i++) {
        struct record_info *k = &kinds[columns[i].kind];

        columns[i].path = resolve(k->descriptor, column_paths[i]);
        if (!k->n_columns)
            k->columns = &columns[i];
        k->n_columns++;
        k->has_dedupe |= (columns[i].flags & COLUMN_DEDUPE) != 0;
    }
    for (size_t i = 0; i < n_words; i++) {
        struct record_info *k = &kinds[word_texts[i].kind];

        word_paths[i] = resolve(k->descriptor, word_texts[i].path);
        if (!k->n_words)
            k->words = &word_paths[i];
        k->n_words++;
    }
}

const struct record_info *record_info(enum record_kind kind)
{
    assert(kind > RECORD_NONE && kind < RECORD_KINDS);
    pthread_once(&once, resolve_all);
    return &kinds[kind];
}

const struct column_info *column_info(enum record_column column)
{
    assert(column > COLUMN_NONE && column < RECORD_COLUMNS);
    pthread_once(&once, resolve_all);
    return &columns[column];
}

enum record_kind record_kind_of(str table)
{
    for (int i = RECORD_NONE + 1; i < RECORD_KINDS; i++)
        if (str_eq(str_of(kinds[i].table), table))
            return (enum record_kind)i;
    return RECORD_NONE;
}

size_t column_index(enum record_column column)
{
    return (size_t)(column_info(column) - record_info(columns[column].kind)->columns);
}

static const void *member(const void *m, const ProtobufCFieldDescriptor *f)
{
    return (const char *)m + f->offset;
}

static int64_t time_us(const Google__Protobuf__Timestamp *t)
{
    const int64_t most = INT64_MAX / 1000000 - 1;
    int64_t s = t->seconds > most ? most : t->seconds < -most ? -most : t->seconds;

    return s * 1000000 + t->nanos / 1000;
}

static void read_text(struct field_value *v, const char *text)
{
    v->text = str_of(text);
    v->is_set = v->text.n > 0;
}

static void read_scalar(struct field_value *v, const ProtobufCFieldDescriptor *f, const void *p)
{
    v->is_set = true;
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: v->number = *(const int64_t *)p; return;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        v->number = *(const uint64_t *)p > INT64_MAX ? INT64_MAX : (int64_t) * (const uint64_t *)p;
        return;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32: v->number = *(const uint32_t *)p; return;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32: v->number = *(const int32_t *)p; return;
    case PROTOBUF_C_TYPE_ENUM: v->number = *(const int *)p; return;
    case PROTOBUF_C_TYPE_BOOL: v->number = *(const protobuf_c_boolean *)p != 0; return;
    case PROTOBUF_C_TYPE_STRING: read_text(v, *(char *const *)p); return;
    case PROTOBUF_C_TYPE_BYTES:
        v->text = (str){(const char *)((const ProtobufCBinaryData *)p)->data,
                        ((const ProtobufCBinaryData *)p)->len};
        v->is_set = v->text.n > 0;
        return;
    case PROTOBUF_C_TYPE_MESSAGE: v->is_set = *(void *const *)p != NULL; break;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE: assert(false && "no column has this type"); return;
    }
    if (v->is_set) {
        assert(f->descriptor == &google__protobuf__timestamp__descriptor);
        v->number = time_us(*(Google__Protobuf__Timestamp *const *)p);
    }
}

/* The message that holds the path's last field; NULL: it is missing. */
static const void *parent_of(const ProtobufCMessage *m, const struct field_path *path)
{
    const void *at = m;

    for (size_t i = 0; at && i + 1 < path->n; i++)
        at = *(void *const *)member(at, path->steps[i]);
    return at;
}

struct field_value field_read(const ProtobufCMessage *m, const struct field_path *path)
{
    struct field_value v = {0};
    const void *at = parent_of(m, path);
    const ProtobufCFieldDescriptor *f = path->steps[path->n - 1];

    if (!at)
        return v;
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        assert(f->type == PROTOBUF_C_TYPE_STRING);
        v.n_tags = *(const size_t *)((const char *)at + f->quantifier_offset);
        v.tags = *(const char *const *const *)member(at, f);
        v.is_set = v.n_tags > 0;
        return v;
    }
    read_scalar(&v, f, member(at, f));
    return v;
}

/* The texts of one message: all of a repeated field, or one. */
static size_t put_texts(const ProtobufCMessage *m, const struct field_path *path, str *out,
                        size_t max)
{
    struct field_value v = field_read(m, path);
    size_t n = 0;

    if (v.text.n && max)
        out[n++] = v.text;
    for (size_t i = 0; i < v.n_tags && n < max; i++)
        if (*v.tags[i])
            out[n++] = str_of(v.tags[i]);
    return n;
}

size_t field_texts(const ProtobufCMessage *m, const struct field_path *path, str *out, size_t max)
{
    const ProtobufCFieldDescriptor *f = path->steps[0];
    struct field_path rest = {.n = path->n - 1};
    ProtobufCMessage *const *items;
    size_t n = 0, n_items;

    if (path->n == 1 || f->label != PROTOBUF_C_LABEL_REPEATED)
        return put_texts(m, path, out, max);
    for (size_t i = 0; i < rest.n; i++)
        rest.steps[i] = path->steps[i + 1];
    n_items = *(const size_t *)((const char *)m + f->quantifier_offset);
    items = *(ProtobufCMessage *const *const *)member(m, f);
    for (size_t i = 0; i < n_items; i++)
        n += put_texts(items[i], &rest, out + n, max - n);
    return n;
}

bool field_set_text(ProtobufCMessage *m, const struct field_path *path, char *text)
{
    char *at = (char *)parent_of(m, path);

    if (at)
        *(char **)(at + path->steps[path->n - 1]->offset) = text;
    return at != NULL;
}

bool field_set_time(ProtobufCMessage *m, const struct field_path *path,
                    Google__Protobuf__Timestamp *t, int64_t us)
{
    char *at = (char *)parent_of(m, path);
    int64_t seconds = us / 1000000 - (us % 1000000 < 0);

    google__protobuf__timestamp__init(t);
    t->seconds = seconds;
    t->nanos = (int32_t)(us - seconds * 1000000) * 1000;
    if (at)
        *(Google__Protobuf__Timestamp **)(at + path->steps[path->n - 1]->offset) = t;
    return at != NULL;
}

/* Bytes of the prefix that all enumerators share up to an underscore: "LEAD_STATUS_". */
static size_t enum_prefix(const ProtobufCEnumDescriptor *d)
{
    const char *first = d->values[0].name;
    size_t n = strlen(first), keep = 0;

    for (unsigned i = 1; i < d->n_values; i++) {
        size_t same = 0;

        while (same < n && d->values[i].name[same] == first[same])
            same++;
        n = same;
    }
    for (size_t i = 0; i < n; i++)
        if (first[i] == '_')
            keep = i + 1;
    return keep;
}

bool column_enum_number(const struct column_info *column, str name, int64_t *out)
{
    const ProtobufCEnumDescriptor *d = column->path.steps[column->path.n - 1]->descriptor;
    size_t prefix;

    assert(column->type == COLUMN_ENUM && d->n_values > 0);
    prefix = enum_prefix(d);
    for (unsigned i = 0; i < d->n_values; i++) {
        str full = str_of(d->values[i].name);

        if (str_eq_nocase(full, name) || str_eq_nocase(str_sub(full, prefix, full.n), name)) {
            *out = d->values[i].value;
            return true;
        }
    }
    return false;
}
