/* json: one emitter per kind of type; well-known types are a table of special forms. */
#include "schema/json.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/banned.h"
#include "schema/field.h"

struct writer {
    struct arena *arena;
    struct buf *out;
    unsigned depth;
};

typedef const ProtobufCFieldDescriptor Desc;

static enum status put_message(struct writer *w, const ProtobufCMessage *m);

/* --- scalars --- */

/* The shortest digits that read back as d. */
static void put_real(struct buf *out, double d, bool is_float)
{
    char text[40];
    if (isnan(d) || isinf(d)) {
        buf_put(out, isnan(d) ? STR("\"NaN\"")
                     : d > 0  ? STR("\"Infinity\"")
                              : STR("\"-Infinity\""));
        return;
    }
    for (int digits = is_float ? 6 : 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        double back = strtod(text, NULL);
        if (is_float ? (float)back == (float)d : back == d) /* NOLINT: exact by intent */
            break;
    }
    buf_put(out, str_of(text));
}

static void put_base64(struct buf *out, str s)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buf_putc(out, '"');
    for (size_t i = 0; i < s.n; i += 3) {
        size_t left = s.n - i;
        unsigned long b = (unsigned long)(unsigned char)s.p[i] << 16;
        b |= left > 1 ? (unsigned long)(unsigned char)s.p[i + 1] << 8 : 0;
        b |= left > 2 ? (unsigned char)s.p[i + 2] : 0;
        buf_putc(out, digits[b >> 18 & 63]);
        buf_putc(out, digits[b >> 12 & 63]);
        buf_putc(out, (char)(left > 1 ? digits[b >> 6 & 63] : '='));
        buf_putc(out, (char)(left > 2 ? digits[b & 63] : '='));
    }
    buf_putc(out, '"');
}

static void put_enum(struct buf *out, Desc *f, const void *p)
{
    const ProtobufCEnumDescriptor *d = f->descriptor;
    int number = (int)field_int(f, p);
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(d, number);
    if (strcmp(d->name, "google.protobuf.NullValue") == 0)
        buf_put(out, STR("null"));
    else if (value)
        buf_put_json(out, str_of(value->name));
    else
        buf_printf(out, "%d", number);
}

static enum status put_value(struct writer *w, Desc *f, const void *p)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32: buf_printf(w->out, "%" PRId64, field_int(f, p)); break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: buf_printf(w->out, "\"%" PRId64 "\"", field_int(f, p)); break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: buf_printf(w->out, "\"%" PRIu64 "\"", field_uint(f, p)); break;
    case PROTOBUF_C_TYPE_FLOAT: put_real(w->out, field_real(f, p), true); break;
    case PROTOBUF_C_TYPE_DOUBLE: put_real(w->out, field_real(f, p), false); break;
    case PROTOBUF_C_TYPE_BOOL: buf_put(w->out, field_int(f, p) ? STR("true") : STR("false")); break;
    case PROTOBUF_C_TYPE_ENUM: put_enum(w->out, f, p); break;
    case PROTOBUF_C_TYPE_STRING: buf_put_json(w->out, field_text(f, p)); break;
    case PROTOBUF_C_TYPE_BYTES: put_base64(w->out, field_text(f, p)); break;
    case PROTOBUF_C_TYPE_MESSAGE: return put_message(w, field_message(p));
    }
    return STATUS_OK;
}

/* --- well-known types --- */

/* ".123", ".123456" or ".123456789": as many groups of three as are needed. */
static void put_nanos(struct buf *out, int32_t ns)
{
    if (ns == 0)
        return;
    if (ns % 1000000 == 0)
        buf_printf(out, ".%03d", ns / 1000000);
    else if (ns % 1000 == 0)
        buf_printf(out, ".%06d", ns / 1000);
    else
        buf_printf(out, ".%09d", ns);
}

static void read_time(const ProtobufCMessage *m, int64_t *s, int32_t *ns)
{
    Desc *f = m->descriptor->fields;
    *s = field_int(&f[0], field_at(m, &f[0], 0));
    *ns = (int32_t)field_int(&f[1], field_at(m, &f[1], 0));
}

