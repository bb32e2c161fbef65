/* What people type and read: times, amounts, widths, tables, progress. */
#include <locale.h>
#include <stdlib.h>

#include "ctl/amount.h"
#include "ctl/grid.h"
#include "ctl/progress.h"
#include "ctl/when.h"
#include "support/table.h"

static struct arena arena;

static void start(void)
{
    setlocale(LC_CTYPE, "C.UTF-8");
    arena_init(&arena, 8 << 20);
}

static void stop(void)
{
    arena_release(&arena);
}

TestSuite(text, .init = start, .fini = stop);

/* ---- times ----------------------------------------------------------------------------------- */

#define NOW INT64_C(1795190400000000) /* 2026-11-20T16:00:00Z */

struct when_row {
    char text[32];
    bool ok;
    int64_t us;
};

/* clang-format off */
static const struct when_row whens[] = {
    {"now",                      true,  NOW},
    {"-1d",                      true,  NOW - INT64_C(86400000000)},
    {"+90m",                     true,  NOW + INT64_C(5400000000)},
    {"2026-11-20",               true,  NOW - INT64_C(57600000000)},
    {"2026-11-20T16:00",         true,  NOW},
    {"2026-11-20 16:00:00Z",     true,  NOW},
    {"2026-11-20T17:00:00+01:00", true, NOW},
    {"2026-11-20T15:59:59.5Z",   true,  NOW - 500000},
    {"1970-01-01T00:00:00Z",     true,  0},
    {"2026-02-29",               false, 0},
    {"2026-13-01",               false, 0},
    {"2026-11-20T24:00",         false, 0},
    {"2026-11-20T16:00x",        false, 0},
    {"2026-11-20T16:00+1",       false, 0},
    {"yesterday",                false, 0},
    {"-3y",                      false, 0},
    {"-",                        false, 0},
    {"",                         false, 0},
};
/* clang-format on */

TABLE_TEST(text, times_are_understood, struct when_row, whens)
{
    int64_t us = 0;

    cr_assert_eq(when_parse(str_of(row->text), NOW, &us), row->ok, "'%s'", row->text);
    if (row->ok)
        cr_assert_eq(us, row->us, "'%s' is %lld, not %lld", row->text, (long long)us,
                     (long long)row->us);
}

Test(text, spans_have_bounds)
{
    int64_t us;

    cr_assert(when_span(STR("36500d"), &us));
    cr_assert_not(when_span(STR("36526d"), &us));
    cr_assert_not(when_span(STR("99999999999999999999s"), &us));
    cr_assert_not(when_span(STR("10"), &us), "a unit is needed");
    cr_assert_not(when_span(STR("-1s"), &us));
}

/* ---- amounts --------------------------------------------------------------------------------- */

struct amount_row {
    char text[32];
    bool ok;
    int64_t minor;
    char shown[24];
};

/* clang-format off */
static const struct amount_row amounts[] = {
    {"1200.50 EUR",   true,  120050, "1,200.50 EUR"},
    {"EUR 1200,5",    true,  120050, "1,200.50 EUR"},
    {"eur1200",       true,  120000, "1,200.00 EUR"},
    {"-3 JPY",        true,  -3,     "-3 JPY"},
    {"1.234 KWD",     true,  1234,   "1.234 KWD"},
    {"1234567 USD",   true,  123456700, "1,234,567.00 USD"},
    {"1,200.50 EUR",  false, 0, ""},
    {"1.234 EUR",     false, 0, ""},
    {"12 XXQ",        false, 0, ""},
    {"EUR",           false, 0, ""},
    {"12",            false, 0, ""},
    {"99999999999999999999 EUR", false, 0, ""},
};
/* clang-format on */

