/* Both messages are walked side by side, like two sorted lists. A run is all the bytes of one field
 * number: equal runs are equal fields. */
#include "schema/difference.h"

#include <assert.h>

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_BYTES = 2, WIRE_32 = 5, PATH_BYTES = 256 };

/* The bytes of one field number. */
struct run {
    uint32_t number; /* 0: the end */
    int wire;
    size_t n_items;
    str bytes; /* keys included */
    str value; /* of the last item, where that is WIRE_BYTES */
};

static bool take_varint(str *s, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && s->n; shift += 7) {
        unsigned char b = (unsigned char)*s->p;

        s->p++, s->n--;
        *out |= (uint64_t)(b & 0x7F) << shift;
        if (!(b & 0x80))
            return true;
    }
    return false;
}

/* False: this is no message; our own bytes always are. */
static bool take_value(str *s, int wire, str *value)
{
    uint64_t n = wire == WIRE_64 ? 8 : wire == WIRE_32 ? 4 : 0;

    if (wire == WIRE_VARINT)
        return take_varint(s, &n);
    if (wire == WIRE_BYTES && !take_varint(s, &n))
        return false;
    if ((wire != WIRE_BYTES && n == 0) || n > s->n)
        return false;
    *value = str_sub(*s, 0, (size_t)n);
    *s = str_sub(*s, (size_t)n, s->n);
    return true;
}

/* Takes the next run off the front. What cannot be read counts as one run of the last number. */
static struct run take_run(str *s)
{
    struct run r = {.bytes = {s->p, 0}};

    while (s->n) {
        str rest = *s, value = {0};
        uint64_t key;

        if (!take_varint(&rest, &key) || (r.number && key >> 3 != r.number))
            break;
        r.number = (uint32_t)(key >> 3);
        r.wire = (int)(key & 7);
        r.n_items++;
        if (!take_value(&rest, r.wire, &value))
            rest = str_sub(*s, s->n, s->n);
        r.value = value;
        *s = rest;
        r.bytes.n = (size_t)(s->p - r.bytes.p);
    }
    return r;
}

/* A message with its place in the whole. */
struct level {
    const ProtobufCMessageDescriptor *type;
    str before, after;
    struct run a, b; /* the runs at the front, taken off */
    size_t n_path;   /* bytes of the path that leads here, its dot included */
};

static bool is_skipped(const struct difference_sides *d, const char *name)
{
    for (size_t i = 0; i < d->n_skip; i++)
        if (strcmp(d->skip[i], name) == 0)
            return true;
    return false;
}

static struct level level_of(const ProtobufCMessageDescriptor *type, str before, str after)
{
    struct level l = {.type = type, .before = before, .after = after};

    l.a = take_run(&l.before);
    l.b = take_run(&l.after);
    return l;
}

/* The field at the front of both: the lower number, or both when they are the same. */
static const ProtobufCFieldDescriptor *next_field(struct level *l, struct run *a, struct run *b)
{
    uint32_t n = l->a.number;

    *a = *b = (struct run){0};
    if (!n || (l->b.number && l->b.number < n))
        n = l->b.number;
    if (l->a.number == n) {
        *a = l->a;
        l->a = take_run(&l->before);
    }
    if (l->b.number == n) {
        *b = l->b;
        l->b = take_run(&l->after);
    }
    return protobuf_c_message_descriptor_get_field(l->type, n);
}

static bool may_descend(const ProtobufCFieldDescriptor *f, const struct run *a, const struct run *b)
{
    return f->type == PROTOBUF_C_TYPE_MESSAGE && f->label != PROTOBUF_C_LABEL_REPEATED &&
           a->n_items == 1 && b->n_items == 1;
}

static enum status add(struct call *c, struct difference *out, const char *path, size_t n)
{
    if (out->n == out->most)
        return STATUS_OK;
    out->paths[out->n] = arena_cstr(&c->arena, (str){path, n});
    return out->paths[out->n++] ? STATUS_OK : call_nomem(c);
}

/* The walk: levels[depth - 1] is where it is. */
struct walk {
    struct level levels[DIFFERENCE_DEPTH_MAX];
    size_t depth;
    char path[PATH_BYTES];
};

static enum status differs(struct call *c, struct walk *w, const ProtobufCFieldDescriptor *f,
                           const struct run sides[2], struct difference *out)
{
    const struct level *l = &w->levels[w->depth - 1];
    size_t n = strlen(f->name);

    if (l->n_path + n + 1 >= sizeof w->path)
        return STATUS_OK;
    memcpy(w->path + l->n_path, f->name, n);
    n += l->n_path;
    if (w->depth == DIFFERENCE_DEPTH_MAX || !may_descend(f, &sides[0], &sides[1]))
        return add(c, out, w->path, n);
    w->path[n] = '.';
    w->levels[w->depth] = level_of(f->descriptor, sides[0].value, sides[1].value);
    w->levels[w->depth++].n_path = n + 1;
    return STATUS_OK;
}

enum status difference_find(struct call *c, const struct difference_sides *sides,
                            struct difference *out)
{
    struct walk w = {.levels[0] = level_of(sides->type, sides->before, sides->after), .depth = 1};

    out->n = 0;
    while (w.depth) {
        struct level *l = &w.levels[w.depth - 1];
        const ProtobufCFieldDescriptor *f;
        struct run runs[2];

        if (!l->a.number && !l->b.number) {
            w.depth--;
            continue;
        }
        f = next_field(l, &runs[0], &runs[1]);
        if (f && !str_eq(runs[0].bytes, runs[1].bytes) &&
            !(w.depth == 1 && is_skipped(sides, f->name)))
            TRY(differs(c, &w, f, runs, out));
    }
    return STATUS_OK;
}
