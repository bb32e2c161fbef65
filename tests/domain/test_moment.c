/* moment: instants and calendar dates. */
#include "domain/moment.h"
#include "support/table.h"

struct date_case {
    const char *text;
    bool ok;
    int64_t day;
};

static const struct date_case dates[] = {
    {"1970-01-01", true, 0},
    {"1969-12-31", true, -1},
    {"2000-02-29", true, 11016},
    {"2024-12-31", true, 20088},
    {"1900-02-29", false, 0},
    {"2023-02-29", false, 0},
    {"2024-13-01", false, 0},
    {"2024-00-10", false, 0},
    {"2024-04-31", false, 0},
    {"2024-4-1", false, 0},
    {"", false, 0},
    {"2024/01/01", false, 0},
    {"20a4-01-01", false, 0},
    {"0001-01-01", true, -719162},
    {"9999-12-31", true, 2932896},
};

TABLE_TEST(moment, dates_are_read_by_the_calendar, struct date_case, dates)
{
    char text[DATE_TEXT_BYTES + 1];
    int64_t day;

    cr_assert_eq(date_parse(str_of(row->text), &day), row->ok, "%s", row->text);
    cr_assert_eq(day, row->day, "%s is %lld", row->text, (long long)day);
    if (!row->ok)
        return;
    date_of(day * MOMENT_DAY_US, text);
    cr_assert_str_eq(text, row->text);
    date_of(day * MOMENT_DAY_US + MOMENT_DAY_US - 1, text);
    cr_assert_str_eq(text, row->text);
}

Test(moment, timestamps_keep_microseconds_before_and_after_1970)
{
    struct arena a;

    arena_init(&a, 1 << 16);
    for (int64_t us = -3000001; us < 3000001; us += 499999) {
        Timestamp *t = moment_new(&a, us);

        cr_assert(t->nanos >= 0 && t->nanos < 1000000000);
        cr_assert_eq(moment_us(t, 0), us);
    }
    cr_assert_eq(moment_us(NULL, 42), 42);
    arena_release(&a);
}
