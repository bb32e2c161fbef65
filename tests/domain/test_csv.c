/* csv: what spreadsheets write, what people break, and where the reader goes on. */
#include <stdio.h>

#include "base/buf.h"
#include "domain/csv.h"
#include "support/table.h"

enum { ROW_BYTES = 4096, FIELD_BYTES = 1000 };

/* Reads all of text in chunks of n bytes and writes it down: cells in [], rows in lines, a bad row
 * as !row@line:column and its flaw's number. */
static str transcript(struct arena *a, str text, size_t chunk, enum csv_encoding encoding)
{
    struct csv_options options = {.encoding = encoding,
                                  .row_bytes_max = ROW_BYTES,
                                  .field_bytes_max = FIELD_BYTES,
                                  .columns_max = 8};
    struct csv r;
    struct csv_row row;
    struct buf b;
    enum csv_event e;

    buf_init(&b, a, 1 << 20);
    cr_assert_eq(csv_init(&r, a, &options), STATUS_OK);
    for (;;) {
        e = csv_next(&r, &row);
        if (e == CSV_END)
            break;
        if (e == CSV_MORE && text.n) {
            csv_feed(&r, str_sub(text, 0, chunk));
            text = str_sub(text, chunk, text.n);
        } else if (e == CSV_MORE) {
            csv_finish(&r);
        } else if (e == CSV_BAD) {
            buf_printf(&b, "!%d@%d:%d %d\n", (int)row.row, (int)row.line, (int)row.column,
                       (int)row.flaw);
        } else {
            buf_printf(&b, "%d@%d ", (int)row.row, (int)row.line);
            for (size_t i = 0; i < row.n_cells; i++)
                buf_printf(&b, "[" STR_FMT "]", STR_ARG(row.cells[i]));
            buf_putc(&b, '\n');
        }
    }
    return buf_str(&b);
}

struct csv_case {
    const char *name, *in, *out;
};

static const struct csv_case cases[] = {
    {"nothing", "", ""},
    {"only line ends", "\n\r\n\n", ""},
    {"plain", "a,b\n1,2\n", "1@1 [a][b]\n2@2 [1][2]\n"},
    {"no line end at the end", "a,b\n1,2", "1@1 [a][b]\n2@2 [1][2]\n"},
    {"trailing delimiter", "a,b\n1,", "1@1 [a][b]\n2@2 [1][]\n"},
    {"crlf", "a,b\r\n1,2\r\n", "1@1 [a][b]\n2@2 [1][2]\n"},
    {"old mac", "a,b\r1,2\r", "1@1 [a][b]\n2@2 [1][2]\n"},
    {"empty lines keep their number", "a\n\n\r\nb\n", "1@1 [a]\n2@4 [b]\n"},
    {"bom",
     "\xEF\xBB\xBF"
     "a,b\n",
     "1@1 [a][b]\n"},
    {"bom and quote", "\xEF\xBB\xBF\"a\",b\n", "1@1 [a][b]\n"},
    {"semicolons", "a;b,c;d\n1;2;3\n", "1@1 [a][b,c][d]\n2@2 [1][2][3]\n"},
    {"tabs", "a\tb\n1,5\t2\n", "1@1 [a][b]\n2@2 [1,5][2]\n"},
    {"excel's own line", "sep=;\na;b\n", "1@2 [a][b]\n"},
    {"delimiters in quotes are not counted", "\"a;b;c\",d\n", "1@1 [a;b;c][d]\n"},
    {"quotes", "\"a\",\"b \"\"c\"\" d\"\n\"\",\"\"\"\"\n", "1@1 [a][b \"c\" d]\n2@2 [][\"]\n"},
    {"line ends in quotes", "a,b\n\"x\ny\r\nz\",2\n3,4\n",
     "1@1 [a][b]\n2@2 [x\ny\r\nz][2]\n3@5 [3][4]\n"},
    {"quote never closed", "a,b\n1,\"x\n2,y\n3,z\n",
     "1@1 [a][b]\n!2@2:2 1\n3@3 [2][y]\n4@4 [3][z]\n"},
    {"quote closed by the next row", "a,b\n1,\"x\n2,\"y\"\n3,z\n",
     "1@1 [a][b]\n!2@2:2 2\n3@3 [2][y]\n4@4 [3][z]\n"},
    {"two rows glued by a quote", "a,b\n1,\"x\n2\",y\n3,z\n",
     "1@1 [a][b]\n!2@2:4 7\n!3@3:1 3\n4@4 [3][z]\n"},
    {"stray quote", "a,b\n1\",2\n3,4\n", "1@1 [a][b]\n!2@2:1 3\n3@3 [3][4]\n"},
    {"text behind a quote", "a,b\n\"1\"x,2\n3,4\n", "1@1 [a][b]\n!2@2:1 2\n3@3 [3][4]\n"},
    {"bad last row", "a,b\n\"1", "1@1 [a][b]\n!2@2:1 1\n"},
    {"too few", "a,b\n1\n2,3\n", "1@1 [a][b]\n!2@2:2 7\n3@3 [2][3]\n"},
    {"too many", "a,b\n1,2,3\n4,5\n", "1@1 [a][b]\n!2@2:3 7\n3@3 [4][5]\n"},
    {"over the column limit", "a,b,c,d,e,f,g,h,i\nx\n", "!1@1:9 6\n2@2 [x]\n"},
    {"latin-1 in one cell", "a,b\n1,M\xFCller\n2,M\xC3\xBCller\n",
     "1@1 [a][b]\n!2@2:2 8\n3@3 [2][M\xC3\xBCller]\n"},
    {"utf-16",
     "\xFF\xFE"
     "a",
     "!1@1:0 11\n"},
};

