/* Rows of a CSV file as leads. A row that cannot be read becomes a complaint that names its column.
 */
#include "ctl/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"
#include "ctl/csvmap.h"
#include "ctl/ctl.h"
#include "ctl/path.h"
#include "domain/csv.h"

#define ATTRIBUTES "attributes."

enum {
    CHUNK_BYTES = 64 << 10,
    READER_ARENA_BYTES = 64 << 20,
    MAP_BYTES_MAX = 1 << 20,
    LOOK_UP_MS = 100
};

struct reader {
    struct arena arena; /* buffers of the csv reader, the columns */
    int fd;             /* -1: not open */
    struct csv csv;
    struct csvmap map;
    const char **titles; /* [n_columns], as the header spells them */
    size_t n_columns;
    bool ended;
    atomic_bool stopped;
    char chunk[CHUNK_BYTES];
};

static const struct {
    const char *name;
    enum csv_encoding encoding;
} encodings[] = {
    {"utf-8", CSV_UTF8},      {"utf8", CSV_UTF8},          {"windows-1252", CSV_WINDOWS_1252},
    {"latin-1", CSV_LATIN_1}, {"iso-8859-1", CSV_LATIN_1},
};

static bool find_encoding(const char *name, enum csv_encoding *out)
{
    *out = CSV_UTF8;
    for (size_t i = 0; name && i < sizeof encodings / sizeof *encodings; i++)
        if (str_eq_nocase(str_of(name), str_of(encodings[i].name))) {
            *out = encodings[i].encoding;
            return true;
        }
    return !name;
}

bool reader_is_file(const char *path)
{
    return strcmp(path, "-") != 0;
}

/* A pipe may stay silent for ever, so whoever waits for it looks up now and then. False: stopped.
 */
static bool wait_for_input(struct reader *r)
{
    struct pollfd p = {.fd = r->fd, .events = POLLIN};

    while (!atomic_load(&r->stopped))
        if (poll(&p, 1, LOOK_UP_MS) != 0)
            return true;
    return false;
}

void reader_stop(struct reader *r)
{
    atomic_store(&r->stopped, true);
}

/* CSV_ROW, CSV_BAD or CSV_END. */
static enum csv_event next(struct reader *r, struct csv_row *row)
{
    for (;;) {
        enum csv_event e = csv_next(&r->csv, row);
        ssize_t n;

        if (e != CSV_MORE)
            return e;
        n = wait_for_input(r) ? read(r->fd, r->chunk, sizeof r->chunk) : 0;
        if (n > 0)
            csv_feed(&r->csv, (str){r->chunk, (size_t)n});
        else
            csv_finish(&r->csv);
    }
}

/* ---- columns --------------------------------------------------------------------------------- */

static bool complain(struct ctl *ctl, const char *path, const char *why)
{
    fprintf(ctl->err.file, "salesctl: %s: %s\n", path,
            why ? text_clean(&ctl->arena, str_of(why), TERM_COLUMNS_PIPE) : "out of memory");
    return false;
}

static bool read_whole(struct ctl *ctl, struct arena *a, const char *path, str *out)
{
    FILE *f = fopen(path, "rb");
    char *p = f ? arena_take(a, MAP_BYTES_MAX) : NULL;
    size_t n = p ? fread(p, 1, MAP_BYTES_MAX, f) : 0;

    if (!f)
        return complain(ctl, path, strerror(errno));
    fclose(f);
    *out = (str){p, n};
    return p && n < MAP_BYTES_MAX ? true : complain(ctl, path, "larger than a mapping may be");
}

/* "attributes.plan" is the attribute "plan"; everything else is a path of the contract. */
static bool is_path(const char *path)
{
    Sales__V1__Lead lead = SALES__V1__LEAD__INIT;
    const ProtobufCFieldDescriptor *f;
    const ProtobufCMessage *holder;

    return strncmp(path, ATTRIBUTES, sizeof ATTRIBUTES - 1) == 0 ||
           path_find(&lead.base, path, &holder, &f);
}

static bool check_paths(struct ctl *ctl, const struct csvmap *m, const char *file)
{
    for (size_t i = 0; i < m->n_lines; i++)
        if (!is_path(m->lines[i].path))
            return complain(ctl, file,
                            arena_printf(&ctl->arena, "'%s' is no field of a lead%s",
                                         m->lines[i].path,
                                         strcmp(file, "header") == 0 ? ": use --map" : ""));
    return true;
}

/* The mapping of the file given, else that of the header itself. */
static bool read_map(struct ctl *ctl, struct reader *r, const char *path, const struct csv_row *row)
{
    const char *why = NULL;
    str text;

    if (!path)
        return csvmap_of_header(&r->arena, row->cells, row->n_cells, &r->map) &&
               check_paths(ctl, &r->map, "header");
    if (!read_whole(ctl, &r->arena, path, &text))
        return false;
    if (!csvmap_parse(&r->arena, text, &r->map, &why) ||
        !csvmap_bind(&r->arena, &r->map, row->cells, row->n_cells, &why))
        return complain(ctl, path, why);
    return check_paths(ctl, &r->map, path);
}

