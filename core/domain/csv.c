/* CSV: a scanner that only notes where cells begin and end, over a buffer that still holds the raw
 * row. So a row found to be broken can be given up and read again from its second line. */
#include "domain/csv.h"

#include <assert.h>

enum state { CELL_START, PLAIN, QUOTED, CLOSED };

/* What the scanner found. */
enum found { FOUND_NOTHING, FOUND_ROW, FOUND_FLAW };

static const char *const flaw_texts[] = {
#define X(id, text) text,
    CSV_FLAW_LIST(X)
#undef X
};

const char *csv_flaw_text(enum csv_flaw f)
{
    assert(f < N_CSV_FLAWS);
    return flaw_texts[f];
}

enum status csv_init(struct csv *r, struct arena *a, const struct csv_options *options)
{
    struct csv_options o = options ? *options : (struct csv_options){0};

    o.row_bytes_max = o.row_bytes_max ? o.row_bytes_max : CSV_ROW_BYTES_MAX;
    o.field_bytes_max = o.field_bytes_max ? o.field_bytes_max : CSV_FIELD_BYTES_MAX;
    if (!o.columns_max || o.columns_max > CSV_COLUMNS_MAX)
        o.columns_max = CSV_COLUMNS_MAX;
    *r = (struct csv){.options = o, .line = 1};
    r->raw = arena_take(a, o.row_bytes_max);
    r->spans = NEW(a, struct csv_cell, o.columns_max);
    r->cells = NEW(a, str, o.columns_max);
    if (o.encoding != CSV_UTF8)
        r->utf8 = arena_take(a, 3 * o.row_bytes_max);
    if (!r->raw || !r->spans || !r->cells || (o.encoding != CSV_UTF8 && !r->utf8)) {
        *r = (struct csv){.fatal = true, .begun = true, .finished = true};
        return STATUS_EXHAUSTED;
    }
    return STATUS_OK;
}

void csv_feed(struct csv *r, str chunk)
{
    assert(r->input.n == 0);
    assert(!r->finished);
    r->input = chunk;
}

void csv_finish(struct csv *r)
{
    r->finished = true;
}

/* Takes as much of the chunk as fits. False: nothing was left to take, or no room. */
static bool refill(struct csv *r)
{
    size_t cap = r->options.row_bytes_max, take;

    if (r->start) {
        memmove(r->raw, r->raw + r->start, r->n - r->start);
        r->at -= r->start;
        r->n -= r->start;
        for (size_t i = 0; i < r->n_cells; i++) {
            r->spans[i].from -= r->start;
            r->spans[i].to -= r->start;
        }
        if (r->state != CELL_START) /* the cell at work has its beginning noted already */
            r->spans[r->n_cells].from -= r->start;
        r->start = 0;
    }
    take = r->input.n < cap - r->n ? r->input.n : cap - r->n;
    if (!take)
        return false;
    memcpy(r->raw + r->n, r->input.p, take);
    r->n += take;
    r->input = str_sub(r->input, take, r->input.n);
    return true;
}

static bool is_full(const struct csv *r)
{
    return r->n - r->start == r->options.row_bytes_max;
}

static void restart_row(struct csv *r, size_t at)
{
    r->start = r->at = at;
    r->n_cells = 0;
    r->n_quoted_lines = 0;
    r->state = CELL_START;
}

/* The delimiter that stands most often outside of quotes in the first line. */
static char sniff(str line)
{
    static const char candidates[] = ",;\t|";
    size_t count[sizeof candidates - 1] = {0}, best = 0;
    bool quoted = false;

    if (line.n == 5 && str_starts(line, STR("sep=")))
        return line.p[4];
    for (size_t i = 0; i < line.n; i++) {
        const char *c = line.p[i] ? strchr(candidates, line.p[i]) : NULL;

        quoted ^= line.p[i] == '"';
        if (c && !quoted)
            count[c - candidates]++;
    }
    for (size_t i = 1; i < sizeof count / sizeof *count; i++)
        if (count[i] > count[best])
            best = i;
    return candidates[best];
}

static size_t line_end(const struct csv *r, size_t from)
{
    while (from < r->n && r->raw[from] != '\n' && r->raw[from] != '\r')
        from++;
    return from;
}

/* Byte order mark, delimiter, "sep=" line. False: more bytes are needed to tell. */
static bool begin(struct csv *r)
{
    size_t end = line_end(r, 0);
    str head = {r->raw, r->n}, line;

    if (end == r->n && !r->finished && !is_full(r))
        return false;
    r->begun = true;
    if (str_starts(head, STR("\xFF\xFE")) || str_starts(head, STR("\xFE\xFF"))) {
        r->fatal = true;
        return true;
    }
    if (str_starts(head, STR("\xEF\xBB\xBF"))) {
        r->options.encoding = CSV_UTF8;
        restart_row(r, 3);
    }
    line = (str){r->raw + r->start, end - r->start};
    if (!r->options.delimiter)
        r->options.delimiter = sniff(line);
    if (line.n == 5 && str_starts(line, STR("sep=")))
        r->skip_line = true;
    return true;
}

