/* One row per rule and outcome: a field of test.rules.Rules, its value as text, what is wrong. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "rules.h"
#include "rules.rules.h"
#include "schema/pattern.h"
#include "schema/validate.h"
#include "schema/wire.h"
#include "support/table.h"

static const int64_t now_s = 1000000;

static int64_t fixed_now_us(const struct clock_ops *clock)
{
    (void)clock;
    return now_s * 1000000;
}

static int64_t fixed_monotonic_ns(const struct clock_ops *clock)
{
    (void)clock;
    return 1;
}

static const struct clock_ops fixed_clock = {.now_us = fixed_now_us,
                                             .monotonic_ns = fixed_monotonic_ns};

struct row {
    const char *field;
    const char *value;  /* NULL: unset. Lists: "a,b"; maps: "k=1,l=2"; times: "seconds.nanos" */
    const char *expect; /* "id path", several joined by "; "; "" when legal */
};

#define UUID_1   "0190163d-8694-739b-aea5-966c26f8ad90"
#define TEN      "aaaaaaaaaa"
#define FORTY    TEN TEN TEN TEN
#define MAX_TIME "9223372036854775807.0"

/* clang-format off */
static const struct row rows[] = {
    {"s_const", "yes", ""},                     {"s_const", "no", "string.const s_const"},
    {"s_len", "\xc3\xa4\xc3\xb6\xc3\xbc", ""},  {"s_len", "abcd", "string.len s_len"},
    {"s_min_len", "ab", ""},                    {"s_min_len", "\xc3\xa4", "string.min_len s_min_len"},
    {"s_min_len", NULL, "string.min_len s_min_len"},
    {"s_max_len", "\xc3\xa4\xc3\xb6\xc3\xbc", ""}, {"s_max_len", "abcd", "string.max_len s_max_len"},
    {"s_len_bytes", "\xc3\xa4\xc3\xb6", ""},    {"s_len_bytes", "abc", "string.len_bytes s_len_bytes"},
    {"s_min_bytes", "\xc3\xa4z", ""},           {"s_min_bytes", "ab", "string.min_bytes s_min_bytes"},
    {"s_max_bytes", "abc", ""},                 {"s_max_bytes", "\xc3\xa4\xc3\xb6", "string.max_bytes s_max_bytes"},
    {"s_pattern", "abc", ""},                   {"s_pattern", "abC", "string.pattern s_pattern"},
    {"s_pattern", "abc\n", "string.pattern s_pattern"}, /* $ is the end, not before a last newline */
    {"s_prefix", "abc", ""},                    {"s_prefix", "a", "string.prefix s_prefix"},
    {"s_suffix", "xyz", ""},                    {"s_suffix", "z", "string.suffix s_suffix"},
    {"s_contains", "amidst", ""},               {"s_contains", "m i d", "string.contains s_contains"},
    {"s_not_contains", "good", ""},             {"s_not_contains", "abade", "string.not_contains s_not_contains"},
    {"s_in", "b", ""},                          {"s_in", "c", "string.in s_in"},
    {"s_not_in", "c", ""},                      {"s_not_in", "a", "string.not_in s_not_in"},
    {"s_email", "a.b+c@example.com", ""},       {"s_email", "nobody", "string.email s_email"},
    {"s_email", NULL, "string.email_empty s_email"},
    {"s_hostname", "a-b.example", ""},          {"s_hostname", "-a", "string.hostname s_hostname"},
    {"s_ip", "::1", ""},                        {"s_ip", "1.2.3", "string.ip s_ip"},
    {"s_ipv4", "1.2.3.4", ""},                  {"s_ipv4", "::1", "string.ipv4 s_ipv4"},
    {"s_ipv6", "fe80::1", ""},                  {"s_ipv6", "1.2.3.4", "string.ipv6 s_ipv6"},
    {"s_uri", "https://a.example/b?c=d#e", ""}, {"s_uri", "/b", "string.uri s_uri"},
    {"s_uri_ref", "/b?c", ""},                  {"s_uri_ref", "a b", "string.uri_ref s_uri_ref"},
    {"s_uri_ref", NULL, ""},
    {"s_address", "1.2.3.4", ""},               {"s_address", "a_b", "string.address s_address"},
    {"s_uuid", UUID_1, ""},                     {"s_uuid", "0190163d", "string.uuid s_uuid"},
    {"s_uuid", NULL, "string.uuid_empty s_uuid"},
    {"s_tuuid", "0190163d8694739baea5966c26f8ad90", ""}, {"s_tuuid", UUID_1, "string.tuuid s_tuuid"},
    {"s_ulid", "01ARZ3NDEKTSV4RRFFQ69G5FAV", ""}, {"s_ulid", "81ARZ3NDEKTSV4RRFFQ69G5FAV", "string.ulid s_ulid"},
    {"s_host_and_port", "a.example:80", ""},    {"s_host_and_port", "a.example", "string.host_and_port s_host_and_port"},
    {"s_slow", "aaaa", ""},                     {"s_slow", FORTY "!", "string.pattern s_slow"},
    {"s_both", "ab", ""},                       {"s_both", "a", "string.min_len s_both"},
    {"s_both", "abcd", "string.max_len s_both"},
    {"b_len", "ab", ""},                        {"b_len", "abc", "bytes.len b_len"},
    {"b_min_len", "ab", ""},                    {"b_min_len", "a", "bytes.min_len b_min_len"},
    {"b_max_len", "ab", ""},                    {"b_max_len", "abc", "bytes.max_len b_max_len"},
    {"b_prefix", "abc", ""},                    {"b_prefix", "b", "bytes.prefix b_prefix"},
    {"b_const", "ab", ""},                      {"b_const", "b", "bytes.const b_const"},
    {"i_gt_lt", "2", ""},                       {"i_gt_lt", "1", "int32.gt_lt i_gt_lt"},
    {"i_gt_lt", "10", "int32.gt_lt i_gt_lt"},   {"i_outside", "0", ""},
    {"i_outside", "11", ""},                    {"i_outside", "5", "int32.gt_lt_exclusive i_outside"},
    {"i_gte", "5", ""},                         {"i_gte", "4", "int32.gte i_gte"},
    {"i_gte", NULL, "int32.gte i_gte"},
    {"i_lte", "5", ""},                         {"i_lte", "6", "int32.lte i_lte"},
    {"i_in", "2", ""},                          {"i_in", "3", "int32.in i_in"},
    {"i_not_in", "3", ""},                      {"i_not_in", "2", "int32.not_in i_not_in"},
    {"i_const", "7", ""},                       {"i_const", "8", "int32.const i_const"},
    {"i64_gte", "-9223372036854775808", ""},
    {"u32_gt", "4294967295", ""},               {"u32_gt", "2147483648", "uint32.gt u32_gt"},
    {"u64_lte", "18446744073709551614", ""},    {"u64_lte", "18446744073709551615", "uint64.lte u64_lte"},
    {"si_lt", "-2", ""},                        {"si_lt", "-1", "sint32.lt si_lt"},
    {"si64_gt", "-4", ""},                      {"si64_gt", "-5", "sint64.gt si64_gt"},
    {"f32_gte", "3", ""},                       {"f32_gte", "2", "fixed32.gte f32_gte"},
    {"f64_gte", "3", ""},                       {"f64_gte", "2", "fixed64.gte f64_gte"},
    {"sf32_gte", "-3", ""},                     {"sf32_gte", "-4", "sfixed32.gte sf32_gte"},
    {"sf64_gte", "-3", ""},                     {"sf64_gte", "-4", "sfixed64.gte sf64_gte"},
    {"fl_finite", "1e30", ""},                  {"fl_finite", "inf", "float.finite fl_finite"},
    {"fl_finite", "nan", "float.finite fl_finite"},
    {"d_range", "0.5", ""},                     {"d_range", "0.51", "double.gte_lte d_range"},
    {"d_range", "nan", "double.gte_lte d_range"},
    {"d_lt", "999.9", ""},                      {"d_lt", "1000", "double.lt d_lt"},
    {"bo_const", "1", ""},                      {"bo_const", "0", "bool.const bo_const"},
    {"e_defined", "3", ""},                     {"e_defined", "2", "enum.defined_only e_defined"},
    {"e_in", "1", ""},                          {"e_in", "0", "enum.in e_in"},
    {"e_not_in", "9", ""},                      {"e_not_in", "0", "enum.not_in e_not_in"},
    {"r_min", "a", ""},                         {"r_min", NULL, "repeated.min_items r_min"},
    {"r_max", "a,b", ""},                       {"r_max", "a,b,c", "repeated.max_items r_max"},
    {"r_unique", "b,a,c", ""},                  {"r_unique", "b,a,b", "repeated.unique r_unique"},
    {"r_items", "ab,abc", ""},
    {"r_items", "ab,a,abcd", "string.min_len r_items[1]; string.max_len r_items[2]"},
    {"r_unique_int", "3,1,2", ""},              {"r_unique_int", "3,1,3,3", "repeated.unique r_unique_int"},
    {"r_ignore", "6,0,7", ""},                  {"r_ignore", "6,0,5", "int32.gt r_ignore[2]"},
    {"r_inner", "a,b", ""},                     {"r_inner", "a,,b,", "required r_inner[1].name; required r_inner[3].name"},
    {"m_min", "a=1", ""},                       {"m_min", NULL, "map.min_pairs m_min"},
    {"m_max", "a=1", ""},                       {"m_max", "a=1,b=2", "map.max_pairs m_max"},
    {"m_keys", "abc=1", ""},                    {"m_keys", "abcd=1", "string.max_len m_keys[\"abcd\"]"},
    {"m_keys", FORTY "b=1", "string.max_len m_keys[\"" FORTY "\"]"},
    {"m_values", "a=1", ""},                    {"m_values", "a=1,b=0", "int32.gte m_values[\"b\"]"},
    {"m_int_keys", "-5=1", ""},                 {"m_int_keys", "-5=0", "int32.gte m_int_keys[-5]"},
    {"m_inner", "a=x", ""},                     {"m_inner", "a=", "required m_inner[\"a\"].name"},
    {"t_range", "1000.0", ""},                  {"t_range", "2000.0", "timestamp.gte_lt t_range"},
    {"t_range", "1999.999999999", ""},          {"t_range", "999.999999999", "timestamp.gte_lt t_range"},
    {"t_range", NULL, ""},
    {"t_lt_now", "999999.0", ""},               {"t_lt_now", "1000000.1", "timestamp.lt_now t_lt_now"},
    {"t_gt_now", "1000000.1", ""},              {"t_gt_now", "999999.0", "timestamp.gt_now t_gt_now"},
    {"t_within", "1000060.0", ""},              {"t_within", "1000060.1", "timestamp.within t_within"},
    {"t_within", "999940.0", ""},               {"t_within", "999939.0", "timestamp.within t_within"},
    {"t_within", MAX_TIME, "timestamp.valid t_within; timestamp.within t_within"},
    {"t_within", "-9223372036854775808.-2147483648", "timestamp.valid t_within; timestamp.within t_within"},
    {"t_any", "253402300799.999999999", ""},    {"t_any", "253402300800.0", "timestamp.valid t_any"},
    {"t_any", "0.1000000000", "timestamp.valid t_any"}, {"t_any", "0.-1", "timestamp.valid t_any"},
    {"du_range", "5.500000000", ""},            {"du_range", "5.500000001", "duration.gt_lte du_range"},
    {"du_range", "1.0", "duration.gt_lte du_range"},
    {"du_any", "-3.-5", ""},                    {"du_any", "-3.5", "duration.valid du_any"},
    {"q_scalar", "a", ""},                      {"q_scalar", NULL, "required q_scalar"},
    {"q_message", "a", ""},                     {"q_message", NULL, "required q_message"},
    {"q_list", "a", ""},                        {"q_list", NULL, "required q_list"},
    {"g_zero", NULL, ""},                       {"g_zero", "a", "string.min_len g_zero"},
    {"g_always", "a", ""},
    {"w_string", NULL, ""},                     {"w_string", "ab", ""},
    {"w_string", "a", "string.min_len w_string"}, {"w_string", "", "string.min_len w_string"},
    {"w_int", "3", ""},                         {"w_int", "2", "int64.gt w_int"},
    {"choice", NULL, "required choice"},
    {"c_text", "ab", ""},                       {"c_text", "a", "string.min_len c_text"},
    {"c_text", "", "string.min_len c_text"},    {"c_number", "3", ""},
    {"c_number", "0", "int32.gt c_number"},
};
/* clang-format on */