static bool read_header(struct ctl *ctl, struct reader *r, const char *map_path)
{
    struct csv_row row;
    enum csv_event e = next(r, &row);

    if (e != CSV_ROW)
        return complain(ctl, "header", e == CSV_BAD ? csv_flaw_text(row.flaw) : "nothing there");
    r->n_columns = row.n_cells;
    if (!(r->titles = NEW(&r->arena, const char *, r->n_columns)))
        return complain(ctl, "header", NULL);
    for (size_t i = 0; i < r->n_columns; i++)
        if (!(r->titles[i] = arena_cstr(&r->arena, row.cells[i])))
            return complain(ctl, "header", NULL);
    return read_map(ctl, r, map_path, &row);
}

/* ---- rows ------------------------------------------------------------------------------------ */

/* One value into the lead. False: setter->why says what is wrong. */
static bool take_value(struct setter *s, Sales__V1__Lead *lead, const char *path, str value)
{
    const char *pair;

    if (strncmp(path, ATTRIBUTES, sizeof ATTRIBUTES - 1) != 0)
        return path_set(s, &lead->base, path, value);
    pair = arena_printf(s->arena, "%s=" STR_FMT, path + sizeof ATTRIBUTES - 1, STR_ARG(value));
    return pair && path_set(s, &lead->base, "attributes", str_of(pair));
}

static void map_row(struct reader *r, struct arena *a, const struct csv_row *row,
                    struct reader_row *out)
{
    Sales__V1__Lead *lead = (void *)path_new(a, &sales__v1__lead__descriptor);
    struct setter setter = {.arena = a, .now_us = ctl_now_us(), .why = "out of memory"};

    for (size_t i = 0; i < row->n_cells; i++)
        out->bytes += row->cells[i].n;
    for (size_t i = 0; lead && i < r->map.n_lines; i++) {
        const struct csvmap_line *line = &r->map.lines[i];
        size_t column;
        str value = csvmap_value(line, a, row->cells, row->n_cells, &column);

        if (!value.n || take_value(&setter, lead, line->path, value))
            continue;
        snprintf(out->complaint, sizeof out->complaint, "column %zu (%s): %s %s",
                 column < r->n_columns ? column + 1 : 0,
                 column < r->n_columns ? r->titles[column] : "the mapping", line->path,
                 setter.why ? setter.why : "is not acceptable");
        return;
    }
    out->lead = lead;
    if (!lead)
        snprintf(out->complaint, sizeof out->complaint, "%s", setter.why);
}

bool reader_next(struct reader *r, struct arena *a, struct reader_row *out)
{
    struct csv_row row;
    enum csv_event e = r->ended ? CSV_END : next(r, &row);

    *out = (struct reader_row){.number = 0};
    if (e == CSV_END) {
        r->ended = true;
        return false;
    }
    out->number = row.row;
    out->line = row.line;
    if (e == CSV_ROW)
        map_row(r, a, &row, out);
    else if (row.column)
        snprintf(out->complaint, sizeof out->complaint, "line %llu, column %zu (%s): %s",
                 (unsigned long long)row.line, row.column,
                 row.column <= r->n_columns ? r->titles[row.column - 1] : "beyond the header",
                 csv_flaw_text(row.flaw));
    else
        snprintf(out->complaint, sizeof out->complaint, "line %llu: %s",
                 (unsigned long long)row.line, csv_flaw_text(row.flaw));
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

static int open_file(struct ctl *ctl, const char *path)
{
    int fd = reader_is_file(path) ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;

    if (fd < 0)
        complain(ctl, path, strerror(errno));
    return fd;
}

/* A reader before its header. */
static struct reader *start(struct ctl *ctl, const char *path, const char *encoding)
{
    struct csv_options options = {.delimiter = 0};
    struct reader *r;

    if (!find_encoding(encoding, &options.encoding)) {
        usage_error(ctl, NULL, "no encoding '%s': utf-8, windows-1252, latin-1", encoding);
        return NULL;
    }
    if (!(r = calloc(1, sizeof *r)))
        return NULL;
    arena_init(&r->arena, READER_ARENA_BYTES);
    if ((r->fd = open_file(ctl, path)) >= 0 && csv_init(&r->csv, &r->arena, &options) == STATUS_OK)
        return r;
    reader_close(r);
    return NULL;
}

struct reader *reader_open(struct ctl *ctl, const char *path, const char *map_path,
                           const char *encoding, enum exit_code *code)
{
    struct reader *r = start(ctl, path, encoding);

    *code = CTL_USAGE;
    if (r && read_header(ctl, r, map_path))
        return r;
    reader_close(r);
    return NULL;
}

void reader_close(struct reader *r)
{
    if (!r)
        return;
    if (r->fd > STDIN_FILENO)
        close(r->fd);
    arena_release(&r->arena);
    free(r);
}

uint64_t reader_count(struct ctl *ctl, const char *path, const char *encoding)
{
    struct reader *r;
    struct csv_row row;
    uint64_t n = 0;

    if (!reader_is_file(path) || !(r = start(ctl, path, encoding)))
        return 0;
    while (next(r, &row) != CSV_END)
        n++;
    reader_close(r);
    return n ? n - 1 : 0;
}
