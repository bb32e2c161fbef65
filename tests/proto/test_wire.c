/* Hostile bytes: each is refused with the reason and the field, or unpacks. */
#include <stdio.h>

#include "rules.h"
#include "schema/wire.h"
#include "support/table.h"

/* A constant initialiser, which STR is not. */
#define BYTES(literal)                                                                             \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }

struct row {
    const char *name;
    str bytes; /* of test.rules.Rules */
    enum status status;
    const char *id, *path; /* of the violation */
};

/* clang-format off */
/* Tags: s_const 1 = 0a; s_len 2 = 12; i_gt_lt 40 = c0 02; q_message 101 = aa 06; m_inner 85 = aa 05;
 * r_unique_int 74 = d2 04 (packed) or d0 04; fl_finite 56 = c5 03; f64_gte 53 = a9 03. */
static const struct row rows[] = {
    {"nothing",                  BYTES(""),                                     STATUS_OK, NULL, NULL},
    {"a string",                 BYTES("\x0a\x02hi"),                           STATUS_OK, NULL, NULL},
    {"an unknown field",         BYTES("\xfa\x3f\x02hi"),                       STATUS_OK, NULL, NULL},
    {"a packed list",            BYTES("\xd2\x04\x02\x01\x02"),                 STATUS_OK, NULL, NULL},
    {"an unpacked list",         BYTES("\xd0\x04\x01\xd0\x04\x02"),             STATUS_OK, NULL, NULL},
    {"a negative int32",         BYTES("\xc0\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), STATUS_OK, NULL, NULL},
    {"a map of messages",        BYTES("\xaa\x05\x05\x0a\x01k\x12\x00"),        STATUS_OK, NULL, NULL},
    {"a cut tag",                BYTES("\xc0"),                                 STATUS_INVALID, "wire.varint", ""},
    {"a tag without value",      BYTES("\xc0\x02"),                             STATUS_INVALID, "wire.truncated", "i_gt_lt"},
    {"a cut varint",             BYTES("\xc0\x02\x80"),                         STATUS_INVALID, "wire.truncated", "i_gt_lt"},
    {"an eleven byte varint",    BYTES("\xc0\x02\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), STATUS_INVALID, "wire.varint", "i_gt_lt"},
    {"a varint over 64 bits",    BYTES("\xc0\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"), STATUS_INVALID, "wire.varint", "i_gt_lt"},
    {"a cut float",              BYTES("\xc5\x03\x01\x02"),                     STATUS_INVALID, "wire.truncated", "fl_finite"},
    {"a cut fixed64",            BYTES("\xa9\x03\x01\x02\x03\x04"),             STATUS_INVALID, "wire.truncated", "f64_gte"},
    {"a string that ends early", BYTES("\x0a\x05hi"),                           STATUS_INVALID, "wire.truncated", "s_const"},
    {"a length of 2^63",         BYTES("\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"), STATUS_INVALID, "wire.truncated", "s_const"},
    {"field number 0",           BYTES("\x02\x00"),                             STATUS_INVALID, "wire.tag", ""},
    {"field number 2^29",        BYTES("\x80\x80\x80\x80\x10\x00"),             STATUS_INVALID, "wire.tag", ""},
    {"a group",                  BYTES("\x0b\x0c"),                             STATUS_INVALID, "wire.type", ""},
    {"wire type 6",              BYTES("\x0e"),                                 STATUS_INVALID, "wire.type", ""},
    {"a number in a string",     BYTES("\x08\x01"),                             STATUS_INVALID, "wire.type", "s_const"},
    {"a string in a number",     BYTES("\xc2\x02\x01x"),                        STATUS_INVALID, "wire.type", "i_gt_lt"},
    {"bytes that are not UTF-8", BYTES("\x0a\x02\xc3\x28"),                     STATUS_INVALID, "wire.utf8", "s_const"},
    {"a surrogate",              BYTES("\x0a\x03\xed\xa0\x80"),                 STATUS_INVALID, "wire.utf8", "s_const"},
    {"NUL in a string",          BYTES("\x0a\x03" "a\0b"),                      STATUS_INVALID, "wire.utf8", "s_const"},
    {"NUL in a nested string",   BYTES("\xaa\x06\x05\x12\x03\x0a\x01\0"),       STATUS_INVALID, "wire.utf8", "q_message.next.name"},
    {"a nested cut string",      BYTES("\xaa\x06\x02\x0a\x05"),                 STATUS_INVALID, "wire.truncated", "q_message.name"},
    {"a cut packed list",        BYTES("\xd2\x04\x02\x01\x80"),                 STATUS_INVALID, "wire.varint", "r_unique_int"},
    {"a map entry without value", BYTES("\xaa\x05\x03\x0a\x01k"),               STATUS_INVALID, "wire.map_value", "m_inner"},
    {"an empty map entry",       BYTES("\xaa\x05\x00"),                         STATUS_INVALID, "wire.map_value", "m_inner"},
};
/* clang-format on */

TABLE_TEST(wire, judges_bytes, struct row, rows)
{
    struct call c;
    call_init(&c, NULL, CALL_ARENA_BYTES);
    ProtobufCMessage *m;
    enum status s = wire_unpack(&c, &c.arena, RULES_DESCRIPTOR, row->bytes, &m);
    cr_assert_eq(s, row->status, "%s: %s %s", row->name, status_name(s), c.fault.why);
    cr_expect_eq(m != NULL, s == STATUS_OK, "%s", row->name);
    if (row->id) {
        cr_assert_eq(c.fault.n_details, 1, "%s", row->name);
        cr_expect(str_eq(c.fault.details[0].type, str_of(row->id)), "%s: " STR_FMT, row->name,
                  STR_ARG(c.fault.details[0].type));
        cr_expect(str_eq(c.fault.details[0].subject, str_of(row->path)), "%s: " STR_FMT, row->name,
                  STR_ARG(c.fault.details[0].subject));
    }
    call_release(&c);
}

/* q_message { next { next { ... } } }, `depth` messages below the root. */
static str nested(struct arena *a, size_t depth)
{
    char *p = arena_take(a, 8 * depth + 8);
    char *at = p + 8 * depth;
    size_t n = 0;
    for (size_t i = 0; i < depth; i++) {
        bool outermost = i + 1 == depth;
        *--at = (char)((n >> 7) & 0x7f);
        *--at = (char)(n | 0x80);
        if (outermost) {
            *--at = 0x06;
            *--at = (char)0xaa;
        } else {
            *--at = 0x12;
        }
        n = (size_t)(p + 8 * depth - at);
    }
    return (str){at, n};
}

Test(wire, bounds_the_depth)
{
    struct call c;
    ProtobufCMessage *m;
    call_init(&c, NULL, CALL_ARENA_BYTES);
    str legal = nested(&c.arena, MESSAGE_DEPTH_MAX);
    cr_expect_eq(wire_unpack(&c, &c.arena, RULES_DESCRIPTOR, legal, &m), STATUS_OK, "%s",
                 c.fault.why);
    str deep = nested(&c.arena, MESSAGE_DEPTH_MAX + 1);
    cr_expect_eq(wire_unpack(&c, &c.arena, RULES_DESCRIPTOR, deep, &m), STATUS_INVALID);
    cr_expect(str_eq(c.fault.details[0].type, STR("wire.depth")));
    call_clear(&c);
    deep = nested(&c.arena, 2000);
    cr_expect_eq(wire_unpack(&c, &c.arena, RULES_DESCRIPTOR, deep, &m), STATUS_INVALID);
    call_release(&c);
}

struct bomb {
    const char *name;
    str unit; /* repeated until the message has MESSAGE_BYTES_MAX */
};

static const struct bomb bombs[] = {
    {"empty structs", BYTES("\xe2\x04\x00")}, /* r_inner */
    {"unknown varints", BYTES("\xf8\x3f\x00")},
    {"one byte strings", BYTES("\xb2\x04\x00")}, /* r_min */
};

TABLE_TEST(wire, bounds_the_memory_that_few_bytes_can_ask_for, struct bomb, bombs)
{
    struct call c;
    ProtobufCMessage *m;
    call_init(&c, NULL, CALL_ARENA_BYTES);
    size_t n = MESSAGE_BYTES_MAX / row->unit.n;
    char *p = malloc(n * row->unit.n);
    cr_assert_not_null(p);
    for (size_t i = 0; i < n; i++)
        memcpy(p + i * row->unit.n, row->unit.p, row->unit.n);
    cr_expect_eq(wire_unpack(&c, &c.arena, RULES_DESCRIPTOR, (str){p, n * row->unit.n}, &m),
                 STATUS_EXHAUSTED, "%s", row->name);
    cr_expect_eq(c.arena.total < 1 << 16, true, "%s: refused only after allocating", row->name);
    free(p);
    call_release(&c);
}

/* What wire_check lets through must fit: else its accounting is wrong. */
TABLE_TEST(wire, what_passes_the_check_also_fits_the_arena, struct bomb, bombs)
{
    struct call c;
    ProtobufCMessage *m;
    for (size_t n = 1000; n < 2000000; n += n / 2) {
        call_init(&c, NULL, CALL_ARENA_BYTES);
        char *p = malloc(n * row->unit.n);
        cr_assert_not_null(p);
        for (size_t i = 0; i < n; i++)
            memcpy(p + i * row->unit.n, row->unit.p, row->unit.n);
        bool passes = wire_check(&c, RULES_DESCRIPTOR, (uint8_t *)p, n * row->unit.n) == STATUS_OK;
        if (passes)
            cr_expect_eq(wire_unpack(&c, &c.arena, RULES_DESCRIPTOR, (str){p, n * row->unit.n}, &m),
                         STATUS_OK, "%s: %zu: %s", row->name, n, c.fault.why);
        free(p);
        call_release(&c);
        if (!passes)
            break;
    }
}

Test(wire, reports_a_full_arena_as_such)
{
    struct call c;
    ProtobufCMessage *m;
    Rules rules = RULES_INIT;
    char *items[200];
    for (size_t i = 0; i < 200; i++)
        items[i] = "some text";
    rules.n_r_min = 200;
    rules.r_min = items;
    call_init(&c, NULL, CALL_ARENA_BYTES);
    str bytes;
    cr_assert(wire_pack(&c.arena, &rules.base, &bytes));
    bool fitted = false;
    for (size_t limit = 0; !fitted; limit += 1024) {
        struct arena a;
        arena_init(&a, limit);
        call_clear(&c);
        enum status s = wire_unpack(&c, &a, RULES_DESCRIPTOR, bytes, &m);
        cr_expect(s == STATUS_OK || s == STATUS_EXHAUSTED, "limit %zu: %s", limit, c.fault.why);
        fitted = s == STATUS_OK;
        cr_assert(limit < 1 << 20);
        arena_release(&a);
    }
    call_release(&c);
}

Test(wire, copies_deeply)
{
    struct arena a;
    arena_init(&a, 1 << 20);
    char text[] = "before";
    Inner inner = INNER_INIT;
    inner.name = text;
    const Inner *copy = (const Inner *)message_copy(&a, &inner.base);
    cr_assert_not_null(copy);
    text[0] = 'x';
    cr_expect_str_eq(copy->name, "before");
    struct arena full;
    arena_init(&full, 0);
    cr_expect_null(message_copy(&full, &inner.base));
    arena_release(&a);
}
