/* The attributes are one table of texts; JSON and protobuf are two ways to write it down. */
#include "event/envelope.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "google/protobuf/any.h"
#include "google/protobuf/timestamp.h"
#include "io/cloudevents/v1/cloudevents.h"
#include "obs/trace.h"
#include "schema/json.h"
#include "schema/mask.h"
#include "schema/wire.h"
#include "store/record_info.h"

enum {
    ENVELOPE_BYTES_MAX = 4 << 20, /* the largest record is 1 MiB; JSON escapes may double it */
    ATTRIBUTES_MAX = 8,
    THIN_PATHS_MAX = 40,
    PATH_BYTES_MAX = 128,
    US_PER_S = 1000000,
    NS_PER_US = 1000,
};

static const char source[] = "/salesd";

/* The attributes beside the required ones, all texts in c->arena. */
struct attribute {
    const char *name;
    const char *text; /* NULL: left out */
    bool is_uri;
};

static const char *state_of(const struct envelope *e)
{
    if (e->event->body == EVENT_ERASED)
        return "erased";
    if (e->event->body == EVENT_DAMAGED)
        return "damaged";
    return e->form == ENVELOPE_FULL ? "full" : "thin";
}

static const char *trace_text(struct call *c, const struct trace *t)
{
    char text[TRACEPARENT_BYTES + 1];

    if (!trace_is_set(t))
        return NULL;
    trace_format(t, text);
    return arena_cstr(&c->arena, str_of(text));
}

/* How deep in the record the public message lies that holds its id; 0: it is the record itself. */
static size_t data_depth(const struct record_info *info)
{
    return (size_t)info->id.n - 1;
}

/* What events of a kind carry. The rest of a record (hashes, secrets) is nobody's. */
static const ProtobufCMessageDescriptor *data_type(const struct record_info *info)
{
    size_t depth = data_depth(info);

    return depth ? info->id.steps[depth - 1]->descriptor : info->descriptor;
}

/* [ATTRIBUTES_MAX], ended by a name of NULL. */
static enum status attributes_of(struct call *c, const struct envelope *e, const char *content_type,
                                 struct attribute *out)
{
    const struct event *event = e->event;
    const char *schema = data_type(record_info(event->kind))->name;
    const struct attribute all[] = {
        {"subject", uuid_text(&c->arena, event->subject), false},
        {"datacontenttype", content_type, false},
        {"dataschema", arena_printf(&c->arena, "urn:salesd:%s", schema), true},
        {"tenantid", arena_cstr(&c->arena, e->tenant), false},
        {"sequence",
         arena_printf(&c->arena, "%016" PRIx64 "-%016" PRIx64, event->cursor.txid,
                      event->cursor.seq),
         false},
        {"datastate", state_of(e), false},
        {"traceparent", trace_text(c, &event->trace), false},
        {NULL, NULL, false},
    };

    _Static_assert(sizeof all / sizeof *all <= ATTRIBUTES_MAX, "room for all attributes");
    memcpy(out, all, sizeof all);
    for (size_t i = 0; i < 6; i++)
        if (!out[i].text)
            return call_nomem(c);
    return STATUS_OK;
}

/* In the data, or only in the record around it? */
static bool is_in_data(const struct record_info *info, const struct field_path *path)
{
    size_t depth = data_depth(info);

    for (size_t i = 0; i < depth; i++)
        if (i >= path->n || path->steps[i] != info->id.steps[i])
            return false;
    return path->n > depth;
}

/* "score.grade", from the `first` step on. */
static char *path_text(struct arena *a, const struct field_path *path, size_t first)
{
    struct buf b;

    buf_init(&b, a, PATH_BYTES_MAX);
    for (size_t i = first; i < path->n; i++) {
        buf_put(&b, i > first ? STR(".") : STR(""));
        buf_put(&b, str_of(path->steps[i]->name));
    }
    return (char *)buf_str(&b).p;
}

