/* Maps are rare in requests: only a message that has one is copied and sorted, the others are
 * packed as they are. */
#include "schema/canonical.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/banned.h"
#include "schema/field.h"
#include "schema/wire.h"

static int by_key(const void *a, const void *b)
{
    const ProtobufCMessage *x = *(ProtobufCMessage *const *)a, *y = *(ProtobufCMessage *const *)b;
    const ProtobufCFieldDescriptor *key = &x->descriptor->fields[0];
    const void *p = field_at(x, key, 0), *q = field_at(y, key, 0);
    int64_t i, j;

    if (key->type == PROTOBUF_C_TYPE_STRING)
        return str_cmp(field_text(key, p), field_text(key, q));
    i = field_int(key, p);
    j = field_int(key, q);
    return (i > j) - (i < j);
}

/* Calls fn for every message that m holds; true: one of the calls said so. */
static bool any_below(const ProtobufCMessage *m, bool (*fn)(const ProtobufCMessage *))
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        size_t n = f->type == PROTOBUF_C_TYPE_MESSAGE && field_is_set(m, f) ? field_n(m, f) : 0;

        for (size_t k = 0; k < n; k++)
            if (fn(field_message(field_at(m, f, k))))
                return true;
    }
    return false;
}

static bool is_unordered(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    return field_is_map(f) && field_n(m, f) > 1;
}

static bool has_maps(const ProtobufCMessage *m)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++)
        if (is_unordered(m, &m->descriptor->fields[i]))
            return true;
    return any_below(m, has_maps);
}

/* Sorts the maps of m, which is our own copy, and of all below. */
static bool sort_maps(const ProtobufCMessage *m)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];

        if (is_unordered(m, f))
            qsort(*(void *const *)((const char *)m + f->offset), field_n(m, f), sizeof(void *),
                  by_key);
    }
    return any_below(m, sort_maps);
}

static ProtobufCMessage *shallow_copy(struct arena *a, const ProtobufCMessage *m)
{
    ProtobufCMessage *own = arena_alloc(a, m->descriptor->sizeof_message, alignof(max_align_t), 1);

    if (own)
        memcpy(own, m, m->descriptor->sizeof_message);
    return own;
}

bool canonical_pack(struct arena *a, const ProtobufCMessage *m, const char *except, str *out)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(m->descriptor, except);
    ProtobufCMessage *own = has_maps(m) ? message_copy(a, m) : shallow_copy(a, m);

    *out = (str){0};
    if (!own)
        return false;
    if (f && f->type == PROTOBUF_C_TYPE_STRING && f->label != PROTOBUF_C_LABEL_REPEATED)
        *(const char **)((char *)own + f->offset) = protobuf_c_empty_string;
    (void)sort_maps(own);
    return wire_pack(a, own, out);
}