static enum status put_timestamp(struct writer *w, const ProtobufCMessage *m)
{
    int64_t s;
    int32_t ns;
    struct tm tm;
    read_time(m, &s, &ns);
    time_t when = (time_t)s;
    if (s < -62135596800 || s > 253402300799 || ns < 0 || ns > 999999999 || !gmtime_r(&when, &tm))
        return STATUS_INVALID;
    buf_printf(w->out, "\"%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
               tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    put_nanos(w->out, ns);
    buf_put(w->out, STR("Z\""));
    return STATUS_OK;
}

static enum status put_duration(struct writer *w, const ProtobufCMessage *m)
{
    int64_t s;
    int32_t ns;
    read_time(m, &s, &ns);
    bool mixed = (s > 0 && ns < 0) || (s < 0 && ns > 0);
    if (mixed || s < -315576000000 || s > 315576000000 || ns < -999999999 || ns > 999999999)
        return STATUS_INVALID;
    buf_printf(w->out, "\"%s%" PRId64, s < 0 || ns < 0 ? "-" : "", s < 0 ? -s : s);
    put_nanos(w->out, ns < 0 ? -ns : ns);
    buf_put(w->out, STR("s\""));
    return STATUS_OK;
}

/* lowerCamelCase: an underscore goes away and lifts the letter behind it. */
static str camel_name(struct arena *a, const char *name)
{
    char *text = arena_take(a, strlen(name) + 1);
    size_t n = 0;
    bool upper = false;
    for (; text && *name; name++) {
        if (*name == '_') {
            upper = true;
            continue;
        }
        text[n++] = (char)(upper && *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
        upper = false;
    }
    return (str){text, n};
}

static enum status put_mask(struct writer *w, const ProtobufCMessage *m)
{
    Desc *paths = m->descriptor->fields;
    struct buf text;
    buf_init(&text, w->arena, MESSAGE_BYTES_MAX);
    for (size_t i = 0; i < field_n(m, paths); i++) {
        str path = field_text(paths, field_at(m, paths, i));
        const char *z = arena_cstr(w->arena, path);
        if (!z)
            return STATUS_EXHAUSTED;
        buf_put(&text, i > 0 ? STR(",") : STR(""));
        buf_put(&text, camel_name(w->arena, z));
    }
    buf_put_json(w->out, buf_str(&text));
    return buf_ok(&text) ? STATUS_OK : STATUS_EXHAUSTED;
}

/* Wrappers: the value alone. */
static enum status put_wrapped(struct writer *w, const ProtobufCMessage *m)
{
    Desc *f = m->descriptor->fields;
    return put_value(w, f, field_at(m, f, 0));
}

static enum status put_elements(struct writer *w, const ProtobufCMessage *m, Desc *f);

/* Struct and ListValue: their one field without its name. */
static enum status put_content(struct writer *w, const ProtobufCMessage *m)
{
    return put_elements(w, m, m->descriptor->fields);
}

/* Value: whichever member is set. */
static enum status put_any_value(struct writer *w, const ProtobufCMessage *m)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        Desc *f = &m->descriptor->fields[i];
        if (field_is_set(m, f))
            return put_value(w, f, field_at(m, f, 0));
    }
    buf_put(w->out, STR("null"));
    return STATUS_OK;
}

static enum status put_any(struct writer *w, const ProtobufCMessage *m)
{
    Desc *f = m->descriptor->fields;
    buf_put(w->out, STR("{\"@type\":"));
    buf_put_json(w->out, field_text(&f[0], field_at(m, &f[0], 0)));
    buf_put(w->out, STR(",\"value\":"));
    put_base64(w->out, field_text(&f[1], field_at(m, &f[1], 0)));
    buf_putc(w->out, '}');
    return STATUS_OK;
}

struct special {
    const char *name; /* below google.protobuf. */
    enum status (*put)(struct writer *w, const ProtobufCMessage *m);
};