static bool is_thin(const struct column_info *column)
{
    return column->type != COLUMN_BLIND && column->type != COLUMN_TAGS &&
           column->type != COLUMN_MANY;
}

/* A message with nothing but what is never personal. */
static enum status thin_copy(struct call *c, const struct record_info *info,
                             const ProtobufCMessage *full, ProtobufCMessage **out)
{
    static const char *const unlocked[] = {NULL};
    const struct field_path *own[4] = {&info->id, &info->etag, &info->create_time,
                                       &info->update_time};
    const ProtobufCMessageDescriptor *type = data_type(info);
    size_t depth = data_depth(info);
    char *paths[THIN_PATHS_MAX];
    struct mask mask = {.locked = unlocked, .paths = paths};

    for (size_t i = 0; i < 4; i++)
        if (is_in_data(info, own[i]))
            paths[mask.n_paths++] = path_text(&c->arena, own[i], depth);
    for (size_t i = 0; i < info->n_columns && mask.n_paths < THIN_PATHS_MAX; i++)
        if (is_thin(&info->columns[i]) && is_in_data(info, &info->columns[i].path))
            paths[mask.n_paths++] = path_text(&c->arena, &info->columns[i].path, depth);
    for (size_t i = 0; i < mask.n_paths; i++)
        if (!paths[i])
            return call_nomem(c);
    if (!(*out = arena_alloc(&c->arena, type->sizeof_message, _Alignof(max_align_t), 1)))
        return call_nomem(c);
    protobuf_c_message_init(type, *out);
    return mask_apply(c, &mask, full, *out);
}

/* NULL: there is none. */
static enum status data_of(struct call *c, const struct envelope *e, ProtobufCMessage **out)
{
    const struct record_info *info = record_info(e->event->kind);
    ProtobufCMessage *full;

    *out = NULL;
    if (e->event->body != EVENT_WHOLE)
        return STATUS_OK;
    TRY(wire_unpack(c, &c->arena, data_type(info), e->event->data, &full));
    if (e->form == ENVELOPE_THIN)
        return thin_copy(c, info, full, out);
    *out = full;
    return STATUS_OK;
}

static Timestamp time_of(int64_t us)
{
    Timestamp t = TIMESTAMP_INIT;

    t.seconds = us / US_PER_S;
    t.nanos = (int32_t)(us % US_PER_S) * NS_PER_US;
    return t;
}

static void put_member(struct buf *b, const char *name, const char *text)
{
    buf_printf(b, ",\"%s\":", name);
    buf_put_json(b, str_of(text));
}

static void put_attributes(struct buf *b, const struct attribute *a)
{
    for (; a->name; a++)
        if (a->text)
            put_member(b, a->name, a->text);
}

static enum status put_message(struct call *c, struct buf *b, const char *name,
                               const ProtobufCMessage *m)
{
    if (!m)
        return STATUS_OK;
    buf_printf(b, ",\"%s\":", name);
    return message_to_json(&c->arena, m, b);
}

enum status envelope_json(struct call *c, const struct envelope *e, str *out)
{
    struct attribute attributes[ATTRIBUTES_MAX];
    Timestamp time = time_of(e->event->created_us);
    ProtobufCMessage *data;
    struct buf b;

    *out = (str){0};
    TRY(attributes_of(c, e, "application/json", attributes));
    TRY(data_of(c, e, &data));
    buf_init(&b, &c->arena, ENVELOPE_BYTES_MAX);
    buf_put(&b, STR("{\"specversion\":\"1.0\""));
    put_member(&b, "id", uuid_text(&c->arena, e->event->id));
    put_member(&b, "source", source);
    put_member(&b, "type", arena_cstr(&c->arena, e->event->type));
    TRY(put_message(c, &b, "time", &time.base));
    put_attributes(&b, attributes);
    TRY(put_message(c, &b, "data", data));
    buf_putc(&b, '}');
    *out = buf_str(&b);
    return out->p ? STATUS_OK : call_nomem(c);
}

