/* field: protobuf-c's memory layout, read by offset. */
#include "schema/field.h"

#include <string.h>

#include "base/banned.h"

static const void *member(const ProtobufCMessage *m, size_t offset)
{
    return (const char *)m + offset;
}

size_t field_size(ProtobufCType t)
{
    switch (t) {
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM: return 4;
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE: return 8;
    case PROTOBUF_C_TYPE_BOOL: return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING: return sizeof(char *);
    case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
    }
    return sizeof(void *);
}

size_t field_n(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    if (f->label != PROTOBUF_C_LABEL_REPEATED)
        return 1;
    return *(const size_t *)member(m, f->quantifier_offset);
}

const void *field_at(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, size_t i)
{
    const void *value = member(m, f->offset);
    if (f->label != PROTOBUF_C_LABEL_REPEATED)
        return value;
    return *(const char *const *)value + i * field_size(f->type);
}

static bool is_oneof(const ProtobufCFieldDescriptor *f)
{
    return (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

bool field_has_presence(const ProtobufCFieldDescriptor *f)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return false;
    return f->type == PROTOBUF_C_TYPE_MESSAGE || is_oneof(f) || f->label != PROTOBUF_C_LABEL_NONE;
}

bool field_is_zero(const ProtobufCFieldDescriptor *f, const void *value)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE: return field_message(value) == NULL;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES: return field_text(f, value).n == 0;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return !(field_real(f, value) < 0 || field_real(f, value) > 0 ||
                 field_real(f, value) != field_real(f, value));
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
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM: return field_uint(f, value) == 0;
    }
    return true;
}

bool field_is_set(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f)
{
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        return field_n(m, f) > 0;
    if (is_oneof(f) && *(const uint32_t *)member(m, f->quantifier_offset) != f->id)
        return false;
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return field_message(member(m, f->offset)) != NULL;
    if (is_oneof(f) || f->label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    if (f->label == PROTOBUF_C_LABEL_NONE)
        return !field_is_zero(f, member(m, f->offset));
    if (f->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(char *const *)member(m, f->offset);
        return text && text != f->default_value;
    }
    return *(const protobuf_c_boolean *)member(m, f->quantifier_offset) != 0;
}

/* protoc names the entry after the field: "by_name" -> "ByNameEntry". */
static bool is_entry_name(const char *entry, const char *name)
{
    bool upper = true;
    for (; *name; name++) {
        char want = *name;
        if (upper && want >= 'a' && want <= 'z')
            want = (char)(want - 'a' + 'A');
        upper = *name == '_';
        if (!upper && *entry++ != want)
            return false;
    }
    return strcmp(entry, "Entry") == 0;
}

bool field_is_map(const ProtobufCFieldDescriptor *f)
{
    if (f->label != PROTOBUF_C_LABEL_REPEATED || f->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;
    const ProtobufCMessageDescriptor *d = f->descriptor;
    return d->n_fields == 2 && d->fields[0].id == 1 && d->fields[1].id == 2 &&
           strcmp(d->fields[0].name, "key") == 0 && strcmp(d->fields[1].name, "value") == 0 &&
           is_entry_name(d->short_name, f->name);
}

int64_t field_int(const ProtobufCFieldDescriptor *f, const void *value)
{
    switch (field_size(f->type)) {
    case 4:
        if (f->type == PROTOBUF_C_TYPE_UINT32 || f->type == PROTOBUF_C_TYPE_FIXED32)
            return *(const uint32_t *)value;
        return *(const int32_t *)value;
    case 8: return *(const int64_t *)value;
    default: return 0;
    }
}

uint64_t field_uint(const ProtobufCFieldDescriptor *f, const void *value)
{
    return (uint64_t)field_int(f, value);
}

double field_real(const ProtobufCFieldDescriptor *f, const void *value)
{
    if (f->type == PROTOBUF_C_TYPE_FLOAT)
        return (double)*(const float *)value;
    return *(const double *)value;
}

str field_text(const ProtobufCFieldDescriptor *f, const void *value)
{
    if (f->type == PROTOBUF_C_TYPE_STRING)
        return str_of(*(char *const *)value);
    const ProtobufCBinaryData *bytes = value;
    return (str){(const char *)bytes->data, bytes->data ? bytes->len : 0};
}

const ProtobufCMessage *field_message(const void *value)
{
    return *(ProtobufCMessage *const *)value;
}