TABLE_TEST(text, amounts_are_exact_or_refused, struct amount_row, amounts)
{
    int64_t minor = 0;
    char code[4];

    cr_assert_eq(amount_parse(str_of(row->text), &minor, code), row->ok, "'%s'", row->text);
    if (!row->ok)
        return;
    cr_assert_eq(minor, row->minor, "'%s'", row->text);
    cr_assert_str_eq(amount_text(&arena, minor, code), row->shown);
}

/* ---- widths and harmless text ---------------------------------------------------------------- */

struct clean_row {
    char text[32];
    int columns;
    char shown[32];
    int width;
};

/* clang-format off */
static const struct clean_row cleans[] = {
    {"plain",            10, "plain",          5},
    {"plain",             5, "plain",          5},
    {"plain",             4, "pla…",           4},
    {"Müller",            6, "Müller",         6},
    {"Müller",            3, "Mü…",            3},
    {"日本語",            6, "日本語",         6},
    {"日本語",            5, "日本…",          5},
    {"日本語",            4, "日…",            3},
    {"e\xCC\x81t\xC3\xA9", 3, "e\xCC\x81t\xC3\xA9", 3},
    {"a\nb\tc",          10, "a b c",          5},
    {"\033[31mred",      10, "\xEF\xBF\xBD[31mred", 8},
    {"a\xE2\x80\xAE" "b", 10, "a\xEF\xBF\xBD" "b", 3},
    {"\xFF\xFE",         10, "\xEF\xBF\xBD",   1},
    {"",                 10, "",               0},
};
/* clang-format on */

TABLE_TEST(text, text_of_others_is_harmless_and_fits, struct clean_row, cleans)
{
    const char *shown = text_clean(&arena, str_of(row->text), row->columns);

    cr_assert_str_eq(shown, row->shown, "'%s' became '%s'", row->text, shown);
    cr_assert_eq(text_width(str_of(shown)), row->width, "'%s' is %d wide", shown,
                 text_width(str_of(shown)));
}

Test(text, bars_keep_their_width)
{
    for (int i = 0; i <= 1000; i++)
        cr_assert_eq(text_width(str_of(text_bar(&arena, i / 1000.0, 12))), 12, "at %d", i);
    cr_assert_str_eq(text_bar(&arena, 0, 3), "   ");
    cr_assert_str_eq(text_bar(&arena, 1, 3), "███");
    cr_assert_str_eq(text_bar(&arena, 7, 3), "███");
    cr_assert_str_eq(text_bar(&arena, 0.0001, 3), "▏  ", "something is never nothing");
}