/* Drops bytes up to the end of the line. False: the line goes on behind what was read. */
static bool skip_line(struct csv *r)
{
    size_t end = line_end(r, r->start);

    if (end == r->n) {
        restart_row(r, end);
        return false;
    }
    r->skip_lf = r->raw[end] == '\r';
    r->line++;
    restart_row(r, end + 1);
    r->skip_line = false;
    return true;
}

static void close_cell(struct csv *r, size_t to)
{
    r->spans[r->n_cells++].to = to;
    r->state = CELL_START;
}

static enum csv_flaw open_cell(struct csv *r, char c)
{
    if (r->n_cells == r->options.columns_max)
        return CSV_FLAW_COLUMNS_MANY;
    r->state = c == '"' ? QUOTED : PLAIN;
    r->spans[r->n_cells] = (struct csv_cell){.from = r->at + (c == '"')};
    return CSV_FLAW_NONE;
}

/* A byte that ends a cell: delimiter or line end. */
static enum csv_flaw end_cell(struct csv *r)
{
    if (r->state == CELL_START && open_cell(r, 0) != CSV_FLAW_NONE)
        return CSV_FLAW_COLUMNS_MANY;
    close_cell(r, r->state == CLOSED ? r->at - 1 : r->at);
    return CSV_FLAW_NONE;
}

/* One byte inside of quotes. */
static enum csv_flaw quoted_byte(struct csv *r, char c)
{
    if (c == '"')
        r->state = CLOSED;
    if (c == '\n' && ++r->n_quoted_lines > CSV_QUOTED_LINES_MAX)
        return CSV_FLAW_QUOTE_OPEN;
    if (r->at - r->spans[r->n_cells].from > r->options.field_bytes_max)
        return r->n_quoted_lines ? CSV_FLAW_QUOTE_OPEN : CSV_FLAW_FIELD_LONG;
    return CSV_FLAW_NONE;
}

/* One byte outside of quotes that ends no cell. */
static enum csv_flaw plain_byte(struct csv *r, char c)
{
    if (r->state == CELL_START)
        return open_cell(r, c);
    if (r->state == CLOSED) {
        if (c != '"')
            return CSV_FLAW_QUOTE_TEXT;
        r->spans[r->n_cells].escaped = true;
        r->state = QUOTED;
        return CSV_FLAW_NONE;
    }
    if (c == '"')
        return CSV_FLAW_QUOTE_STRAY;
    return r->at - r->spans[r->n_cells].from > r->options.field_bytes_max ? CSV_FLAW_FIELD_LONG
                                                                          : CSV_FLAW_NONE;
}

/* Goes on from r->at. At a row's end r->at is the line end; at a flaw the byte that shows it. */
static enum found scan(struct csv *r, enum csv_flaw *flaw)
{
    char delimiter = r->options.delimiter;

    for (*flaw = CSV_FLAW_NONE; r->at < r->n; r->at++) {
        char c = r->raw[r->at];
        bool row_ends = false;

        if (r->state == QUOTED) {
            *flaw = quoted_byte(r, c);
        } else if (c == delimiter || c == '\n' || c == '\r') {
            row_ends = c != delimiter;
            *flaw = end_cell(r);
        } else {
            *flaw = plain_byte(r, c);
        }
        if (*flaw != CSV_FLAW_NONE)
            return FOUND_FLAW;
        if (row_ends)
            return FOUND_ROW;
    }
    return FOUND_NOTHING;
}

static void unescape(struct csv *r, struct csv_cell *s)
{
    size_t to = s->from;

    for (size_t i = s->from; i < s->to; i++) {
        i += r->raw[i] == '"'; /* the first of two */
        r->raw[to++] = r->raw[i];
    }
    s->to = to;
}

/* Bytes 0x80 to 0x9F of Windows-1252; 0: not used. */
static const uint16_t windows_1252[32] = {
    0x20AC, 0,      0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0,      0x017D, 0,      0,      0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0,      0x017E, 0x0178};

/* Appends the UTF-8 of one byte at r->utf8[*n]. False: the byte means nothing. */
static bool put_byte(struct csv *r, unsigned char byte, size_t *n)
{
    unsigned rune = byte;

    if (byte >= 0x80 && byte < 0xA0 && r->options.encoding == CSV_WINDOWS_1252)
        rune = windows_1252[byte - 0x80];
    if (!rune)
        return false;
    if (rune < 0x80) {
        r->utf8[(*n)++] = (char)rune;
        return true;
    }
    if (rune >= 0x800) {
        r->utf8[(*n)++] = (char)(0xE0 | rune >> 12);
        r->utf8[(*n)++] = (char)(0x80 | (rune >> 6 & 0x3F));
    } else {
        r->utf8[(*n)++] = (char)(0xC0 | rune >> 6);
    }
    r->utf8[(*n)++] = (char)(0x80 | (rune & 0x3F));
    return true;
}

