/* literal: values of rules, once as C and once as text for people. */
#include "literal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/banned.h"
#include "emit.h"
#include "schema/field.h"

void literal_time(const ProtobufCMessage *t, int64_t *s, int32_t *ns)
{
    const ProtobufCFieldDescriptor *f = t->descriptor->fields;
    *s = field_int(&f[0], field_at(t, &f[0], 0));
    *ns = (int32_t)field_int(&f[1], field_at(t, &f[1], 0));
}

static void put_real(struct buf *out, double d)
{
    if (isnan(d))
        buf_put(out, STR("(0.0 / 0.0)"));
    else if (isinf(d))
        buf_put(out, d > 0 ? STR("(1.0 / 0.0)") : STR("(-1.0 / 0.0)"));
    else
        buf_printf(out, "%.17g", d);
}

void literal_put(struct buf *out, const ProtobufCFieldDescriptor *f, const void *p)
{
    int64_t s;
    int32_t ns;
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        buf_put(out, STR("{.s = {"));
        emit_literal(out, field_text(f, p));
        buf_printf(out, ", %zu}}", field_text(f, p).n);
        break;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        buf_put(out, STR("{.d = "));
        put_real(out, field_real(f, p));
        buf_putc(out, '}');
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        literal_time(field_message(p), &s, &ns);
        buf_printf(out, "{.t = {%" PRId64 ", %" PRId32 "}}", s, ns);
        break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        buf_printf(out, "{.u = UINT64_C(%" PRIu64 ")}", field_uint(f, p));
        break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        if (field_int(f, p) == INT64_MIN) /* has no literal of its own */
            buf_put(out, STR("{.i = INT64_MIN}"));
        else
            buf_printf(out, "{.i = INT64_C(%" PRId64 ")}", field_int(f, p));
        break;
    }
}

/* The shortest decimal text that reads back as d. */
static void say_real(struct buf *out, double d)
{
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, d);
        if (strtod(text, NULL) == d) /* NOLINT: exact by intent */
            break;
    }
    if (isnan(d))
        buf_put(out, STR("NaN"));
    else if (isinf(d))
        buf_put(out, d > 0 ? STR("Infinity") : STR("-Infinity"));
    else if (fabs(d) < 1e21 && d == floor(d)) /* NOLINT: exact by intent */
        buf_printf(out, "%.0f", d);
    else
        buf_put(out, str_of(text));
}

static void say_time(struct buf *out, const ProtobufCFieldDescriptor *f, const ProtobufCMessage *t)
{
    int64_t s;
    int32_t ns;
    literal_time(t, &s, &ns);
    if (strcmp(((const ProtobufCMessageDescriptor *)f->descriptor)->name,
               "google.protobuf.Duration") == 0) {
        if (ns == 0)
            buf_printf(out, "%" PRId64 "s", s);
        else
            say_real(out, (double)s + (double)ns * 1e-9), buf_putc(out, 's');
        return;
    }
    struct tm tm;
    time_t when = (time_t)s;
    char text[40] = "";
    if (gmtime_r(&when, &tm))
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm);
    buf_put(out, str_of(text));
}

void literal_say(struct buf *out, const ProtobufCFieldDescriptor *f, const void *p)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES: buf_put(out, field_text(f, p)); break;
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE: say_real(out, field_real(f, p)); break;
    case PROTOBUF_C_TYPE_MESSAGE: say_time(out, f, field_message(p)); break;
    case PROTOBUF_C_TYPE_BOOL: buf_put(out, field_int(f, p) ? STR("true") : STR("false")); break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: buf_printf(out, "%" PRIu64, field_uint(f, p)); break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_ENUM: buf_printf(out, "%" PRId64, field_int(f, p)); break;
    }
}

void literal_say_hex(struct buf *out, str bytes)
{
    for (size_t i = 0; i < bytes.n; i++)
        buf_printf(out, "%02x", (unsigned char)bytes.p[i]);
}