/* --- building a message from the text of a row --- */

static void set_value(struct arena *a, const ProtobufCFieldDescriptor *f, void *to, str text);

static void set_time(ProtobufCMessage *m, str text)
{
    char *end;
    const ProtobufCFieldDescriptor *f = m->descriptor->fields;
    char *base = (char *)m;
    *(int64_t *)(void *)(base + f[0].offset) = strtoll(text.p, &end, 10);
    *(int32_t *)(void *)(base + f[1].offset) = (int32_t)strtol(end + 1, NULL, 10);
}

/* Messages of the test have their text in the first field. */
static ProtobufCMessage *new_message(struct arena *a, const ProtobufCMessageDescriptor *d, str text)
{
    ProtobufCMessage *m = arena_take(a, d->sizeof_message);
    protobuf_c_message_init(d, m);
    if (str_eq(str_of(d->short_name), STR("Timestamp")) ||
        str_eq(str_of(d->short_name), STR("Duration")))
        set_time(m, text);
    else
        set_value(a, &d->fields[0], (char *)m + d->fields[0].offset, text);
    return m;
}

static void set_value(struct arena *a, const ProtobufCFieldDescriptor *f, void *to, str text)
{
    char *z = arena_cstr(a, text);
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING: *(char **)to = z; break;
    case PROTOBUF_C_TYPE_BYTES:
        *(ProtobufCBinaryData *)to = (ProtobufCBinaryData){text.n, (uint8_t *)z};
        break;
    case PROTOBUF_C_TYPE_FLOAT: *(float *)to = strtof(z, NULL); break;
    case PROTOBUF_C_TYPE_DOUBLE: *(double *)to = strtod(z, NULL); break;
    case PROTOBUF_C_TYPE_MESSAGE:
        *(ProtobufCMessage **)to = new_message(a, f->descriptor, text);
        break;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64: *(uint64_t *)to = strtoull(z, NULL, 10); break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64: *(int64_t *)to = strtoll(z, NULL, 10); break;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32: *(uint32_t *)to = (uint32_t)strtoul(z, NULL, 10); break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM: *(int32_t *)to = (int32_t)strtol(z, NULL, 10); break;
    }
}

