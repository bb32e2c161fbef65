/* Replies to text, through descriptors: a column of a table is a path and nothing more. */
#include "ctl/show.h"

#include <assert.h>

#include "base/banned.h"
#include "base/buf.h"
#include "ctl/amount.h"
#include "ctl/path.h"
#include "ctl/when.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/protobuf/timestamp.pb-c.h"
#include "sales/v1/common.pb-c.h"
#include "schema/field.h"

enum { LIST_SHOWN_MAX = 20, TEXT_BYTES = 64 << 10 };

static void put_message(struct buf *b, const ProtobufCMessage *m);

static void put_number(struct buf *b, const ProtobufCFieldDescriptor *f, const void *value,
                       enum show how)
{
    bool real = f->type == PROTOBUF_C_TYPE_DOUBLE || f->type == PROTOBUF_C_TYPE_FLOAT;
    double d = real ? field_real(f, value) : (double)field_int(f, value);

    switch (how) {
    case SHOW_PERCENT: buf_printf(b, "%.0f %%", d * 100); break;
    case SHOW_DAYS: buf_printf(b, "%.1f d", d); break;
    case SHOW_POINTS: buf_printf(b, "%+.1f", d / 1000); break;
    case SHOW_PLAIN:
        if (real)
            buf_printf(b, "%.10g", d);
        else
            buf_printf(b, "%lld", (long long)field_int(f, value));
        break;
    }
}

static void put_value(struct buf *b, const ProtobufCFieldDescriptor *f, const void *value,
                      enum show how)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: buf_put(b, field_text(f, value)); break;
    case PROTOBUF_C_TYPE_BYTES: buf_printf(b, "%zu bytes", field_text(f, value).n); break;
    case PROTOBUF_C_TYPE_BOOL: buf_put(b, field_int(f, value) ? STR("yes") : STR("no")); break;
    case PROTOBUF_C_TYPE_ENUM:
        if (field_int(f, value))
            buf_put(b, str_of(enum_word(b->arena, f->descriptor, (int)field_int(f, value))));
        break;
    case PROTOBUF_C_TYPE_MESSAGE: put_message(b, field_message(value)); break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE: put_number(b, f, value, how); break;
    }
}

static void put_member(struct buf *b, const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                       enum show how)
{
    size_t n = f->label == PROTOBUF_C_LABEL_REPEATED || field_is_set(m, f) ? field_n(m, f) : 0;

    for (size_t i = 0; i < n && i < LIST_SHOWN_MAX; i++) {
        if (i)
            buf_put(b, STR(", "));
        put_value(b, f, field_at(m, f, i), how);
    }
    if (n > LIST_SHOWN_MAX)
        buf_printf(b, " and %zu more", n - LIST_SHOWN_MAX);
}

/* An entry of a map is "key=value", anything else its set members. One level: the contract's are.
 */
static void put_members(struct buf *b, const ProtobufCMessage *m)
{
    const ProtobufCMessageDescriptor *d = m->descriptor;
    bool entry = d->n_fields == 2 && strcmp(d->fields[0].name, "key") == 0;
    bool first = true;

    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];

        if (!field_is_set(m, f) && !entry)
            continue;
        if (!first)
            buf_put(b, entry ? STR("=") : STR(" "));
        first = false;
        put_member(b, m, f, SHOW_PLAIN);
    }
}

static void put_message(struct buf *b, const ProtobufCMessage *m)
{
    if (!m)
        return;
    if (m->descriptor == &google__protobuf__timestamp__descriptor) {
        buf_put(b, str_of(when_text(
                       b->arena, ((const Google__Protobuf__Timestamp *)(const void *)m)->seconds)));
    } else if (m->descriptor == &google__protobuf__duration__descriptor) {
        const Google__Protobuf__Duration *d = (const void *)m;
        buf_put(b, str_of(when_span_text(b->arena, d->seconds * 1000000 + d->nanos / 1000)));
    } else if (m->descriptor == &sales__v1__money__descriptor) {
        const Sales__V1__Money *money = (const void *)m;
        buf_put(b, str_of(amount_text(b->arena, money->amount_minor, money->currency_code)));
    } else {
        put_members(b, m);
    }
}

const char *show_field(struct arena *a, const ProtobufCMessage *m, const char *path, enum show how)
{
    const ProtobufCFieldDescriptor *f;
    const ProtobufCMessage *holder;
    struct buf b;
    bool found = path_find(m, path, &holder, &f);

    assert(found); /* paths are rows of our tables; a test walks them all */
    if (!found || !holder)
        return "";
    buf_init(&b, a, TEXT_BYTES);
    put_member(&b, holder, f, how);
    return buf_str(&b).n ? buf_str(&b).p : "";
}

void show_list(struct arena *a, const struct term *t, const struct view *v,
               const ProtobufCMessage *reply)
{
    struct grid_column columns[GRID_COLUMNS_MAX];
    const ProtobufCFieldDescriptor *f;
    const ProtobufCMessage *holder;
    bool found = path_find(reply, v->path, &holder, &f);
    struct grid g;

    assert(found && holder && v->n_columns <= GRID_COLUMNS_MAX);
    if (!found || field_n(holder, f) == 0) {
        fprintf(t->file, "%s\n", v->nothing);
        return;
    }
    for (size_t c = 0; c < v->n_columns; c++)
        columns[c] =
            (struct grid_column){v->columns[c].title, v->columns[c].align, v->columns[c].most};
    grid_init(&g, a, columns, v->n_columns);
    for (size_t i = 0; i < field_n(holder, f) && grid_row(&g); i++)
        for (size_t c = 0; c < v->n_columns; c++)
            grid_set(&g, c,
                     show_field(a, field_message(field_at(holder, f, i)), v->columns[c].path,
                                v->columns[c].show));
    grid_print(&g, t, 0);
}

static const ProtobufCMessage *item_of(const struct view *v, const ProtobufCMessage *reply)
{
    const ProtobufCFieldDescriptor *f;
    const ProtobufCMessage *holder;
    bool found;

    if (!*v->path)
        return reply;
    found = path_find(reply, v->path, &holder, &f);
    assert(found && f->type == PROTOBUF_C_TYPE_MESSAGE);
    return found && holder ? field_message(field_at(holder, f, 0)) : NULL;
}

void show_item(struct arena *a, const struct term *t, const struct view *v,
               const ProtobufCMessage *reply)
{
    const ProtobufCMessage *item = item_of(v, reply);
    int width = 0;

    if (!item) {
        fprintf(t->file, "%s\n", v->nothing);
        return;
    }
    for (size_t c = 0; c < v->n_columns; c++) {
        int w = text_width(str_of(v->columns[c].title));
        width = w > width ? w : width;
    }
    for (size_t c = 0; c < v->n_columns; c++) {
        const char *text = show_field(a, item, v->columns[c].path, v->columns[c].show);

        if (*text)
            fprintf(t->file, "%s%-*s%s  %s\n", term_ink(t, INK_DIM), width, v->columns[c].title,
                    term_ink(t, INK_PLAIN), text_clean(a, str_of(text), TERM_COLUMNS_PIPE));
    }
}
