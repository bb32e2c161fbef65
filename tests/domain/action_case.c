#include "domain/action_case.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "domain/moment.h"

#define NOW_S INT64_C(1773136800) /* Tuesday, 2026-03-10 10:00 UTC */

static int64_t time_of(const struct action_case *k, const json_t *v)
{
    const char *text = json_string_value(v);
    char *unit;
    long n;

    if (json_is_integer(v))
        return json_integer_value(v) * MOMENT_SECOND_US;
    cr_assert(text, "a time is a text or a number");
    n = strtol(text, &unit, 10);
    cr_assert(*unit == 'd' || *unit == 'h' || *unit == 'm', "no time: %s", text);
    return k->scene.now_us +
           n * (*unit == 'd' ? MOMENT_DAY_US : (*unit == 'h' ? 3600 : 60) * MOMENT_SECOND_US);
}

static int enum_of(const ProtobufCEnumDescriptor *d, const char *word)
{
    for (unsigned i = 0; i < d->n_values; i++) {
        str name = str_of(d->values[i].name), want = str_of(word);

        if (str_ends(name, want) && name.n > want.n && name.p[name.n - want.n - 1] == '_')
            return d->values[i].value;
    }
    cr_assert_fail("%s has no %s", d->name, word);
    return 0;
}

static ProtobufCMessage *sub_message(struct action_case *k, const ProtobufCFieldDescriptor *f,
                                     const json_t *v)
{
    const ProtobufCMessageDescriptor *d = f->descriptor;

    if (d == TIMESTAMP_DESCRIPTOR)
        return &moment_new(&k->arena, time_of(k, v))->base;
    return action_case_message(k, d, v);
}

static void set_one(struct action_case *k, const ProtobufCFieldDescriptor *f, void *at,
                    const json_t *v)
{
    switch ((int)f->type) {
    case PROTOBUF_C_TYPE_STRING:
        cr_assert(json_is_string(v), "%s is a text", f->name);
        *(char **)at = arena_cstr(&k->arena, str_of(json_string_value(v)));
        return;
    case PROTOBUF_C_TYPE_ENUM: *(int *)at = enum_of(f->descriptor, json_string_value(v)); return;
    case PROTOBUF_C_TYPE_BOOL: *(protobuf_c_boolean *)at = json_is_true(v); return;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32: *(int32_t *)at = (int32_t)json_integer_value(v); return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64: *(int64_t *)at = json_integer_value(v); return;
    case PROTOBUF_C_TYPE_DOUBLE: *(double *)at = json_number_value(v); return;
    case PROTOBUF_C_TYPE_MESSAGE: *(ProtobufCMessage **)at = sub_message(k, f, v); return;
    default: cr_assert_fail("a field of a type that scenarios do not have: %s", f->name);
    }
}

static AttributeValue *attribute_of(struct action_case *k, const json_t *v)
{
    AttributeValue *value = NEW(&k->arena, AttributeValue, 1);

    *value = (AttributeValue)ATTRIBUTE_VALUE_INIT;
    if (json_is_string(v) && strchr("+-", *json_string_value(v))) {
        value->kind_case = ATTRIBUTE_VALUE_KIND_TIME_VALUE;
        value->time_value = moment_new(&k->arena, time_of(k, v));
    } else if (json_is_string(v)) {
        value->kind_case = ATTRIBUTE_VALUE_KIND_STRING_VALUE;
        value->string_value = arena_cstr(&k->arena, str_of(json_string_value(v)));
    } else if (json_is_boolean(v)) {
        value->kind_case = ATTRIBUTE_VALUE_KIND_BOOL_VALUE;
        value->bool_value = json_is_true(v);
    } else {
        value->kind_case = ATTRIBUTE_VALUE_KIND_NUMBER_VALUE;
        value->number_value = json_number_value(v);
    }
    return value;
}

/* Every map of the contract has a text and an AttributeValue: entries of one shape. */
static void set_map(struct action_case *k, const ProtobufCFieldDescriptor *f, ProtobufCMessage *m,
                    const json_t *v)
{
    void ***list = (void *)((char *)m + f->offset);
    size_t *n = (void *)((char *)m + f->quantifier_offset);
    const char *key;
    const json_t *value;

    *list = NEW(&k->arena, void *, json_object_size(v) + 1);
    json_object_foreach((json_t *)v, key, value)
    {
        const ProtobufCMessageDescriptor *d = f->descriptor;
        ProtobufCMessage *e = arena_alloc(&k->arena, d->sizeof_message, 16, 1);

        protobuf_c_message_init(d, e);
        *(char **)((char *)e + d->fields[0].offset) = arena_cstr(&k->arena, str_of(key));
        *(AttributeValue **)((char *)e + d->fields[1].offset) = attribute_of(k, value);
        (*list)[(*n)++] = e;
    }
}

