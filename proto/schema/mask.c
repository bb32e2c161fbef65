/* Field masks over protobuf-c descriptors: one resolver for paths, one copier for fields. */
#include "schema/mask.h"

#include <assert.h>
#include <stdio.h>

#include "schema/field.h"

enum { PATH_DEPTH_MAX = 8 };

static void *at(const ProtobufCMessage *m, unsigned offset)
{
    return (char *)m + offset;
}

static bool is_oneof(const ProtobufCFieldDescriptor *f)
{
    return (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

static void clear(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        *(size_t *)at(m, f->quantifier_offset) = 0;
        *(void **)at(m, f->offset) = NULL;
        return;
    }
    if (is_oneof(f)) {
        if (field_is_set(m, f))
            *(uint32_t *)at(m, f->quantifier_offset) = 0;
        return;
    }
    memset(at(m, f->offset), 0, field_size(f->type));
    if (f->type == PROTOBUF_C_TYPE_STRING)
        *(const char **)at(m, f->offset) = protobuf_c_empty_string;
}

/* The whole field, shared with src. */
static void copy(const ProtobufCMessage *src, ProtobufCMessage *dst,
                 const ProtobufCFieldDescriptor *f)
{
    if (!field_is_set(src, f)) {
        clear(dst, f);
        return;
    }
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        *(size_t *)at(dst, f->quantifier_offset) = *(size_t *)at(src, f->quantifier_offset);
        *(void **)at(dst, f->offset) = *(void **)at(src, f->offset);
        return;
    }
    if (is_oneof(f))
        *(uint32_t *)at(dst, f->quantifier_offset) = f->id;
    memcpy(at(dst, f->offset), at(src, f->offset), field_size(f->type));
}

static const ProtobufCMessageDescriptor *sub(const ProtobufCFieldDescriptor *f)
{
    return f->type == PROTOBUF_C_TYPE_MESSAGE ? f->descriptor : NULL;
}

/* Messages that are one value to people: replaced, never merged. */
static bool is_value(const ProtobufCMessageDescriptor *d)
{
    return str_starts(str_of(d->name), STR("google.protobuf."));
}

static bool has_oneof(const ProtobufCMessageDescriptor *d)
{
    for (unsigned i = 0; i < d->n_fields; i++)
        if (is_oneof(&d->fields[i]))
            return true;
    return false;
}

static ProtobufCMessage *map_find(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
                                  str key, size_t *index_out)
{
    size_t n = *(size_t *)at(m, f->quantifier_offset);
    ProtobufCMessage **entries = *(ProtobufCMessage ***)at(m, f->offset);

    for (size_t i = 0; i < n; i++) {
        const char *k = *(char **)at(entries[i], sub(f)->fields[0].offset);

        if (str_eq(str_of(k), key)) {
            *index_out = i;
            return entries[i];
        }
    }
    *index_out = n;
    return NULL;
}

/* Sets, replaces or (entry NULL) removes one key of dst's map. */
static enum status map_put(struct call *c, ProtobufCMessage *dst, const ProtobufCFieldDescriptor *f,
                           str key, ProtobufCMessage *entry)
{
    size_t n = *(size_t *)at(dst, f->quantifier_offset), i;
    ProtobufCMessage **old = *(ProtobufCMessage ***)at(dst, f->offset), **entries;
    bool there = map_find(dst, f, key, &i) != NULL;

    if (!there && !entry)
        return STATUS_OK;
    if ((entries = NEW(&c->arena, ProtobufCMessage *, n + 1)) == NULL)
        return call_nomem(c);
    for (size_t k = 0; k < n; k++)
        entries[k] = old[k];
    if (entry) {
        entries[i] = entry;
        n += !there;
    } else {
        entries[i] = entries[--n];
    }
    *(size_t *)at(dst, f->quantifier_offset) = n;
    *(ProtobufCMessage ***)at(dst, f->offset) = n ? entries : NULL;
    return STATUS_OK;
}

/* dst's own copy of the sub-message, so that a change below does not reach src or a shared parent.
 */
static enum status own(struct call *c, ProtobufCMessage *dst, const ProtobufCFieldDescriptor *f,
                       ProtobufCMessage **out)
{
    const ProtobufCMessageDescriptor *d = sub(f);
    ProtobufCMessage *old = *(ProtobufCMessage **)at(dst, f->offset);
    bool had = field_is_set(dst, f);

    if ((*out = arena_alloc(&c->arena, d->sizeof_message, alignof(max_align_t), 1)) == NULL)
        return call_nomem(c);
    if (had)
        memcpy(*out, old, d->sizeof_message);
    else
        d->message_init(*out);
    *(ProtobufCMessage **)at(dst, f->offset) = *out;
    if (is_oneof(f))
        *(uint32_t *)at(dst, f->quantifier_offset) = f->id;
    return STATUS_OK;
}

static bool listed(const char *const *names, const char *name)
{
    for (; names && *names; names++)
        if (str_eq(str_of(*names), str_of(name)))
            return true;
    return false;
}

enum merge { MERGE_OVERWRITE, MERGE_FILL };

static enum status merge_map(struct call *c, enum merge how, const ProtobufCMessage *src,
                             ProtobufCMessage *dst, const ProtobufCFieldDescriptor *f)
{
    size_t n = *(size_t *)at(src, f->quantifier_offset), i;
    ProtobufCMessage **entries = *(ProtobufCMessage ***)at(src, f->offset);

    for (size_t k = 0; k < n; k++) {
        str key = str_of(*(char **)at(entries[k], sub(f)->fields[0].offset));

        if (how == MERGE_FILL && map_find(dst, f, key, &i))
            continue;
        TRY(map_put(c, dst, f, key, entries[k]));
    }
    return STATUS_OK;
}