Test(text, counts_have_commas)
{
    cr_assert_str_eq(text_count(&arena, 0), "0");
    cr_assert_str_eq(text_count(&arena, 999), "999");
    cr_assert_str_eq(text_count(&arena, 1000), "1,000");
    cr_assert_str_eq(text_count(&arena, UINT64_MAX), "18,446,744,073,709,551,615");
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* What was printed, in memory. */
static struct term memory_term(char **text, size_t *n, int columns)
{
    return (struct term){.file = open_memstream(text, n), .columns = columns};
}

static const struct grid_column columns[] = {
    {"NAME", ALIGN_LEFT, 0}, {"N", ALIGN_RIGHT, 0}, {"NOTE", ALIGN_LEFT, 0}};

static const char *grid_text(const char *const (*rows)[3], size_t n, int width)
{
    char *text;
    size_t len;
    struct term t = memory_term(&text, &len, width);
    const char *copy;
    struct grid g;

    grid_init(&g, &arena, columns, 3);
    for (size_t i = 0; i < n; i++) {
        cr_assert(grid_row(&g));
        for (size_t c = 0; c < 3; c++)
            grid_set(&g, c, rows[i][c]);
    }
    grid_print(&g, &t, 1);
    fclose(t.file);
    copy = arena_cstr(&arena, str_of(text));
    free(text);
    return copy;
}

Test(text, columns_line_up_by_what_is_seen)
{
    static const char *const rows[][3] = {
        {"日本語", "7", "x"}, {"Müller", "1234", ""}, {"a", "", "\033[2Jboo"}};

    cr_assert_str_eq(grid_text(rows, 3, 80), " NAME       N  NOTE\n"
                                             " 日本語     7  x\n"
                                             " Müller  1234\n"
                                             " a             \xEF\xBF\xBD[2Jboo\n");
}

Test(text, a_narrow_terminal_cuts_the_widest_column)
{
    static const char *const rows[][3] = {{"short", "1", "a note that goes on and on and on"}};
    const char *text = grid_text(rows, 1, 30);
    str rest = str_of(text);

    while (rest.n)
        cr_assert_leq(text_width(str_cut(&rest, '\n')), 30, "%s", text);
    cr_assert(strstr(text, "…"), "%s", text);
    cr_assert(strstr(text, "short"), "%s", text);
}

Test(text, tables_grow)
{
    struct grid g;

    grid_init(&g, &arena, columns, 3);
    for (int i = 0; i < 1000; i++) {
        cr_assert(grid_row(&g));
        grid_set(&g, 1, text_count(&arena, (uint64_t)i));
    }
    cr_assert_str_eq(g.cells[1], "0");
    cr_assert_str_eq(g.cells[999 * 3 + 1], "999");
}

/* ---- progress, with times of our own --------------------------------------------------------- */

static const char *progress_at(struct progress *p, int64_t now_ms)
{
    struct buf b;

    buf_init(&b, &arena, 512);
    progress_text(p, now_ms * 1000000, &b);
    return buf_str(&b).p;
}

Test(text, progress_tells_rate_and_rest)
{
    struct term plain = {.columns = 80};
    struct progress p;

    progress_init(&p, &plain, "importing", 0);
    p.total = 10000;
    p.done = 2500;
    cr_assert_str_eq(progress_at(&p, 500), "importing   25 %  2,500/10,000  5,000/s  2 s left");
    p.failed = 3;
    p.done = 10000;
    cr_assert_str_eq(progress_at(&p, 2000), "importing  100 %  10,000/10,000  5,000/s  3 failed");
    p.total = 0;
    p.failed = 0;
    cr_assert_str_eq(progress_at(&p, 2000), "importing  10,000  5,000/s", "no total, no promise");
    p.total = 1000000;
    cr_assert_str_eq(progress_at(&p, 100000),
                     "importing    1 %  10,000/1,000,000  100/s  2.8 h left");
}

Test(text, progress_is_quiet_between_draws)
{
    char *text;
    size_t n;
    struct term pipe = memory_term(&text, &n, 80), tty;
    struct progress p;

    progress_init(&p, &pipe, "importing", 0);
    for (int64_t ms = 0; ms < 12000; ms += 10)
        progress_set(&p, (uint64_t)ms, 0, ms * 1000000);
    progress_wipe(&p);
    fclose(pipe.file);
    cr_assert_str_eq(text, "importing  5,000  1,000/s\nimporting  10,000  1,000/s\n");
    free(text);

    tty = memory_term(&text, &n, 80);
    tty.tty = true;
    progress_init(&p, &tty, "importing", 0);
    progress_set(&p, 1, 0, 50000000);
    cr_assert_not(p.drawn, "too early");
    progress_set(&p, 2, 0, 150000000);
    cr_assert(p.drawn);
    progress_wipe(&p);
    fclose(tty.file);
    cr_assert_str_eq(text, "\rimporting  2  13/s\033[K\r\033[K");
    free(text);
}

Test(text, colours_only_where_they_are_seen)
{
    struct term plain = {.color = false}, tty = {.color = true};
    FILE *f = tmpfile();

    cr_assert_str_eq(term_ink(&plain, INK_BAD), "");
    cr_assert_str_neq(term_ink(&tty, INK_BAD), "");
    cr_assert_not(term_of(f).color, "a file is no terminal");
    cr_assert_eq(term_of(f).columns, TERM_COLUMNS_PIPE, "and never shortens");
    fclose(f);
}