static void set_list(struct action_case *k, const ProtobufCFieldDescriptor *f, ProtobufCMessage *m,
                     const json_t *v)
{
    size_t size = f->type == PROTOBUF_C_TYPE_ENUM ? sizeof(int) : sizeof(void *);
    char *list = arena_alloc(&k->arena, size, 16, json_array_size(v) + 1);

    *(void **)((char *)m + f->offset) = list;
    *(size_t *)((char *)m + f->quantifier_offset) = json_array_size(v);
    for (size_t i = 0; i < json_array_size(v); i++)
        set_one(k, f, list + i * size, json_array_get(v, i));
}

ProtobufCMessage *action_case_message(struct action_case *k, const ProtobufCMessageDescriptor *d,
                                      const json_t *json)
{
    ProtobufCMessage *m = arena_alloc(&k->arena, d->sizeof_message, 16, 1);
    const char *name;
    const json_t *v;

    protobuf_c_message_init(d, m);
    json_object_foreach((json_t *)json, name, v)
    {
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field_by_name(d, name);

        cr_assert(f, "%s has no field %s", d->name, name);
        if (f->label == PROTOBUF_C_LABEL_REPEATED && json_is_object(v))
            set_map(k, f, m, v);
        else if (f->label == PROTOBUF_C_LABEL_REPEATED)
            set_list(k, f, m, v);
        else
            set_one(k, f, (char *)m + f->offset, v);
    }
    return m;
}

static void read_activities(struct action_case *k)
{
    const json_t *list = json_object_get(k->json, "activities");

    for (size_t i = 0; i < json_array_size(list); i++) {
        Activity *a =
            (Activity *)action_case_message(k, ACTIVITY_DESCRIPTOR, json_array_get(list, i));

        a->id = arena_printf(&k->arena, "00000000-0000-7000-8000-%012zu", i + 1);
        cr_assert(a->occurred_at, "an activity without a time");
        action_past_add(&k->past, a);
    }
}

static void read_subject(struct action_case *k)
{
    const json_t *lead = json_object_get(k->json, "lead");
    const json_t *deal = json_object_get(k->json, "deal");
    const json_t *policy = json_object_get(k->json, "policy");

    k->scene.policy = (const TenantPolicy *)action_case_message(
        k, TENANT_POLICY_DESCRIPTOR, policy ? policy : json_object_get(k->json, ""));
    if (lead) {
        Lead *l = (Lead *)action_case_message(k, LEAD_DESCRIPTOR, lead);

        l->id = "00000000-0000-7000-8000-00000000000a";
        if (!l->created_at)
            l->created_at = moment_new(&k->arena, k->scene.now_us - 30 * MOMENT_DAY_US);
        k->scene.lead = l;
    }
    if (deal) {
        Deal *d = (Deal *)action_case_message(k, DEAL_DESCRIPTOR, deal);

        d->id = "00000000-0000-7000-8000-00000000000d";
        if (!d->created_at)
            d->created_at = moment_new(&k->arena, k->scene.now_us - 20 * MOMENT_DAY_US);
        if (!d->stage_kind)
            d->stage_kind = STAGE_KIND_OPEN;
        k->scene.deal = d;
        k->scene.pipeline = pipeline_default();
    }
}

void action_case_open(struct action_case *k, const json_t *json)
{
    const json_t *channels = json_object_get(json, "channels"), *zone, *now;

    *k = (struct action_case){.json = json};
    arena_init(&k->arena, 8 << 20);
    now = json_object_get(json, "now");
    k->scene.now_us = (now ? json_integer_value(now) : NOW_S) * MOMENT_SECOND_US;
    action_past_init(&k->past, k->scene.now_us);
    k->scene.past = &k->past;
    read_subject(k);
    read_activities(k);
    cr_assert_eq(action_facts_read(&k->arena, &k->scene, &k->facts), STATUS_OK);
    zone = json_object_get(json, "zone");
    k->ask = (struct action_ask){
        .facts = &k->facts,
        .about_deal = k->scene.deal != NULL,
        .lead_id = k->scene.lead ? k->scene.lead->id : "",
        .deal_id = k->scene.deal ? k->scene.deal->id : "",
        .tallies = k->tallies,
        .policy = k->scene.policy,
        .country = k->scene.lead ? k->scene.lead->country_code : "",
        .zone = {(int32_t)json_integer_value(zone), (int32_t)json_integer_value(zone), INT64_MAX},
        .limit = 6,
        .now_us = k->scene.now_us};
    for (size_t i = 0; i < json_array_size(channels); i++)
        k->ask.channels |=
            1U << enum_of(CHANNEL_DESCRIPTOR, json_string_value(json_array_get(channels, i)));
}

void action_case_close(struct action_case *k)
{
    arena_release(&k->arena);
}