static enum status merge(struct call *c, enum merge how, const char *const *locked,
                         const ProtobufCMessage *src, ProtobufCMessage *dst);

/* A message that people see as fields, not as one value, on both sides. */
static bool is_mergeable(const ProtobufCMessage *dst, const ProtobufCFieldDescriptor *f)
{
    return sub(f) && f->label != PROTOBUF_C_LABEL_REPEATED && field_is_set(dst, f) &&
           !is_value(sub(f)) && !has_oneof(sub(f));
}

static enum status merge_field(struct call *c, enum merge how, const ProtobufCMessage *src,
                               ProtobufCMessage *dst, const ProtobufCFieldDescriptor *f)
{
    ProtobufCMessage *mine;

    if (field_is_map(f))
        return merge_map(c, how, src, dst, f);
    if (is_mergeable(dst, f)) {
        TRY(own(c, dst, f, &mine));
        return merge(c, how, NULL, *(ProtobufCMessage **)at(src, f->offset), mine);
    }
    if (how == MERGE_OVERWRITE || !field_is_set(dst, f))
        copy(src, dst, f);
    return STATUS_OK;
}

/* Depth is that of the message type, which the contract keeps free of recursion. */
static enum status merge(struct call *c, enum merge how, const char *const *locked,
                         const ProtobufCMessage *src, ProtobufCMessage *dst)
{
    for (unsigned i = 0; i < src->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &src->descriptor->fields[i];

        if (field_is_set(src, f) && !listed(locked, f->name))
            TRY(merge_field(c, how, src, dst, f));
    }
    return STATUS_OK;
}

/* A path taken apart: the fields from the top down, and the key when the last one is a map. */
struct path {
    const ProtobufCFieldDescriptor *fields[PATH_DEPTH_MAX];
    size_t n_fields;
    str key;
};

static const char *resolve(const ProtobufCMessageDescriptor *d, const char *const *locked, str text,
                           struct path *out)
{
    *out = (struct path){.n_fields = 0};
    if (!text.n || text.n > 256)
        return "must be a field path of 1 to 256 bytes";
    while (text.n) {
        char name[65];
        str head = str_cut(&text, '.');
        const ProtobufCFieldDescriptor *f;

        if (!d || out->n_fields == PATH_DEPTH_MAX || head.n >= sizeof name)
            return "names no field of the message";
        memcpy(name, head.p, head.n);
        name[head.n] = 0;
        if ((f = protobuf_c_message_descriptor_get_field_by_name(d, name)) == NULL)
            return "names no field of the message";
        if (out->n_fields == 0 && listed(locked, name))
            return "is set by the server and cannot be changed";
        out->fields[out->n_fields++] = f;
        if (text.n && f->label == PROTOBUF_C_LABEL_REPEATED) {
            if (!field_is_map(f))
                return "goes through a repeated field, which is replaced as a whole";
            out->key = text;
            return NULL;
        }
        d = sub(f);
    }
    return NULL;
}

static enum status apply(struct call *c, const struct path *p, const ProtobufCMessage *src,
                         ProtobufCMessage *dst)
{
    const ProtobufCFieldDescriptor *f = p->fields[p->n_fields - 1];

    for (size_t i = 0; i + 1 < p->n_fields; i++) {
        const ProtobufCFieldDescriptor *up = p->fields[i];

        if (!src || !field_is_set(src, up)) {
            if (!field_is_set(dst, up))
                return STATUS_OK; /* nothing here, nothing there */
            src = NULL;
        } else {
            src = *(ProtobufCMessage **)at(src, up->offset);
        }
        TRY(own(c, dst, up, &dst));
    }
    if (p->key.n) {
        size_t i;

        return map_put(c, dst, f, p->key, src ? map_find(src, f, p->key, &i) : NULL);
    }
    if (src)
        copy(src, dst, f);
    else
        clear(dst, f);
    return STATUS_OK;
}

/* Names every bad path. */
static enum status check(struct call *c, const struct mask *mask,
                         const ProtobufCMessageDescriptor *d)
{
    struct path p;
    bool bad = false;

    for (size_t i = 0; i < mask->n_paths; i++) {
        const char *why = resolve(d, mask->locked, str_of(mask->paths[i]), &p);
        char field[48];

        if (!why)
            continue;
        bad = true;
        snprintf(field, sizeof field, "update_mask.paths[%zu]", i);
        call_detail(c, FAULT_FIELD, "field_mask", str_of(field), "%s", why);
    }
    if (bad)
        return call_fail_as(c, STATUS_INVALID, "UPDATE_MASK", "the update mask is not acceptable");
    return STATUS_OK;
}

enum status mask_apply(struct call *c, const struct mask *mask, const ProtobufCMessage *src,
                       ProtobufCMessage *dst)
{
    assert(src->descriptor == dst->descriptor);
    if (mask->n_paths == 0)
        return merge(c, MERGE_OVERWRITE, mask->locked, src, dst);
    TRY(check(c, mask, src->descriptor));
    for (size_t i = 0; i < mask->n_paths; i++) {
        struct path p;

        if (!resolve(src->descriptor, mask->locked, str_of(mask->paths[i]), &p) && p.n_fields)
            TRY(apply(c, &p, src, dst));
    }
    return STATUS_OK;
}

void message_clear_fields(ProtobufCMessage *m, const char *const *names)
{
    for (; *names; names++) {
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field_by_name(m->descriptor, *names);

        assert(f);
        clear(m, f);
    }
}

enum status message_fill(struct call *c, const char *const *locked, const ProtobufCMessage *src,
                         ProtobufCMessage *dst)
{
    assert(src->descriptor == dst->descriptor);
    return merge(c, MERGE_FILL, locked, src, dst);
}