static ProtobufCMessage *new_entry(struct arena *a, const ProtobufCMessageDescriptor *d, str pair)
{
    ProtobufCMessage *m = arena_take(a, d->sizeof_message);
    protobuf_c_message_init(d, m);
    str key = str_cut(&pair, '=');
    set_value(a, &d->fields[0], (char *)m + d->fields[0].offset, key);
    set_value(a, &d->fields[1], (char *)m + d->fields[1].offset, pair);
    return m;
}

static void set_list(struct arena *a, const ProtobufCFieldDescriptor *f, char *m, str text)
{
    char *items = arena_alloc(a, 16, 16, text.n + 1);
    size_t n = 0;
    bool is_map = f->type == PROTOBUF_C_TYPE_MESSAGE && memchr(text.p, '=', text.n);
    for (bool more = true; more; n++) {
        more = memchr(text.p, ',', text.n) != NULL;
        str item = str_cut(&text, ',');
        item.p = item.p ? item.p : "";
        size_t size = f->type == PROTOBUF_C_TYPE_INT32 ? 4 : sizeof(void *);
        if (is_map)
            ((ProtobufCMessage **)(void *)items)[n] = new_entry(a, f->descriptor, item);
        else
            set_value(a, f, items + n * size, item);
        text.p = text.p ? text.p : "";
    }
    *(size_t *)(void *)(m + f->quantifier_offset) = n;
    *(char **)(void *)(m + f->offset) = items;
}

