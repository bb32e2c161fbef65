#include "base/uuid.h"
#include "support/table.h"

struct parse {
    const char *in;
    bool ok;
};

static const struct parse parses[] = {
    {"01932b6e-5f00-7abc-8def-0123456789ab", true},
    {"01932B6E-5F00-7ABC-8DEF-0123456789AB", true},
    {"01932b6e-5f00-7abc-8def-0123456789a", false},
    {"01932b6e-5f00-7abc-8def-0123456789abc", false},
    {"01932b6e5-f00-7abc-8def-0123456789ab", false},
    {"01932b6e-5f00-7abc-8def-0123456789ag", false},
    {"", false},
};

TABLE_TEST(uuid, parse_takes_the_canonical_form_only, struct parse, parses)
{
    struct uuid u;
    char text[UUID_TEXT_BYTES + 1];

    cr_assert_eq(uuid_parse(str_of(row->in), &u), row->ok, "%s", row->in);
    uuid_format(u, text);
    if (row->ok)
        cr_assert(str_eq_nocase(str_of(text), str_of(row->in)), "%s became %s", row->in, text);
}

Test(uuid, later_ids_sort_later_and_name_their_version)
{
    struct call c;
    struct uuid last = {{0}};

    call_init(&c, NULL, 1 << 16);
    for (int i = 0; i < 20000; i++) {
        struct uuid u = uuid_new(&c);

        cr_assert_lt(memcmp(&last, &u, sizeof u), 0);
        cr_assert_eq(u.b[6] >> 4, 7);
        cr_assert_eq(u.b[8] >> 6, 2);
        last = u;
    }
    call_release(&c);
}
