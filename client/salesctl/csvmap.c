/* The mapping language: a line is a field, parts to join, and replacements. Read with one scanner.
 */
#include "ctl/csvmap.h"

#include <assert.h>
#include <stdint.h>

#include "base/banned.h"
#include "base/buf.h"

struct scan {
    struct arena *arena;
    str rest; /* of the line */
    const char *why;
};

static void skip_space(struct scan *s)
{
    while (s->rest.n && (s->rest.p[0] == ' ' || s->rest.p[0] == '\t'))
        s->rest = str_sub(s->rest, 1, s->rest.n);
}

static bool take(struct scan *s, char c)
{
    skip_space(s);
    if (!s->rest.n || s->rest.p[0] != c)
        return false;
    s->rest = str_sub(s->rest, 1, s->rest.n);
    return true;
}

static bool fail(struct scan *s, const char *why)
{
    if (!s->why)
        s->why = why;
    return false;
}

/* Up to the closing character. */
static bool take_enclosed(struct scan *s, char close, str *out)
{
    const char *end = s->rest.n ? memchr(s->rest.p, close, s->rest.n) : NULL;

    if (!end)
        return fail(s, close == '"' ? "a quotation mark is not closed" : "a bracket is not closed");
    *out = str_cut(&s->rest, close);
    return true;
}

/* A bare word: up to white space or one of the characters that mean something. */
static str take_word(struct scan *s, const char *stops)
{
    size_t n = 0;

    skip_space(s);
    while (n < s->rest.n && !strchr(stops, s->rest.p[n]))
        n++;
    str word = str_trim(str_sub(s->rest, 0, n));
    s->rest = str_sub(s->rest, n, s->rest.n);
    return word;
}

static bool take_part(struct scan *s, struct csvmap_part *out)
{
    *out = (struct csvmap_part){.column = SIZE_MAX};
    if (take(s, '"'))
        return take_enclosed(s, '"', &out->text);
    out->is_column = true;
    if (take(s, '['))
        return take_enclosed(s, ']', &out->text);
    out->text = take_word(s, " \t|\"[");
    return out->text.n || fail(s, "a column or \"text\" is missing");
}

static bool take_value(struct scan *s, struct csvmap_value *out)
{
    if (take(s, '"')) {
        if (!take_enclosed(s, '"', &out->from))
            return false;
    } else {
        out->from = take_word(s, ":,");
    }
    if (!out->from.n || !take(s, ':'))
        return fail(s, "a replacement is written from: to");
    if (take(s, '"'))
        return take_enclosed(s, '"', &out->to);
    out->to = take_word(s, ",");
    return true;
}

static bool take_values(struct scan *s, struct csvmap_line *line)
{
    struct csvmap_value *values = NEW(s->arena, struct csvmap_value, CSVMAP_VALUES_MAX);

    if (!values)
        return fail(s, "out of memory");
    do {
        if (line->n_values == CSVMAP_VALUES_MAX)
            return fail(s, "too many replacements");
        if (!take_value(s, &values[line->n_values]))
            return false;
        line->n_values++;
    } while (take(s, ','));
    line->values = values;
    return true;
}

static bool take_line(struct scan *s, struct csvmap_line *out)
{
    str path = take_word(s, "=");

    *out = (struct csvmap_line){.path = arena_cstr(s->arena, path)};
    if (!out->path)
        return fail(s, "out of memory");
    if (!path.n || !take(s, '='))
        return fail(s, "a line is written field = column");
    for (skip_space(s); s->rest.n && s->rest.p[0] != '|'; skip_space(s)) {
        if (out->n_parts == CSVMAP_PARTS_MAX)
            return fail(s, "too many parts");
        if (!take_part(s, &out->parts[out->n_parts]))
            return false;
        out->n_parts++;
    }
    if (!out->n_parts)
        return fail(s, "behind the = a column or \"text\" is missing");
    if (take(s, '|') && !take_values(s, out))
        return false;
    skip_space(s);
    return s->rest.n == 0 || fail(s, "there is something left behind the end");
}

