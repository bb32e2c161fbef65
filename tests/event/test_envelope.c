/* What a consumer receives, in both formats and both forms. */
#include <criterion/criterion.h>

#include "event/envelope.h"
#include "io/cloudevents/v1/cloudevents.h"
#include "sales/v1/activity.h"
#include "sales/v1/api_key.h"
#include "sales/v1/deal.h"
#include "sales/v1/lead.h"
#include "sales/v1/tenant.h"
#include "schema/wire.h"
#include "support/table.h"

enum { MIB = 1 << 20 };

static Lead *lead_of(struct call *c)
{
    Lead *m = NEW(&c->arena, Lead, 1);
    LeadScoreSummary *score = NEW(&c->arena, LeadScoreSummary, 1);
    Company *company = NEW(&c->arena, Company, 1);

    *m = (Lead)LEAD_INIT;
    *score = (LeadScoreSummary)LEAD_SCORE_SUMMARY_INIT;
    *company = (Company)COMPANY_INIT;
    m->id = "0199a000-0000-7000-8000-000000000001";
    m->full_name = m->given_name = m->family_name = "SECRET";
    m->email = "SECRET@secret.example";
    m->phone = "+43664SECRET";
    m->job_title = "SECRET";
    m->external_id = "SECRET";
    company->name = company->domain = "SECRET";
    m->company = company;
    m->status = LEAD_STATUS_QUALIFIED;
    score->score = 85;
    score->grade = LEAD_GRADE_A;
    m->score = score;
    m->country_code = "AT";
    return m;
}

static struct event event_of(struct call *c, enum record_kind kind, const ProtobufCMessage *m)
{
    struct event e = {.cursor = {26, 3},
                      .id = {{1, 2, 3}},
                      .tenant_id = 7,
                      .created_us = 1763666722001234,
                      .type = STR("sales.lead.qualified"),
                      .kind = kind,
                      .subject = {{9}}};

    cr_assert(wire_pack(&c->arena, m, &e.data));
    return e;
}

static const char tenant[] = "0198a000-0000-7000-8000-000000000007";

static const char *json_of(struct call *c, const struct event *e, enum envelope_form form)
{
    str out;

    cr_assert_eq(envelope_json(c, &(struct envelope){e, STR(tenant), form}, &out), STATUS_OK, "%s",
                 c->fault.why);
    return out.p;
}

Test(envelope, has_every_attribute_and_thin_data)
{
    struct call c;
    struct event e;

    call_init(&c, NULL, MIB);
    e = event_of(&c, RECORD_LEAD, &lead_of(&c)->base);
    e.trace = (struct trace){.trace_id = {0xab}, .span_id = {0xcd}, .sampled = true};
    cr_assert_str_eq(
        json_of(&c, &e, ENVELOPE_THIN),
        "{\"specversion\":\"1.0\",\"id\":\"01020300-0000-0000-0000-000000000000\","
        "\"source\":\"/salesd\",\"type\":\"sales.lead.qualified\","
        "\"time\":\"2025-11-20T19:25:22.001234Z\","
        "\"subject\":\"09000000-0000-0000-0000-000000000000\","
        "\"datacontenttype\":\"application/json\",\"dataschema\":\"urn:salesd:sales.v1.Lead\","
        "\"tenantid\":\"0198a000-0000-7000-8000-000000000007\","
        "\"sequence\":\"000000000000001a-0000000000000003\",\"datastate\":\"thin\","
        "\"traceparent\":\"00-ab000000000000000000000000000000-cd00000000000000-01\","
        "\"data\":{\"id\":\"0199a000-0000-7000-8000-000000000001\",\"countryCode\":\"AT\","
        "\"status\":\"LEAD_STATUS_QUALIFIED\",\"score\":{\"score\":85,\"grade\":\"LEAD_GRADE_A\"}}"
        "}");
    call_release(&c);
}

/* Their records hold more than the public message: what is published is that message. */
Test(envelope, of_tenants_and_keys_hold_the_public_message)
{
    Tenant tenant_made = TENANT_INIT;
    ApiKey key = API_KEY_INIT;
    struct call c;
    struct event e;
    const char *text;

    call_init(&c, NULL, MIB);
    tenant_made.id = key.id = "0199a000-0000-7000-8000-000000000001";
    tenant_made.key = "acme";
    tenant_made.display_name = "SECRET";
    e = event_of(&c, RECORD_TENANT, &tenant_made.base);
    text = json_of(&c, &e, ENVELOPE_THIN);
    cr_assert(strstr(text, "\"dataschema\":\"urn:salesd:sales.v1.Tenant\""), "%s", text);
    cr_assert(strstr(text, "\"data\":{\"id\":\"0199a000-0000-7000-8000-000000000001\""), "%s",
              text);
    cr_assert(strstr(text, "\"key\":\"acme\""), "%s", text);
    cr_assert_null(strstr(text, "SECRET"), "%s", text);
    e = event_of(&c, RECORD_API_KEY, &key.base);
    text = json_of(&c, &e, ENVELOPE_THIN);
    cr_assert(strstr(text, "\"dataschema\":\"urn:salesd:sales.v1.ApiKey\""), "%s", text);
    call_release(&c);
}

