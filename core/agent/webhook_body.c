/* One table says what may leave: a field that is not in it does not. */
#include "agent/webhook_body.h"

#include <inttypes.h>

#include "base/buf.h"
#include "domain/moment.h"
#include "domain/webhook_sign.h"
#include "schema/field.h"
#include "schema/wire.h"
#include "store/record_info.h"

/* clang-format off */
static const struct thin_field {
    enum record_kind kind;
    const char *path, *name;
} FIELDS[] = {
    {RECORD_LEAD,     "status",       "status"},
    {RECORD_LEAD,     "score.score",  "score"},
    {RECORD_LEAD,     "score.grade",  "grade"},
    {RECORD_DEAL,     "lead_id",      "lead_id"},
    {RECORD_DEAL,     "pipeline_id",  "pipeline_id"},
    {RECORD_DEAL,     "stage",        "stage"},
    {RECORD_DEAL,     "stage_kind",   "stage_kind"},
    {RECORD_DEAL,     "category",     "category"},
    {RECORD_DEAL,     "score",        "score"},
    {RECORD_ACTIVITY, "lead_id",      "lead_id"},
    {RECORD_ACTIVITY, "deal_id",      "deal_id"},
    {RECORD_ACTIVITY, "kind",         "kind"},
    {RECORD_ACTIVITY, "direction",    "direction"},
    {RECORD_PROPOSAL, "lead_id",      "lead_id"},
    {RECORD_PROPOSAL, "deal_id",      "deal_id"},
    {RECORD_PROPOSAL, "tool",         "tool"},
    {RECORD_PROPOSAL, "state",        "state"},
    {RECORD_RECOMMENDATION, "lead_id", "lead_id"},
    {RECORD_RECOMMENDATION, "deal_id", "deal_id"},
    {RECORD_RECOMMENDATION, "action",  "action"},
    {RECORD_RECOMMENDATION, "state",   "state"},
    {RECORD_EMAIL,    "lead_id",      "lead_id"},
    {RECORD_EMAIL,    "deal_id",      "deal_id"},
    {RECORD_EMAIL,    "proposal_id",  "proposal_id"},
    {RECORD_EMAIL,    "state",        "state"},
    {RECORD_MODEL,    "kind",         "kind"},
    {RECORD_MODEL,    "version",      "version"},
    {RECORD_MODEL,    "state",        "state"},
};
/* clang-format on */

static const ProtobufCFieldDescriptor *find(const ProtobufCMessage *m, str name)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++)
        if (str_eq(str_of(m->descriptor->fields[i].name), name))
            return &m->descriptor->fields[i];
    return NULL;
}

/* The name of an enum's value behind its common prefix: LEAD_STATUS_NEW is NEW. */
static str enum_word(const ProtobufCEnumDescriptor *d, int64_t number)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(d, (int)number);
    const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(d, 0);
    str name = v ? str_of(v->name) : (str){0}, prefix = zero ? str_of(zero->name) : (str){0};

    if (str_ends(prefix, STR("UNSPECIFIED")))
        prefix.n -= 11;
    return str_starts(name, prefix) ? str_sub(name, prefix.n, name.n) : name;
}

static void put_value(struct buf *b, const char *name, const ProtobufCFieldDescriptor *f,
                      const void *value)
{
    if (field_is_zero(f, value))
        return;
    buf_printf(b, ",\"%s\":", name);
    if (f->type == PROTOBUF_C_TYPE_STRING)
        buf_put_json(b, field_text(f, value));
    else if (f->type == PROTOBUF_C_TYPE_ENUM)
        buf_put_json(b, enum_word(f->descriptor, field_int(f, value)));
    else
        buf_printf(b, "%" PRId64, field_int(f, value));
}

static void put_field(struct buf *b, const struct thin_field *row, const ProtobufCMessage *m)
{
    str rest = str_of(row->path);

    while (m) {
        const ProtobufCFieldDescriptor *f = find(m, str_cut(&rest, '.'));

        if (!f || !field_n(m, f))
            return;
        const void *value = field_at(m, f, 0);

        if (f->type != PROTOBUF_C_TYPE_MESSAGE) {
            put_value(b, row->name, f, value);
            return;
        }
        m = field_message(value);
    }
}

static void put_time(struct buf *b, int64_t us)
{
    char date[DATE_TEXT_BYTES + 1];
    int64_t day_us = ((us % MOMENT_DAY_US) + MOMENT_DAY_US) % MOMENT_DAY_US;
    int64_t s = day_us / MOMENT_SECOND_US;

    date_of(us, date);
    buf_printf(b, "\"%sT%02d:%02d:%02d.%06dZ\"", date, (int)(s / 3600), (int)(s / 60 % 60),
               (int)(s % 60), (int)(day_us % MOMENT_SECOND_US));
}

/* As events carry it: the message that has the id. */
static const ProtobufCMessageDescriptor *data_type(const struct record_info *info)
{
    return info->id.n > 1 ? info->id.steps[info->id.n - 2]->descriptor : info->descriptor;
}

enum status webhook_body(struct call *c, const struct event *e, str *out)
{
    const struct record_info *info = record_info(e->kind);
    char subject[UUID_TEXT_BYTES + 1];
    ProtobufCMessage *m = NULL;
    struct buf b;

    *out = (str){0};
    if (e->data.n)
        TRY(wire_unpack(c, &c->arena, data_type(info), e->data, &m));
    uuid_format(e->subject, subject);
    buf_init(&b, &c->arena, WEBHOOK_BODY_BYTES);
    buf_put(&b, STR("{\"type\":"));
    buf_put_json(&b, e->type);
    buf_put(&b, STR(",\"timestamp\":"));
    put_time(&b, e->created_us);
    /* SQLite numbers its transactions, PostgreSQL its events. */
    buf_printf(&b, ",\"data\":{\"%s_id\":\"%s\",\"sequence\":%" PRId64, info->table, subject,
               e->cursor.seq ? e->cursor.seq : e->cursor.txid);
    for (size_t i = 0; m && i < sizeof FIELDS / sizeof *FIELDS; i++)
        if (FIELDS[i].kind == e->kind)
            put_field(&b, &FIELDS[i], m);
    buf_put(&b, STR("}}"));
    *out = buf_str(&b);
    return buf_ok(&b) ? STATUS_OK : call_nomem(c);
}
