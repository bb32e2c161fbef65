/* naming: case rules copied in effect from protoc-c's c_helpers, as plain loops over one buffer. */
#include "naming.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"

enum { NAME_BYTES = 512 }; /* the longest C name; protoc-c's own are below 200 */

struct name {
    char text[NAME_BYTES];
    size_t n;
};

static void die(const char *why)
{
    fprintf(stderr, "protoc-gen-sales: %s\n", why);
    exit(1);
}

static void put(struct name *to, char c)
{
    if (to->n + 1 >= sizeof to->text)
        die("a name is too long");
    to->text[to->n++] = c;
    to->text[to->n] = '\0';
}

static void put_text(struct name *to, const char *text)
{
    for (; *text; text++)
        put(to, *text);
}

static const char *finish(struct arena *a, const struct name *from)
{
    char *copy = arena_cstr(a, (str){from->text, from->n});
    if (!copy)
        die("out of memory");
    return copy;
}

/* ASCII only, as identifiers are. */
static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

static char to_upper(char c)
{
    if (is_lower(c))
        c = (char)(c - 'a' + 'A');
    return c;
}

static char to_lower(char c)
{
    if (is_upper(c))
        c = (char)(c - 'A' + 'a');
    return c;
}

static void put_camel(struct name *to, str piece)
{
    bool upper = true;
    for (size_t i = 0; i < piece.n; i++) {
        if (piece.p[i] != '_')
            put(to, (char)(upper ? to_upper(piece.p[i]) : piece.p[i]));
        upper = piece.p[i] == '_';
    }
}

/* An underscore goes before a capital that does not follow a capital. */
static void put_snake(struct name *to, str piece, char (*fold)(char))
{
    bool was_upper = true;
    for (size_t i = 0; i < piece.n; i++) {
        if (is_upper(piece.p[i]) && !was_upper)
            put(to, '_');
        put(to, fold(piece.p[i]));
        was_upper = is_upper(piece.p[i]);
    }
}

static void put_piece(struct name *to, str piece, enum naming_case as)
{
    switch (as) {
    case NAMING_CAMEL: put_camel(to, piece); break;
    case NAMING_LOWER: put_snake(to, piece, to_lower); break;
    case NAMING_UPPER: put_snake(to, piece, to_upper); break;
    }
}

const char *naming_convert(struct arena *a, const char *name, enum naming_case to)
{
    struct name out = {.n = 0};
    put_piece(&out, str_of(name), to);
    return finish(a, &out);
}

const char *naming_path(struct arena *a, const char *dotted, enum naming_case to, const char *sep)
{
    struct name out = {.n = 0};
    str rest = str_of(dotted);
    while (rest.n > 0) {
        str piece = str_cut(&rest, '.');
        if (piece.n == 0)
            continue;
        if (out.n > 0)
            put_text(&out, sep);
        put_piece(&out, piece, to);
    }
    return finish(a, &out);
}

const char *naming_join(struct arena *a, const char *dotted, const char *sep)
{
    struct name out = {.n = 0};
    for (; *dotted; dotted++)
        if (*dotted == '.')
            put_text(&out, sep);
        else
            put(&out, *dotted);
    return finish(a, &out);
}

const char *naming_guard(struct arena *a, const char *path)
{
    struct name out = {.n = 0};
    for (; *path; path++) {
        char c = to_upper(*path);
        if (!is_upper(c) && (c < '0' || c > '9'))
            c = '_';
        put(&out, c);
    }
    return finish(a, &out);
}

const char *naming_text(struct arena *a, const char *fmt, ...)
{
    struct name out = {.n = 0};
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(out.text, sizeof out.text, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof out.text)
        die("a name is too long");
    out.n = (size_t)n;
    return finish(a, &out);
}
