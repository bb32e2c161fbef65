/*
 * csv: an incremental reader of CSV as it comes out of spreadsheets and CRMs.
 *
 *     csv_feed(&r, chunk);                  any size; borrowed until csv_next says CSV_MORE
 *     while ((e = csv_next(&r, &row)) == CSV_ROW || e == CSV_BAD)
 *         ...
 *     e is CSV_MORE: feed the next chunk, or csv_finish() behind the last; CSV_END: all is read
 *
 * RFC 4180, and: the delimiter is found out from the first line (, ; tab |) or from Excel's "sep=;"
 * line, a UTF-8 BOM is skipped, CRLF, LF and CR end a row, empty lines are passed over.
 *
 * A row that cannot be trusted is handed out as CSV_BAD with row, line, column and flaw, never
 * guessed at; the reader then goes on at the next line, also when a quote was left open over many.
 */
#ifndef DOMAIN_CSV_H
#define DOMAIN_CSV_H

#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"

enum {
    CSV_ROW_BYTES_MAX = 1 << 20, /* default; a lead is at most 4 MB as message, 10 kB in practice */
    CSV_FIELD_BYTES_MAX = 64 << 10, /* default; longest text field of the contract is below */
    CSV_COLUMNS_MAX = 1024,         /* Excel exports of CRMs stay under 700 */
    CSV_QUOTED_LINES_MAX = 200,     /* line breaks in one row: beyond, a quote was left open */
};

/* clang-format off */
#define CSV_FLAW_LIST(X)                                                                   \
    X(NONE,         "no flaw")                                                             \
    X(QUOTE_OPEN,   "a quotation mark opens this field and none closes it")                \
    X(QUOTE_TEXT,   "text behind the closing quotation mark")                              \
    X(QUOTE_STRAY,  "a quotation mark inside of an unquoted field")                        \
    X(FIELD_LONG,   "field longer than the limit")                                         \
    X(ROW_LONG,     "row longer than the limit")                                           \
    X(COLUMNS_MANY, "more columns than the limit")                                         \
    X(COLUMNS_DIFFER, "another number of fields than the first row")                       \
    X(ENCODING,     "bytes that are not UTF-8; they look like Windows-1252 or Latin-1")    \
    X(BYTES,        "bytes that are no text in the encoding given")                        \
    X(NUL,          "a NUL byte")                                                          \
    X(UTF16,        "the file is UTF-16; save it as UTF-8")
/* clang-format on */

enum csv_flaw {
#define X(id, text) CSV_FLAW_##id,
    CSV_FLAW_LIST(X)
#undef X
        N_CSV_FLAWS
};

enum csv_event { CSV_MORE, CSV_ROW, CSV_BAD, CSV_END };
enum csv_encoding { CSV_UTF8, CSV_WINDOWS_1252, CSV_LATIN_1 };

struct csv_options {
    char delimiter;             /* 0: find out */
    enum csv_encoding encoding; /* of the input; a BOM overrides it */
    size_t row_bytes_max;       /* 0: CSV_ROW_BYTES_MAX */
    size_t field_bytes_max;     /* 0: CSV_FIELD_BYTES_MAX */
    size_t columns_max;         /* 0 or more than it: CSV_COLUMNS_MAX */
};

struct csv_row {
    uint64_t row;  /* from 1, the header included */
    uint64_t line; /* on which the row starts, from 1 */
    str *cells;    /* [n_cells], UTF-8; valid until the next csv_next. NULL in a bad row */
    size_t n_cells;
    enum csv_flaw flaw;
    size_t column; /* of the flaw, from 1; 0: the row as a whole */
};

struct csv_cell {
    size_t from, to; /* offsets in raw, quotes not included */
    bool escaped;    /* has doubled quotes in it */
};

struct csv {
    struct csv_options options;
    char *raw;              /* [options.row_bytes_max]: the row at work and what was read ahead */
    char *utf8;             /* [3 * row_bytes_max] when the input is not UTF-8 */
    struct csv_cell *spans; /* [columns_max] */
    str *cells;             /* the same */
    size_t start, at, n;    /* in raw: start of the row, scanned up to, filled up to */
    str input;              /* what is left of the chunk */
    size_t n_cells, n_columns; /* of the row at work; of the first row */
    uint64_t row, line, n_quoted_lines;
    int state;
    bool begun, finished, skip_line, skip_lf, fatal;
};

/* EXHAUSTED: the arena has no room for the buffers (about row_bytes_max). */
MUST_CHECK enum status csv_init(struct csv *r, struct arena *a, const struct csv_options *options);
void csv_feed(struct csv *r, str chunk);
void csv_finish(struct csv *r);
enum csv_event csv_next(struct csv *r, struct csv_row *out);

const char *csv_flaw_text(enum csv_flaw f);

#endif
