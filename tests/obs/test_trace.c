#include "obs/trace.h"
#include "support/table.h"

#define GOOD "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

struct vector {
    const char *header;
    bool taken;
};

/* From the recommendation's text and its test suite. */
static const struct vector vectors[] = {
    {GOOD, true},
    {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", true},
    {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff", true},
    {"cc-12345678901234567890123456789012-1234567890123456-01", true},
    {"cc-12345678901234567890123456789012-1234567890123456-01-what-the-future-will-be", true},
    {"cc-12345678901234567890123456789012-1234567890123456-01.what-the-future-will-be", false},
    {"ff-12345678901234567890123456789012-1234567890123456-01", false},
    {GOOD "-", false},
    {GOOD "x", false},
    {"", false},
    {"00", false},
    {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false},
    {"00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
    {"00-00000000000000000000000000000000-b7ad6b7169203331-01", false},
    {"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false},
    {"00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
    {"00-.af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
    {"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-.1", false},
    {"0x-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false},
};

TABLE_TEST(trace, takes_only_well_formed_headers, struct vector, vectors)
{
    struct trace t;
    char text[TRACEPARENT_BYTES + 1];

    cr_assert_eq(trace_continue(&t, &system_clock, str_of(row->header)), row->taken, "%s",
                 row->header);
    cr_assert(trace_is_set(&t), "%s", row->header);
    trace_format(&t, text);
    cr_assert_eq(str_eq(str_sub(str_of(text), 3, 32), str_sub(str_of(row->header), 3, 32)),
                 row->taken, "%s", row->header);
}

Test(trace, a_continued_trace_has_the_caller_as_parent)
{
    struct trace t, child;
    char text[TRACEPARENT_BYTES + 1];

    cr_assert(trace_continue(&t, &system_clock, STR(GOOD)));
    cr_assert(t.sampled);
    cr_assert_eq(memcmp(t.parent_id, "\xb7\xad\x6b\x71\x69\x20\x33\x31", 8), 0);
    cr_assert_neq(memcmp(t.span_id, t.parent_id, 8), 0);
    child = trace_child(&t, &system_clock);
    cr_assert_eq(memcmp(child.trace_id, t.trace_id, 16), 0);
    cr_assert_eq(memcmp(child.parent_id, t.span_id, 8), 0);
    cr_assert_neq(memcmp(child.span_id, t.span_id, 8), 0);
    trace_format(&t, text);
    cr_assert_eq(strlen(text), TRACEPARENT_BYTES);
    cr_assert_eq(strncmp(text, GOOD, 36), 0, "%s", text);
    cr_assert_str_eq(text + 52, "-01");
}

static void zeros(const struct clock_ops *c, void *out, size_t n)
{
    (void)c;
    memset(out, 0, n);
}

Test(trace, a_random_source_of_zeros_still_gives_valid_ids)
{
    struct clock_ops clock = system_clock;
    char text[TRACEPARENT_BYTES + 1];
    struct trace t, again;

    clock.random = zeros;
    trace_start(&t, &clock);
    trace_format(&t, text);
    cr_assert(trace_continue(&again, &clock, str_of(text)), "%s", text);
}