/* One pair of the map `attributes`. */
struct pair {
    CloudEvent_AttributesEntry entry;
    CloudEvent_CloudEventAttributeValue value;
};

static CloudEvent_AttributesEntry *fill_pair(struct pair *p, const struct attribute *from)
{
    p->value = (CloudEvent_CloudEventAttributeValue)CLOUD_EVENT_CLOUD_EVENT_ATTRIBUTE_VALUE_INIT;
    p->value.attr_case = from->is_uri ? CLOUD_EVENT_CLOUD_EVENT_ATTRIBUTE_VALUE_ATTR_CE_URI
                                      : CLOUD_EVENT_CLOUD_EVENT_ATTRIBUTE_VALUE_ATTR_CE_STRING;
    if (from->is_uri)
        p->value.ce_uri = (char *)from->text;
    else
        p->value.ce_string = (char *)from->text;
    p->entry = (CloudEvent_AttributesEntry)CLOUD_EVENT_ATTRIBUTES_ENTRY_INIT;
    p->entry.key = (char *)from->name;
    p->entry.value = &p->value;
    return &p->entry;
}

/* All optional attributes; the time is one of them here. */
static enum status fill_attributes(struct call *c, const struct attribute *from, Timestamp *time,
                                   CloudEvent *m)
{
    struct pair *pairs = NEW(&c->arena, struct pair, ATTRIBUTES_MAX);
    static const struct attribute none = {"time", NULL, false};

    m->attributes = NEW(&c->arena, CloudEvent_AttributesEntry *, ATTRIBUTES_MAX);
    if (!pairs || !m->attributes)
        return call_nomem(c);
    for (; from->name; from++)
        if (from->text) {
            m->attributes[m->n_attributes] = fill_pair(&pairs[m->n_attributes], from);
            m->n_attributes++;
        }
    m->attributes[m->n_attributes] = fill_pair(&pairs[m->n_attributes], &none);
    pairs[m->n_attributes].value.attr_case =
        CLOUD_EVENT_CLOUD_EVENT_ATTRIBUTE_VALUE_ATTR_CE_TIMESTAMP;
    pairs[m->n_attributes++].value.ce_timestamp = time;
    return STATUS_OK;
}

static enum status fill_data(struct call *c, const ProtobufCMessage *data, Any *any)
{
    str packed;

    any->type_url = arena_printf(&c->arena, "type.googleapis.com/%s", data->descriptor->name);
    if (!any->type_url || !wire_pack(&c->arena, data, &packed))
        return call_nomem(c);
    any->value = (ProtobufCBinaryData){packed.n, (uint8_t *)packed.p};
    return STATUS_OK;
}

enum status envelope_protobuf(struct call *c, const struct envelope *e, str *out)
{
    struct attribute attributes[ATTRIBUTES_MAX];
    Timestamp time = time_of(e->event->created_us);
    CloudEvent m;
    ProtobufCMessage *data;
    Any any = ANY_INIT;

    *out = (str){0};
    TRY(attributes_of(c, e, "application/protobuf", attributes));
    TRY(data_of(c, e, &data));
    protobuf_c_message_init(CLOUD_EVENT_DESCRIPTOR, &m.base); /* _INIT lacks braces */
    m.id = uuid_text(&c->arena, e->event->id);
    m.source = (char *)source;
    m.spec_version = "1.0";
    m.type = arena_cstr(&c->arena, e->event->type);
    TRY(fill_attributes(c, attributes, &time, &m));
    if (data) {
        TRY(fill_data(c, data, &any));
        m.data_case = CLOUD_EVENT_DATA_PROTO_DATA;
        m.proto_data = &any;
    }
    return m.id && m.type && wire_pack(&c->arena, &m.base, out) ? STATUS_OK : call_nomem(c);
}