static void fill(struct arena *a, Rules *m, const struct row *row)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(RULES_DESCRIPTOR, row->field);
    if (!row->value)
        return;
    cr_assert_not_null(f, "%s", row->field);
    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        set_list(a, f, (char *)m, str_of(row->value));
        return;
    }
    set_value(a, f, (char *)m + f->offset, str_of(row->value));
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        *(uint32_t *)(void *)((char *)m + f->quantifier_offset) = f->id;
}

/* The other fields of the message have violations of their own: only the row's count. */
static bool is_of(str path, const char *field)
{
    size_t n = strlen(field);
    return str_starts(path, str_of(field)) && (path.n == n || strchr(".[", path.p[n]));
}

static void found(struct call *c, const char *field, struct buf *out)
{
    for (size_t i = 0; i < c->fault.n_details; i++) {
        const struct fault_detail *d = &c->fault.details[i];
        if (!is_of(d->subject, field))
            continue;
        buf_printf(out, "%s" STR_FMT " " STR_FMT, out->n > 0 ? "; " : "", STR_ARG(d->type),
                   STR_ARG(d->subject));
        cr_expect(d->text.n > 0);
    }
}

TABLE_TEST(validate, each_rule_judges_its_field, struct row, rows)
{
    struct call c;
    struct buf got;
    call_init(&c, &fixed_clock, 1 << 20);
    buf_init(&got, &c.arena, 4096);
    Rules m = RULES_INIT;
    fill(&c.arena, &m, row);

    /* over the wire and back, so that the message is as the server sees it */
    ProtobufCMessage *seen;
    str bytes;
    cr_assert(wire_pack(&c.arena, &m.base, &bytes));
    cr_assert_eq(wire_unpack(&c, &c.arena, RULES_DESCRIPTOR, bytes, &seen), STATUS_OK, "%s: %s",
                 row->field, c.fault.why);
    cr_expect_eq(validate(&c, RULES_RULES, seen), STATUS_INVALID, "%s", row->field);
    found(&c, row->field, &got);
    str text = buf_str(&got);
    cr_expect(str_eq(text, str_of(row->expect)), "%s = %s:\n  wanted: %s\n  got:    " STR_FMT,
              row->field, row->value ? row->value : "(unset)", row->expect, STR_ARG(text));
    call_release(&c);
}

