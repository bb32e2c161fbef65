/* wire: one loop over the bytes with an explicit stack of open messages; only then protobuf-c. */
#include "schema/wire.h"

#include <string.h>

#include "base/banned.h"
#include "schema/field.h"
#include "schema/unpack.h"

enum {
    /* What one message may unpack to: half of a call's arena. */
    WIRE_MEMORY_MAX = CALL_ARENA_BYTES / 2,
    /* What protobuf-c notes per field while it unpacks: 32 bytes, in slabs that double. */
    SCANNED_MEMBER_BYTES = 64,
    FIELD_TAG_MAX = (1 << 29) - 1,
    PATH_BYTES_MAX = 200,
    VARINT_BYTES_MAX = 10, /* 64 bits, seven a byte */
};

/* An open message. */
struct level {
    const ProtobufCMessageDescriptor *type;
    const ProtobufCFieldDescriptor *field; /* that holds it; NULL: the root */
    const uint8_t *end;
    bool lacks_value; /* a map entry whose message value has not come yet */
};

struct walk {
    struct call *c;
    const uint8_t *at;
    struct level levels[MESSAGE_DEPTH_MAX + 1];
    size_t depth;  /* levels[depth] is the innermost */
    size_t memory; /* bytes that unpacking will take */
};

/* --- faults --- */

/* "lead.emails.address": where the walk is, plus one more field. */
static str path_of(const struct walk *w, const ProtobufCFieldDescriptor *f, char *buf)
{
    size_t n = 0;
    for (size_t i = 1; i <= w->depth + 1; i++) {
        const ProtobufCFieldDescriptor *step = i <= w->depth ? w->levels[i].field : f;
        size_t len = step ? strlen(step->name) : 0;
        if (len == 0 || n + len + 1 > PATH_BYTES_MAX)
            continue;
        if (n > 0)
            buf[n++] = '.';
        memcpy(buf + n, step->name, len);
        n += len;
    }
    return (str){buf, n};
}

static enum status refuse(struct walk *w, const ProtobufCFieldDescriptor *f, const char *id,
                          const char *why)
{
    char buf[PATH_BYTES_MAX];
    str path = path_of(w, f, buf);
    call_detail(w->c, FAULT_FIELD, id, path, "%s", why);
    if (path.n == 0)
        return call_fail_as(w->c, STATUS_INVALID, "MALFORMED_MESSAGE", "%s: %s",
                            w->levels[0].type->name, why);
    return call_fail_as(w->c, STATUS_INVALID, "MALFORMED_MESSAGE", STR_FMT ": %s", STR_ARG(path),
                        why);
}

static enum status truncated(struct walk *w, const ProtobufCFieldDescriptor *f)
{
    return refuse(w, f, "wire.truncated", "the message ends in the middle of a field");
}

/* --- primitives --- */

/* At most ten bytes, at most 64 bits. */
static bool take_varint(const uint8_t **at, const uint8_t *end, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        uint8_t byte = *(*at)++;
        if (shift == 63 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out = value;
            return true;
        }
    }
    return false;
}

static ProtobufCWireType wire_type_of(ProtobufCType t)
{
    switch (t) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT: return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE: return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM: return PROTOBUF_C_WIRE_TYPE_VARINT;
    }
    return PROTOBUF_C_WIRE_TYPE_VARINT;
}

static enum status spend(struct walk *w, size_t bytes)
{
    w->memory += bytes + SCANNED_MEMBER_BYTES;
    if (w->memory > WIRE_MEMORY_MAX)
        return call_fail_as(w->c, STATUS_EXHAUSTED, "MESSAGE_TOO_LARGE",
                            "%s would take more than %d bytes of memory", w->levels[0].type->name,
                            WIRE_MEMORY_MAX);
    return STATUS_OK;
}

/* --- fields --- */

static enum status push(struct walk *w, struct level level)
{
    if (w->depth == MESSAGE_DEPTH_MAX)
        return refuse(w, level.field, "wire.depth", "messages are nested too deep");
    w->levels[++w->depth] = level;
    return spend(w, level.type->sizeof_message + sizeof(void *));
}

/* The elements of a packed list: whole, and not more than memory allows. */
static enum status check_packed(struct walk *w, const ProtobufCFieldDescriptor *f,
                                const uint8_t *end)
{
    size_t n = 0;
    ProtobufCWireType type = wire_type_of(f->type);
    if (type == PROTOBUF_C_WIRE_TYPE_VARINT) {
        for (uint64_t value; w->at < end; n++)
            if (!take_varint(&w->at, end, &value))
                return refuse(w, f, "wire.varint", "a number in the list is malformed");
    } else {
        size_t size = type == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8;
        n = (size_t)(end - w->at) / size;
        if ((size_t)(end - w->at) % size != 0)
            return refuse(w, f, "wire.truncated", "the list ends in the middle of a number");
        w->at = end;
    }
    return spend(w, n * field_size(f->type));
}

static bool is_map_of_messages(const ProtobufCFieldDescriptor *f)
{
    const ProtobufCMessageDescriptor *d = f->descriptor;
    return d->n_fields == 2 && d->fields[1].type == PROTOBUF_C_TYPE_MESSAGE && field_is_map(f);
}

