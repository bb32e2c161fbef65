#include "base/encode.h"
#include "support/table.h"

struct pair {
    const char *plain, *text;
};

static const struct pair pairs[] = {
    /* RFC 4648 section 10 */
    {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
    {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xFF\xEF", "_-8"},
};

TABLE_TEST(encode, base64url_goes_there_and_back, struct pair, pairs)
{
    struct arena a;
    str back;

    arena_init(&a, 1 << 16);
    cr_assert_str_eq(base64url_encode(&a, row->plain, strlen(row->plain)), row->text);
    cr_assert(base64url_decode(&a, str_of(row->text), &back), "%s", row->text);
    cr_assert(str_eq(back, str_of(row->plain)), "%s", row->text);
    arena_release(&a);
}

static const char *const bad[] = {"Z", "Zg==", "Zh", "Z m8", "Zm9+", "Zm9v\nYg"};

TABLE_TEST(encode, base64url_refuses_second_spellings, char *const, bad)
{
    struct arena a;
    str back;

    arena_init(&a, 1 << 16);
    cr_assert_not(base64url_decode(&a, str_of(*row), &back), "\"%s\"", *row);
    arena_release(&a);
}

Test(encode, hex_is_lower_case)
{
    struct arena a;

    arena_init(&a, 1 << 16);
    cr_assert_str_eq(hex_encode(&a, "\x00\xAB\xff", 3), "00abff");
    arena_release(&a);
}