static const struct special specials[] = {
    {"Timestamp", put_timestamp},
    {"Duration", put_duration},
    {"FieldMask", put_mask},
    {"Struct", put_content},
    {"ListValue", put_content},
    {"Value", put_any_value},
    {"Any", put_any},
    {"DoubleValue", put_wrapped},
    {"FloatValue", put_wrapped},
    {"Int64Value", put_wrapped},
    {"UInt64Value", put_wrapped},
    {"Int32Value", put_wrapped},
    {"UInt32Value", put_wrapped},
    {"BoolValue", put_wrapped},
    {"StringValue", put_wrapped},
    {"BytesValue", put_wrapped},
};

static const struct special *find_special(const ProtobufCMessageDescriptor *d)
{
    if (strcmp(d->package_name, "google.protobuf") != 0)
        return NULL;
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        if (strcmp(d->short_name, specials[i].name) == 0)
            return &specials[i];
    return NULL;
}

/* --- messages --- */

/* JSON keys are strings, whatever the type of the map's. */
static enum status put_key(struct writer *w, Desc *f, const void *p)
{
    bool quoted = f->type == PROTOBUF_C_TYPE_STRING || field_size(f->type) == 8;
    buf_put(w->out, quoted ? STR("") : STR("\""));
    TRY(put_value(w, f, p));
    buf_put(w->out, quoted ? STR(":") : STR("\":"));
    return STATUS_OK;
}

static enum status put_map_value(struct writer *w, Desc *f, const void *p)
{
    if (f->type == PROTOBUF_C_TYPE_MESSAGE && !field_message(p)) {
        buf_put(w->out, STR("{}"));
        return STATUS_OK;
    }
    return put_value(w, f, p);
}

static enum status put_entry(struct writer *w, const ProtobufCMessage *entry)
{
    Desc *key = &entry->descriptor->fields[0], *value = &entry->descriptor->fields[1];
    TRY(put_key(w, key, field_at(entry, key, 0)));
    return put_map_value(w, value, field_at(entry, value, 0));
}

static enum status put_elements(struct writer *w, const ProtobufCMessage *m, Desc *f)
{
    bool is_map = field_is_map(f);
    buf_putc(w->out, is_map ? '{' : '[');
    for (size_t i = 0; i < field_n(m, f); i++) {
        const void *p = field_at(m, f, i);
        buf_put(w->out, i > 0 ? STR(",") : STR(""));
        TRY(is_map ? put_entry(w, field_message(p)) : put_value(w, f, p));
    }
    buf_putc(w->out, is_map ? '}' : ']');
    return STATUS_OK;
}

static enum status put_fields(struct writer *w, const ProtobufCMessage *m)
{
    bool first = true;
    buf_putc(w->out, '{');
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        Desc *f = &m->descriptor->fields[i];
        if (!field_is_set(m, f))
            continue;
        str name = camel_name(w->arena, f->name);
        if (!name.p)
            return STATUS_EXHAUSTED;
        buf_put(w->out, first ? STR("") : STR(","));
        buf_put_json(w->out, name);
        buf_putc(w->out, ':');
        first = false;
        if (f->label == PROTOBUF_C_LABEL_REPEATED)
            TRY(put_elements(w, m, f));
        else
            TRY(put_value(w, f, field_at(m, f, 0)));
    }
    buf_putc(w->out, '}');
    return STATUS_OK;
}

static enum status put_message(struct writer *w, const ProtobufCMessage *m)
{
    if (w->depth == MESSAGE_DEPTH_MAX + 1)
        return STATUS_INVALID;
    w->depth++;
    const struct special *s = find_special(m->descriptor);
    TRY(s ? s->put(w, m) : put_fields(w, m));
    w->depth--;
    return STATUS_OK;
}

enum status message_to_json(struct arena *a, const ProtobufCMessage *m, struct buf *out)
{
    struct writer w = {.arena = a, .out = out};
    TRY(put_message(&w, m));
    return buf_ok(out) ? STATUS_OK : STATUS_EXHAUSTED;
}