static enum status check_bytes(struct walk *w, const ProtobufCFieldDescriptor *f)
{
    const uint8_t *end = w->levels[w->depth].end;
    uint64_t n;
    if (!take_varint(&w->at, end, &n) || n > (uint64_t)(end - w->at))
        return truncated(w, f);
    end = w->at + n;
    if (f && f->type == PROTOBUF_C_TYPE_MESSAGE)
        return push(w, (struct level){.type = f->descriptor,
                                      .field = f,
                                      .end = end,
                                      .lacks_value = is_map_of_messages(f)});
    if (f && f->type == PROTOBUF_C_TYPE_STRING &&
        !str_is_text((str){(const char *)w->at, (size_t)n}))
        return refuse(w, f, "wire.utf8", "must be UTF-8 text without NUL");
    if (f && f->type != PROTOBUF_C_TYPE_STRING && f->type != PROTOBUF_C_TYPE_BYTES)
        return check_packed(w, f, end);
    w->at = end;
    return spend(w,
                 (size_t)n + 1 + (f ? field_size(f->type) : sizeof(ProtobufCMessageUnknownField)));
}

static enum status check_scalar(struct walk *w, const ProtobufCFieldDescriptor *f, unsigned wire)
{
    const uint8_t *end = w->levels[w->depth].end;
    if (wire == PROTOBUF_C_WIRE_TYPE_VARINT) {
        uint64_t value;
        size_t left = (size_t)(end - w->at);
        if (!take_varint(&w->at, end, &value))
            return left < VARINT_BYTES_MAX ? truncated(w, f)
                                           : refuse(w, f, "wire.varint", "a number is malformed");
    } else {
        size_t size = wire == PROTOBUF_C_WIRE_TYPE_32BIT ? 4 : 8;
        if ((size_t)(end - w->at) < size)
            return truncated(w, f);
        w->at += size;
    }
    return spend(w, f ? field_size(f->type) : sizeof(ProtobufCMessageUnknownField) + 10);
}

static bool fits(const ProtobufCFieldDescriptor *f, unsigned wire)
{
    ProtobufCWireType want = wire_type_of(f->type);
    if (wire == want)
        return true;
    return wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED && f->label == PROTOBUF_C_LABEL_REPEATED;
}

enum { WIRE_GROUP_START = 3, WIRE_GROUP_END = 4 };

/*
 * protobuf-c 1.4 cannot skip groups: it refuses the message. Nobody has written groups since 2008,
 * so a message with one is refused here, where the reason can be said.
 */
static enum status check_field(struct walk *w)
{
    struct level *l = &w->levels[w->depth];
    uint64_t key;
    if (!take_varint(&w->at, l->end, &key))
        return refuse(w, NULL, "wire.varint", "a field number is malformed");
    unsigned wire = key & 7;
    if (key >> 3 == 0 || key >> 3 > FIELD_TAG_MAX)
        return refuse(w, NULL, "wire.tag", "a field number is out of range");
    if (wire == WIRE_GROUP_START || wire == WIRE_GROUP_END || wire > 5)
        return refuse(w, NULL, "wire.type", "groups and unknown wire types are not supported");
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field(l->type, (unsigned)(key >> 3));
    if (f && !fits(f, wire))
        return refuse(w, f, "wire.type", "has another wire type than its declaration");
    if (l->lacks_value && f == &l->type->fields[1])
        l->lacks_value = false;
    return wire == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED ? check_bytes(w, f)
                                                        : check_scalar(w, f, wire);
}

enum status wire_check(struct call *c, const ProtobufCMessageDescriptor *d, const uint8_t *p,
                       size_t n)
{
    static const uint8_t nothing;
    if (!p)
        p = &nothing;
    struct walk w = {.c = c, .at = p, .levels[0] = {.type = d, .end = p + n}};
    for (;;) {
        while (w.at == w.levels[w.depth].end) {
            if (w.depth == 0)
                return STATUS_OK;
            if (w.levels[w.depth].lacks_value) /* protobuf-c would leave NULL in a live entry */
                return refuse(&w, NULL, "wire.map_value", "a map entry has no value");
            w.depth--;
        }
        TRY(check_field(&w));
    }
}

/* --- messages --- */

enum status wire_unpack(struct call *c, struct arena *a, const ProtobufCMessageDescriptor *d,
                        str bytes, ProtobufCMessage **out)
{
    bool full;

    *out = NULL;
    TRY(wire_check(c, d, (const uint8_t *)bytes.p, bytes.n));
    *out = unpack_into(a, d, bytes, &full);
    if (*out)
        return STATUS_OK;
    if (full)
        return call_nomem(c);
    return call_fail_as(c, STATUS_INVALID, "MALFORMED_MESSAGE", "%s: malformed message", d->name);
}

bool wire_pack(struct arena *a, const ProtobufCMessage *m, str *out)
{
    size_t n = protobuf_c_message_get_packed_size(m);
    uint8_t *p = arena_take(a, n + 1);
    *out = (str){0};
    if (!p)
        return false;
    *out = (str){(const char *)p, protobuf_c_message_pack(m, p)};
    return true;
}

ProtobufCMessage *message_copy(struct arena *a, const ProtobufCMessage *m)
{
    bool full;
    str bytes;
    return wire_pack(a, m, &bytes) ? unpack_into(a, m->descriptor, bytes, &full) : NULL;
}