TABLE_TEST(csv, reads_the_same_in_chunks_of_any_size, struct csv_case, cases)
{
    for (size_t chunk = 1; chunk < 40; chunk++) {
        struct arena a;

        arena_init(&a, 1 << 22);
        str out = transcript(&a, str_of(row->in), chunk, CSV_UTF8);

        cr_assert(str_eq(out, str_of(row->out)), "%s, chunks of %zu: " STR_FMT, row->name, chunk,
                  STR_ARG(out));
        arena_release(&a);
    }
}

Test(csv, a_stated_encoding_is_converted)
{
    struct arena a;

    arena_init(&a, 1 << 22);
    str in = STR("a,b\n\x80,M\xFCller\n\x81,x\n");

    cr_assert(str_eq(transcript(&a, in, 3, CSV_WINDOWS_1252),
                     STR("1@1 [a][b]\n2@2 [\xE2\x82\xAC][M\xC3\xBCller]\n!3@3:1 9\n")));
    cr_assert(str_eq(transcript(&a, in, 3, CSV_LATIN_1),
                     STR("1@1 [a][b]\n2@2 [\xC2\x80][M\xC3\xBCller]\n3@3 [\xC2\x81][x]\n")));
    cr_assert(str_eq(transcript(&a, STR("\xEF\xBB\xBF\xC3\xBC\n"), 3, CSV_WINDOWS_1252),
                     STR("1@1 [\xC3\xBC]\n")));
    arena_release(&a);
}

Test(csv, a_nul_byte_is_reported_where_it_stands)
{
    struct arena a;

    arena_init(&a, 1 << 22);
    str out = transcript(&a, (str){"a,b\n1,x\0y\n2,z\n", 14}, 5, CSV_UTF8);

    cr_assert(str_eq(out, STR("1@1 [a][b]\n!2@2:2 10\n3@3 [2][z]\n")), STR_FMT, STR_ARG(out));
    arena_release(&a);
}

/* A row over each limit costs that row only. */
Test(csv, limits_cost_one_row_each)
{
    char text[3 * ROW_BYTES];
    struct arena a;

    arena_init(&a, 1 << 22);
    for (size_t chunk = 1; chunk <= sizeof text; chunk += 997) {
        int n = snprintf(text, sizeof text, "a\n%0*d\nb\n", FIELD_BYTES + 2, 7);

        cr_assert(str_eq(transcript(&a, (str){text, (size_t)n}, chunk, CSV_UTF8),
                         STR("1@1 [a]\n!2@2:1 4\n3@3 [b]\n")),
                  "field, chunk %zu", chunk);
        n = snprintf(text, sizeof text, "a,b\n%*s\nc,d\n", 2 * ROW_BYTES, "");
        for (int i = 5; i < n - 6; i += 500)
            text[i] = ',';
        text[4] = 'x';
        str out = transcript(&a, (str){text, (size_t)n}, chunk, CSV_UTF8);

        cr_assert(str_eq(out, STR("1@1 [a][b]\n!2@2:9 6\n3@3 [c][d]\n")) ||
                      str_eq(out, STR("1@1 [a][b]\n!2@2:0 5\n3@3 [c][d]\n")),
                  "row, chunk %zu: " STR_FMT, chunk, STR_ARG(out));
        arena_reset(&a);
    }
    arena_release(&a);
}

Test(csv, row_five_thousand_is_broken_and_all_others_go_in)
{
    struct arena a;
    struct buf b;
    struct csv r;
    struct csv_row row;
    enum csv_event e;
    size_t n_good = 0, n_bad = 0;

    arena_init(&a, 1 << 26);
    buf_init(&b, &a, 1 << 24);
    buf_put(&b, STR("id,name,note\r\n"));
    for (int i = 2; i <= 10000; i++)
        buf_printf(&b,
                   i == 5000   ? "%d,\"Open,x\r\n"
                   : i == 7000 ? "%d,M\xFCller,x\r\n"
                               : "%d,Ada,\"x, y\"\r\n",
                   i);
    cr_assert_eq(csv_init(&r, &a, NULL), STATUS_OK);
    csv_feed(&r, buf_str(&b));
    while ((e = csv_next(&r, &row)) != CSV_END) {
        if (e == CSV_MORE)
            csv_finish(&r);
        n_good += e == CSV_ROW;
        n_bad += e == CSV_BAD;
        if (e == CSV_BAD && n_bad == 1)
            cr_assert(row.row == 5000 && row.line == 5000 && row.column == 2, "row %d",
                      (int)row.row);
        if (e == CSV_BAD && n_bad == 2)
            cr_assert(row.row == 7000 && row.column == 2 && row.flaw == CSV_FLAW_ENCODING);
    }
    cr_assert_eq(n_good, 9998);
    cr_assert_eq(n_bad, 2);
    arena_release(&a);
}

Test(csv, no_room_for_buffers_is_reported)
{
    struct arena a;
    struct csv r;
    struct csv_row row;

    arena_init(&a, 1000);
    cr_assert_eq(csv_init(&r, &a, NULL), STATUS_EXHAUSTED);
    cr_assert_eq(csv_next(&r, &row), CSV_END);
    arena_release(&a);
}
