/* The JSON form of each kind of field. The expected texts were compared with Python's json_format.
 */
#include <math.h>
#include <stdlib.h>

#include "json.h"
#include "schema/json.h"
#include "support/table.h"

struct row {
    void (*fill)(Kinds *m);
    const char *json;
};

static void nothing(Kinds *m)
{
    (void)m;
}

static void integers(Kinds *m)
{
    m->an_int32 = -5;
    m->an_int64 = INT64_MIN;
    m->a_uint64 = UINT64_MAX;
    m->a_uint32 = UINT32_MAX;
}

static void reals(Kinds *m)
{
    m->a_float = 0.1F;
    m->a_double = 0.1;
}

static void more_reals(Kinds *m)
{
    m->a_float = 16777216.0F;
    m->a_double = 1.0 / 3;
}

static void no_numbers(Kinds *m)
{
    m->a_float = -INFINITY;
    m->a_double = NAN;
}

static void texts(Kinds *m)
{
    static uint8_t bytes[] = {0xff, 0, 0xfe, 1};
    m->a_bool = 1;
    m->a_string = "say \"hi\"\n\xc3\xa4";
    m->some_bytes = (ProtobufCBinaryData){sizeof bytes, bytes};
}

static void enums(Kinds *m)
{
    static Side sides[] = {SIDE_LEFT, (Side)7, SIDE_UNSPECIFIED};
    m->side = SIDE_LEFT;
    m->sides = sides;
    m->n_sides = 3;
}

static void lists(Kinds *m)
{
    static int64_t numbers[] = {0, -1, 2};
    m->numbers = numbers;
    m->n_numbers = 3;
}

static void maps(Kinds *m)
{
    static Kinds_ByNameEntry name = {
        PROTOBUF_C_MESSAGE_INIT(&test__json__kinds__by_name_entry__descriptor), "a\"b", 0};
    static Kinds_ByNameEntry *names[] = {&name};
    m->by_name = names;
    m->n_by_name = 1;
}

static void oneofs(Kinds *m)
{
    static Kinds inner = KINDS_INIT;
    m->choice_case = KINDS_CHOICE_ZERO;
    m->inner = &inner;
}

static void times(Kinds *m)
{
    static Timestamp when = TIMESTAMP_INIT;
    static Duration how_long = DURATION_INIT;
    when.seconds = 1700000000;
    when.nanos = 120000000;
    how_long.nanos = -5000;
    m->when = &when;
    m->how_long = &how_long;
}

static void old_times(Kinds *m)
{
    static Timestamp when = TIMESTAMP_INIT;
    static Duration how_long = DURATION_INIT;
    when.seconds = -62135596800;
    when.nanos = 1;
    how_long.seconds = -90;
    m->when = &when;
    m->how_long = &how_long;
}

static void wrappers(Kinds *m)
{
    static Int64Value wrapped = INT64_VALUE_INIT;
    static StringValue text = STRING_VALUE_INIT;
    static Empty empty = EMPTY_INIT;
    static FieldMask mask = FIELD_MASK_INIT;
    static char *paths[] = {"a_b.c_d", "e"};
    wrapped.value = 5;
    mask.paths = paths;
    mask.n_paths = 2;
    m->wrapped = &wrapped;
    m->wrapped_text = &text;
    m->empty = &empty;
    m->mask = &mask;
}

/* clang-format off */
static const struct row rows[] = {
    {nothing,    "{}"},
    {integers,   "{\"anInt32\":-5,\"anInt64\":\"-9223372036854775808\",\"aUint64\":\"18446744073709551615\",\"aUint32\":4294967295}"},
    {reals,      "{\"aFloat\":0.1,\"aDouble\":0.1}"},
    {more_reals, "{\"aFloat\":16777216,\"aDouble\":0.3333333333333333}"},
    {no_numbers, "{\"aFloat\":\"-Infinity\",\"aDouble\":\"NaN\"}"},
    {texts,      "{\"aBool\":true,\"aString\":\"say \\\"hi\\\"\\n\xc3\xa4\",\"someBytes\":\"/wD+AQ==\"}"},
    {enums,      "{\"side\":\"SIDE_LEFT\",\"sides\":[\"SIDE_LEFT\",7,\"SIDE_UNSPECIFIED\"]}"},
    {lists,      "{\"numbers\":[\"0\",\"-1\",\"2\"]}"},
    {maps,       "{\"byName\":{\"a\\\"b\":0}}"},
    {oneofs,     "{\"inner\":{},\"zero\":0}"},
    {times,      "{\"when\":\"2023-11-14T22:13:20.120Z\",\"howLong\":\"-0.000005s\"}"},
    {old_times,  "{\"when\":\"0001-01-01T00:00:00.000000001Z\",\"howLong\":\"-90s\"}"},
    {wrappers,   "{\"mask\":\"aB.cD,e\",\"wrapped\":\"5\",\"empty\":{},\"wrappedText\":\"\"}"},
};
/* clang-format on */