static enum csv_flaw decode(struct csv *r, str raw, str *out, size_t *n_utf8)
{
    size_t from = *n_utf8;

    if (raw.n && memchr(raw.p, 0, raw.n))
        return CSV_FLAW_NUL;
    *out = raw;
    if (r->options.encoding == CSV_UTF8)
        return str_is_text(raw) ? CSV_FLAW_NONE : CSV_FLAW_ENCODING;
    for (size_t i = 0; i < raw.n; i++)
        if (!put_byte(r, (unsigned char)raw.p[i], n_utf8))
            return CSV_FLAW_BYTES;
    *out = (str){r->utf8 + from, *n_utf8 - from};
    return CSV_FLAW_NONE;
}

/* Hands out the row between start and at; its line end is one byte. */
static enum csv_event emit(struct csv *r, struct csv_row *out)
{
    size_t n_utf8 = 0;

    *out = (struct csv_row){
        .row = ++r->row, .line = r->line, .cells = r->cells, .n_cells = r->n_cells};
    for (size_t i = 0; i < r->n_cells && !out->flaw; i++) {
        struct csv_cell *s = &r->spans[i];

        if (s->escaped)
            unescape(r, s);
        out->flaw = decode(r, (str){r->raw + s->from, s->to - s->from}, &r->cells[i], &n_utf8);
        out->column = out->flaw ? i + 1 : 0;
    }
    if (!r->n_columns && !out->flaw)
        r->n_columns = r->n_cells;
    if (!out->flaw && r->n_cells != r->n_columns) {
        out->flaw = CSV_FLAW_COLUMNS_DIFFER;
        out->column = r->n_cells < r->n_columns ? r->n_cells + 1 : r->n_columns + 1;
    }
    r->line += r->n_quoted_lines + 1;
    r->skip_lf = r->at < r->n && r->raw[r->at] == '\r';
    restart_row(r, r->at < r->n ? r->at + 1 : r->at);
    if (!out->flaw)
        return CSV_ROW;
    out->cells = NULL;
    out->n_cells = 0;
    return CSV_BAD;
}

/* Gives the row up; reading goes on behind the end of its first line. */
static enum csv_event give_up(struct csv *r, enum csv_flaw flaw, struct csv_row *out)
{
    bool whole = flaw == CSV_FLAW_ROW_LONG;

    *out = (struct csv_row){
        .row = ++r->row, .line = r->line, .flaw = flaw, .column = whole ? 0 : r->n_cells + 1};
    restart_row(r, r->start);
    r->skip_line = true;
    return CSV_BAD;
}

/* Several lines with the wrong number of cells are rather two rows and an open quote between. */
static bool spills_over(const struct csv *r)
{
    return r->n_quoted_lines && r->n_columns && r->n_cells != r->n_columns;
}

static bool is_empty_line(const struct csv *r)
{
    return r->start < r->n && (r->raw[r->start] == '\n' || r->raw[r->start] == '\r');
}

/* What is due before a row begins. False: bytes are missing. */
static bool at_row(struct csv *r)
{
    for (;;) {
        if (r->start < r->n && r->skip_lf && r->state == CELL_START && r->at == r->start) {
            r->skip_lf = false;
            if (r->raw[r->start] == '\n')
                restart_row(r, r->start + 1);
        }
        if (r->skip_line && !skip_line(r))
            return false;
        if (r->skip_lf && r->start < r->n)
            continue;
        if (r->at != r->start || r->n_cells || !is_empty_line(r))
            return true;
        r->skip_line = true; /* an empty line is passed over */
    }
}

/* The input is over: what remains is the last row, or nothing. */
static enum csv_event last(struct csv *r, struct csv_row *out)
{
    if (r->skip_line || r->start == r->n)
        return CSV_END;
    if (r->state == QUOTED)
        return give_up(r, CSV_FLAW_QUOTE_OPEN, out);
    if (end_cell(r) != CSV_FLAW_NONE)
        return give_up(r, CSV_FLAW_COLUMNS_MANY, out);
    return emit(r, out);
}

enum csv_event csv_next(struct csv *r, struct csv_row *out)
{
    enum csv_flaw flaw;

    *out = (struct csv_row){0};
    for (;;) {
        if (r->begun && r->fatal)
            return CSV_END;
        if (!r->begun && begin(r) && r->fatal) {
            *out = (struct csv_row){.row = 1, .line = 1, .flaw = CSV_FLAW_UTF16};
            return CSV_BAD;
        }
        if (r->begun && at_row(r)) {
            enum found f = scan(r, &flaw);

            if (f == FOUND_ROW && spills_over(r))
                return give_up(r, CSV_FLAW_COLUMNS_DIFFER, out);
            if (f == FOUND_ROW)
                return emit(r, out);
            if (f == FOUND_FLAW)
                return give_up(r, flaw, out);
            if (is_full(r))
                return give_up(r, CSV_FLAW_ROW_LONG, out);
        }
        if (refill(r))
            continue;
        if (!r->finished)
            return CSV_MORE;
        if (r->begun)
            return last(r, out);
    }
}