/* Without the comment; a '#' inside of quotation marks is text. */
static str without_comment(str line)
{
    bool quoted = false;

    for (size_t i = 0; i < line.n; i++) {
        if (line.p[i] == '"')
            quoted = !quoted;
        if (line.p[i] == '#' && !quoted)
            return str_trim(str_sub(line, 0, i));
    }
    return str_trim(line);
}

bool csvmap_parse(struct arena *a, str text, struct csvmap *out, const char **why)
{
    *why = "out of memory";
    *out = (struct csvmap){.lines = NEW(a, struct csvmap_line, CSVMAP_LINES_MAX)};
    if (!out->lines)
        return false;
    for (unsigned number = 1; text.n; number++) {
        struct scan s = {.arena = a, .rest = without_comment(str_cut(&text, '\n'))};

        if (!s.rest.n)
            continue;
        if (out->n_lines == CSVMAP_LINES_MAX)
            fail(&s, "too many lines");
        else if (take_line(&s, &out->lines[out->n_lines]))
            out->n_lines++;
        if (!s.why)
            continue;
        *why = arena_printf(a, "line %u: %s", number, s.why);
        if (!*why)
            *why = s.why;
        return false;
    }
    *why = out->n_lines ? NULL : "there is no line in it";
    return out->n_lines > 0;
}

bool csvmap_of_header(struct arena *a, const str *titles, size_t n, struct csvmap *out)
{
    *out = (struct csvmap){.lines = NEW(a, struct csvmap_line, n), .n_lines = n};
    for (size_t i = 0; out->lines && i < n; i++) {
        out->lines[i].path = arena_cstr(a, str_trim(titles[i]));
        out->lines[i].parts[0] = (struct csvmap_part){titles[i], i, true};
        out->lines[i].n_parts = 1;
        if (!out->lines[i].path)
            return false;
    }
    return out->lines != NULL;
}

static bool bind_part(struct csvmap_part *p, const str *titles, size_t n)
{
    if (!p->is_column)
        return true;
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(str_trim(titles[i]), p->text)) {
            p->column = i;
            return true;
        }
    return false;
}

bool csvmap_bind(struct arena *a, struct csvmap *m, const str *titles, size_t n, const char **why)
{
    *why = NULL;
    for (size_t i = 0; i < m->n_lines; i++)
        for (size_t k = 0; k < m->lines[i].n_parts; k++)
            if (!bind_part(&m->lines[i].parts[k], titles, n)) {
                *why = arena_printf(a, "there is no column '" STR_FMT "' for %s",
                                    STR_ARG(m->lines[i].parts[k].text), m->lines[i].path);
                return false;
            }
    return true;
}

static str replaced(const struct csvmap_line *line, str value)
{
    for (size_t i = 0; i < line->n_values; i++)
        if (str_eq(line->values[i].from, STR("*")) || str_eq_nocase(line->values[i].from, value))
            return line->values[i].to;
    return value;
}

/* The cell of a part, or its text; empty when the row is too short. */
static str part_text(const struct csvmap_part *p, const str *cells, size_t n_cells)
{
    if (!p->is_column)
        return p->text;
    return p->column < n_cells ? str_trim(cells[p->column]) : (str){0};
}

str csvmap_value(const struct csvmap_line *line, struct arena *a, const str *cells, size_t n_cells,
                 size_t *column)
{
    struct buf b;

    *column = SIZE_MAX;
    assert(line->n_parts > 0);
    buf_init(&b, a, CSVMAP_VALUE_BYTES);
    for (size_t i = 0; i < line->n_parts; i++) {
        str text = part_text(&line->parts[i], cells, n_cells);

        if (line->parts[i].is_column && *column == SIZE_MAX)
            *column = line->parts[i].column;
        if (!text.n && line->parts[i].is_column)
            return (str){0};
        if (line->n_parts == 1)
            return replaced(line, text);
        buf_put(&b, text);
    }
    return replaced(line, buf_str(&b));
}