TABLE_TEST(json, spells_each_kind_of_field, struct row, rows)
{
    struct arena a;
    struct buf out;
    arena_init(&a, 1 << 20);
    buf_init(&out, &a, 1 << 16);
    Kinds m = KINDS_INIT;
    row->fill(&m);
    cr_assert_eq(message_to_json(&a, &m.base, &out), STATUS_OK, "%s", row->json);
    cr_expect(str_eq(buf_str(&out), str_of(row->json)), "wanted %s\ngot    " STR_FMT, row->json,
              STR_ARG(buf_str(&out)));
    arena_release(&a);
}

Test(json, maps_have_text_keys)
{
    struct arena a;
    struct buf out;
    arena_init(&a, 1 << 20);
    buf_init(&out, &a, 1 << 16);
    Kinds m = KINDS_INIT, inner = KINDS_INIT;
    Kinds_ByNumberEntry number = {
        PROTOBUF_C_MESSAGE_INIT(&test__json__kinds__by_number_entry__descriptor), -7, "x"};
    Kinds_ByFlagEntry flag = {
        PROTOBUF_C_MESSAGE_INIT(&test__json__kinds__by_flag_entry__descriptor), 1, &inner};
    m.by_number = (Kinds_ByNumberEntry *[]){&number};
    m.n_by_number = 1;
    m.by_flag = (Kinds_ByFlagEntry *[]){&flag};
    m.n_by_flag = 1;
    cr_assert_eq(message_to_json(&a, &m.base, &out), STATUS_OK);
    cr_expect_str_eq(buf_str(&out).p, "{\"byNumber\":{\"-7\":\"x\"},\"byFlag\":{\"true\":{}}}");
    arena_release(&a);
}

Test(json, free_form_is_plain_json)
{
    struct arena a;
    struct buf out;
    arena_init(&a, 1 << 20);
    buf_init(&out, &a, 1 << 16);
    Kinds m = KINDS_INIT;
    Struct s = STRUCT_INIT;
    Value number = VALUE_INIT, null = VALUE_INIT, list = VALUE_INIT;
    ListValue items = LIST_VALUE_INIT;
    number.kind_case = VALUE_KIND_NUMBER_VALUE;
    number.number_value = 1.5;
    null.kind_case = VALUE_KIND_NULL_VALUE;
    items.n_values = 2;
    items.values = (Value *[]){&number, &null};
    list.kind_case = VALUE_KIND_LIST_VALUE;
    list.list_value = &items;
    Struct_FieldsEntry entry = {
        PROTOBUF_C_MESSAGE_INIT(&google__protobuf__struct__fields_entry__descriptor), "k", &list};
    s.n_fields = 1;
    s.fields = (Struct_FieldsEntry *[]){&entry};
    m.free_form = &s;
    cr_assert_eq(message_to_json(&a, &m.base, &out), STATUS_OK);
    cr_expect_str_eq(buf_str(&out).p, "{\"freeForm\":{\"k\":[1.5,null]}}");
    arena_release(&a);
}

Test(json, refuses_times_out_of_range)
{
    struct arena a;
    struct buf out;
    arena_init(&a, 1 << 20);
    buf_init(&out, &a, 1 << 16);
    Kinds m = KINDS_INIT;
    Timestamp when = TIMESTAMP_INIT;
    m.when = &when;
    when.seconds = INT64_MAX;
    cr_expect_eq(message_to_json(&a, &m.base, &out), STATUS_INVALID);
    arena_release(&a);
}

Test(json, says_when_it_does_not_fit)
{
    struct arena a;
    struct buf out;
    Kinds m = KINDS_INIT;
    m.a_string = "0123456789";
    arena_init(&a, 1 << 20);
    for (size_t most = 0; most < 20; most++) {
        buf_init(&out, &a, most);
        cr_expect_eq(message_to_json(&a, &m.base, &out), STATUS_EXHAUSTED, "%zu", most);
    }
    arena_release(&a);
}