Test(envelope, full_holds_the_record_and_an_erased_event_nothing)
{
    struct call c;
    struct event e;
    const char *text;

    call_init(&c, NULL, MIB);
    e = event_of(&c, RECORD_LEAD, &lead_of(&c)->base);
    text = json_of(&c, &e, ENVELOPE_FULL);
    cr_assert(strstr(text, "\"datastate\":\"full\""));
    cr_assert(strstr(text, "\"email\":\"SECRET@secret.example\""));
    e.body = EVENT_ERASED;
    e.data = (str){0};
    text = json_of(&c, &e, ENVELOPE_FULL);
    cr_assert(strstr(text, "\"datastate\":\"erased\""));
    cr_assert_null(strstr(text, "\"data\":"));
    cr_assert_null(strstr(text, "traceparent"));
    call_release(&c);
}

/* Every text of a message, and of those in it, says SECRET: what comes through is a leak. */
static void fill(struct call *c, ProtobufCMessage *m, int depth)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        void *at = (char *)m + f->offset;

        if (f->label == PROTOBUF_C_LABEL_REPEATED || f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
            continue;
        if (f->type == PROTOBUF_C_TYPE_STRING)
            *(char **)at = "SECRET";
        if (f->type != PROTOBUF_C_TYPE_MESSAGE || depth == 3)
            continue;
        const ProtobufCMessageDescriptor *d = f->descriptor;
        ProtobufCMessage *sub = arena_alloc(&c->arena, d->sizeof_message, 16, 1);

        protobuf_c_message_init(d, sub);
        fill(c, sub, depth + 1);
        *(ProtobufCMessage **)at = sub;
    }
}

static size_t count(const char *text, const char *word)
{
    size_t n = 0;

    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

/* Texts that may stay: ids and table words, by kind. */
static const struct thin_case {
    enum record_kind kind;
    size_t n_texts;
} thin_cases[] = {{RECORD_LEAD, 6}, {RECORD_DEAL, 10}, {RECORD_ACTIVITY, 5}};

TABLE_TEST(envelope, thin_lets_no_other_text_through, struct thin_case, thin_cases)
{
    const char *const names[] = {"name",     "email",   "phone",       "title",   "subject\":\"S",
                                 "body",     "note",    "externalId",  "summary", "company",
                                 "linkedin", "address", "description", "text"};
    struct call c;
    struct event e;
    ProtobufCMessage *m;
    const char *data;
    const ProtobufCMessageDescriptor *d = row->kind == RECORD_LEAD   ? LEAD_DESCRIPTOR
                                          : row->kind == RECORD_DEAL ? DEAL_DESCRIPTOR
                                                                     : ACTIVITY_DESCRIPTOR;

    call_init(&c, NULL, MIB);
    m = arena_alloc(&c.arena, d->sizeof_message, 16, 1);
    protobuf_c_message_init(d, m);
    fill(&c, m, 0);
    e = event_of(&c, row->kind, m);
    cr_assert_gt(count(json_of(&c, &e, ENVELOPE_FULL), "SECRET"), row->n_texts);
    data = strstr(json_of(&c, &e, ENVELOPE_THIN), "\"data\":");
    cr_assert_leq(count(data, "SECRET"), row->n_texts, "%s", data);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_assert_null(strstr(data, names[i]), "%s in %s", names[i], data);
    call_release(&c);
}

Test(envelope, protobuf_says_the_same)
{
    struct call c;
    struct event e;
    ProtobufCMessage *m, *data;
    const CloudEvent *ce;
    str out;

    call_init(&c, NULL, MIB);
    e = event_of(&c, RECORD_LEAD, &lead_of(&c)->base);
    cr_assert_eq(envelope_protobuf(&c, &(struct envelope){&e, STR(tenant), ENVELOPE_THIN}, &out),
                 STATUS_OK);
    cr_assert_eq(wire_unpack(&c, &c.arena, CLOUD_EVENT_DESCRIPTOR, out, &m), STATUS_OK);
    ce = (const CloudEvent *)m;
    cr_assert_str_eq(ce->spec_version, "1.0");
    cr_assert_str_eq(ce->source, "/salesd");
    cr_assert_str_eq(ce->type, "sales.lead.qualified");
    cr_assert_eq(ce->n_attributes, 7);
    cr_assert_str_eq(ce->attributes[4]->key, "sequence");
    cr_assert_str_eq(ce->attributes[4]->value->ce_string, "000000000000001a-0000000000000003");
    cr_assert_eq(ce->attributes[6]->value->ce_timestamp->nanos, 1234000);
    cr_assert_str_eq(ce->proto_data->type_url, "type.googleapis.com/sales.v1.Lead");
    cr_assert_eq(wire_unpack(&c, &c.arena, LEAD_DESCRIPTOR,
                             (str){(char *)ce->proto_data->value.data, ce->proto_data->value.len},
                             &data),
                 STATUS_OK);
    cr_assert_eq(((Lead *)data)->score->score, 85);
    cr_assert_str_eq(((Lead *)data)->email, "");
    call_release(&c);
}