Test(validate, says_the_rule_in_protovalidates_words_and_never_the_value)
{
    struct call c;
    call_init(&c, &fixed_clock, 1 << 20);
    Inner secret = INNER_INIT;
    Rules m = RULES_INIT;
    m.s_in = "hunter2";
    m.q_message = &secret;
    cr_expect_eq(validate(&c, RULES_RULES, &m.base), STATUS_INVALID);
    cr_expect_str_eq(c.fault.reason, "VALIDATION");
    bool said = false;
    for (size_t i = 0; i < c.fault.n_details; i++) {
        const struct fault_detail *d = &c.fault.details[i];
        cr_expect(!memmem(d->text.p, d->text.n, "hunter2", 7));
        said |= str_eq(d->subject, STR("s_in")) && str_eq(d->text, STR("must be in list [a, b]"));
    }
    cr_expect(said);
    call_release(&c);
}

Test(validate, accepts_a_message_without_rules)
{
    struct call c;
    call_init(&c, &fixed_clock, 1 << 16);
    Inner m = INNER_INIT;
    cr_expect_eq(validate(&c, NULL, &m.base), STATUS_OK);
    m.name = "x";
    cr_expect_eq(validate(&c, INNER_RULES, &m.base), STATUS_OK);
    cr_expect_eq(c.fault.n_details, 0);
    call_release(&c);
}

Test(validate, reports_a_message_nested_too_deep_instead_of_recursing)
{
    struct call c;
    call_init(&c, &fixed_clock, 1 << 20);
    Inner chain[MESSAGE_DEPTH_MAX + 8];
    size_t n = sizeof chain / sizeof chain[0];
    for (size_t i = 0; i < n; i++) {
        test__rules__inner__init(&chain[i]);
        chain[i].name = "x";
        chain[i].next = i > 0 ? &chain[i - 1] : NULL;
    }
    cr_expect_eq(validate(&c, INNER_RULES, &chain[MESSAGE_DEPTH_MAX - 1].base), STATUS_OK);
    cr_expect_eq(validate(&c, INNER_RULES, &chain[n - 1].base), STATUS_INVALID);
    call_release(&c);
}

/* Without the limit the second alternative would be found, after 2^28 steps. */
Test(validate, gives_up_on_a_pattern_that_backtracks_without_end)
{
    static _Atomic(void *) cell;
    struct rule_pattern p = {"^(a+)+$|!", &cell};
    cr_expect(pattern_found(&p, STR("aaaaaaaa!")));
    cr_expect_not(pattern_found(&p, STR("aaaaaaaaaaaaaaaaaaaaaaaaaaaa!")));
    cr_expect_not(pattern_found(&p, STR("\xff!")), "bytes that are no text match nothing");
}

struct group_row {
    char *a, *b;
    const char *text; /* NULL: legal */
};

static const struct group_row groups[] = {
    {"x", "", NULL},
    {"", "x", NULL},
    {"", "", "one of a, b must be set"},
    {"x", "y", "only one of a, b can be set"},
};

TABLE_TEST(validate, message_oneof_counts_the_fields_that_are_set, struct group_row, groups)
{
    struct call c;
    call_init(&c, &fixed_clock, 1 << 16);
    Group m = GROUP_INIT;
    m.a = row->a;
    m.b = row->b;
    enum status s = validate(&c, GROUP_RULES, &m.base);
    cr_expect_eq(s, row->text ? STATUS_INVALID : STATUS_OK);
    if (row->text) {
        cr_assert_eq(c.fault.n_details, 1);
        cr_expect(str_eq(c.fault.details[0].text, str_of(row->text)));
    }
    call_release(&c);
}

Test(validate, fails_cleanly_when_the_arena_is_full)
{
    Rules m = RULES_INIT;
    char *items[600];
    for (size_t i = 0; i < 600; i++)
        items[i] = "x";
    m.n_r_unique = 600;
    m.r_unique = items;
    for (size_t limit = 0; limit < 64 << 10; limit += 4096) {
        struct call c;
        call_init(&c, &fixed_clock, limit);
        enum status s = validate(&c, RULES_RULES, &m.base);
        cr_expect(s == STATUS_INVALID || s == STATUS_EXHAUSTED, "limit %zu: %d", limit, (int)s);
        call_release(&c);
    }
}
