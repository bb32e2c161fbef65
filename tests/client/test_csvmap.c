#include <stdint.h>

#include "ctl/csvmap.h"
#include "support/table.h"

static struct arena arena;

static void start(void)
{
    arena_init(&arena, 8 << 20);
}

static void stop(void)
{
    arena_release(&arena);
}

TestSuite(csvmap, .init = start, .fini = stop);

static const str titles[] = {{"id", 2}, {"First Name", 10}, {"last", 4}, {"level", 5}};
enum { N_TITLES = sizeof titles / sizeof *titles };

static str value_of(const char *line, const char *const *cells, size_t n)
{
    str row[N_TITLES];
    struct csvmap map;
    const char *why;
    size_t column;

    for (size_t i = 0; i < n; i++)
        row[i] = str_of(cells[i]);
    cr_assert(csvmap_parse(&arena, str_of(line), &map, &why), "%s: %s", line, why);
    cr_assert(csvmap_bind(&arena, &map, titles, N_TITLES, &why), "%s: %s", line, why);
    cr_assert_eq(map.n_lines, 1, "%s", line);
    return csvmap_value(&map.lines[0], &arena, row, n, &column);
}

struct value_row {
    char line[96];
    char cells[N_TITLES][16];
    char value[32];
};

/* clang-format off */
static const struct value_row values[] = {
    {"a = id",                              {"7"},                     "7"},
    {"a=id",                                {" 7 "},                   "7"},
    {"  a  =  ID  # comment",               {"7"},                     "7"},
    {"a = \"crm-\" id",                     {"7"},                     "crm-7"},
    {"a = \"crm-\" id",                     {""},                      ""},
    {"a = [First Name] \" \" last",         {"", "Ada", "Byron"},      "Ada Byron"},
    {"a = [First Name] \" \" last",         {"", "Ada", ""},           ""},
    {"a = \"fair # 2026\"",                 {""},                      "fair # 2026"},
    {"a = level | boss: c_level, *: staff", {"", "", "", "boss"},      "c_level"},
    {"a = level | boss: c_level, *: staff", {"", "", "", "clerk"},     "staff"},
    {"a = level | boss: c_level",           {"", "", "", "clerk"},     "clerk"},
    {"a = level | BOSS: c_level",           {"", "", "", "boss"},      "c_level"},
    {"a = level | n/a: , -:",               {"", "", "", "n/a"},       ""},
    {"a = level | n/a: , -:",               {"", "", "", "-"},         ""},
    {"a = level | \"team lead\": \"a: b\"", {"", "", "", "team lead"}, "a: b"},
    {"a = level | *: staff",                {"", "", "", ""},          ""},
};
/* clang-format on */

TABLE_TEST(csvmap, values_are_joined_and_replaced, struct value_row, values)
{
    const char *cells[N_TITLES];
    str value;

    for (size_t i = 0; i < N_TITLES; i++)
        cells[i] = row->cells[i];
    value = value_of(row->line, cells, N_TITLES);
    cr_assert(str_eq(value, str_of(row->value)), "%s gives '" STR_FMT "'", row->line,
              STR_ARG(value));
}

Test(csvmap, a_short_row_has_empty_cells)
{
    const char *cells[] = {"7"};

    cr_assert_eq(value_of("a = last", cells, 1).n, 0);
}

struct wrong_row {
    char text[96];
    char why[48];
};

/* clang-format off */
static const struct wrong_row wrongs[] = {
    {"",                        "there is no line in it"},
    {"# only a comment\n\n",    "there is no line in it"},
    {"a = id\nb",               "line 2: a line is written field = column"},
    {"a =",                     "line 1: behind the ="},
    {"= id",                    "line 1: a line is written"},
    {"a = \"open",              "line 1: a quotation mark is not closed"},
    {"a = [open",               "line 1: a bracket is not closed"},
    {"a = id | boss",           "line 1: a replacement is written from: to"},
    {"a = id | : x",            "line 1: a replacement is written from: to"},
    {"a = id | a: b c, d",      "line 1: a replacement is written from: to"},
    {"a = id |",                "line 1: a replacement is written from: to"},
    {"a = id | \"x\": \"y\" z", "line 1: there is something left"},
    {"a = 1 2 3 4 5 6 7 8 9",   "line 1: too many parts"},
};
/* clang-format on */

TABLE_TEST(csvmap, mistakes_are_named_by_line, struct wrong_row, wrongs)
{
    struct csvmap map;
    const char *why;

    cr_assert_not(csvmap_parse(&arena, str_of(row->text), &map, &why), "%s", row->text);
    cr_assert(strstr(why, row->why), "%s: %s", row->text, why);
}

Test(csvmap, a_missing_column_is_named)
{
    struct csvmap map;
    const char *why;

    cr_assert(csvmap_parse(&arena, STR("a = id\nb = nowhere"), &map, &why));
    cr_assert_not(csvmap_bind(&arena, &map, titles, N_TITLES, &why));
    cr_assert_str_eq(why, "there is no column 'nowhere' for b");
}

Test(csvmap, headers_map_themselves)
{
    str cells[] = {{"7", 1}, {"Ada", 3}};
    struct csvmap map;
    size_t column;

    cr_assert(csvmap_of_header(&arena, titles, 2, &map));
    cr_assert_str_eq(map.lines[1].path, "First Name");
    cr_assert(str_eq(csvmap_value(&map.lines[1], &arena, cells, 2, &column), STR("Ada")));
    cr_assert_eq(column, 1);
}

/* Whatever stands in a mapping file, the parser ends, in bounds, with a map or a reason. */
Test(csvmap, survives_any_bytes)
{
    static const char alphabet[] = "a=\"[]|:,*# \n\t\xFF";
    uint32_t random = 1;

    for (int i = 0; i < 20000; i++) {
        char text[64];
        struct csvmap map;
        const char *why;

        for (size_t k = 0; k < sizeof text; k++) {
            random = random * 1664525u + 1013904223u;
            text[k] = alphabet[(random >> 16) % (sizeof alphabet - 1)];
        }
        if (!csvmap_parse(&arena, (str){text, sizeof text}, &map, &why))
            cr_assert(why);
        arena_reset(&arena);
    }
}
