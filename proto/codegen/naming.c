/* naming: case rules copied in effect from protoc-c's c_helpers, as plain loops over one buffer. */
#include "naming.h"

#include <ctype.h>
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

static void put_camel(struct name *to, str piece)
{
    bool upper = true;
    for (size_t i = 0; i < piece.n; i++) {
        unsigned char c = (unsigned char)piece.p[i];
        if (c == '_') {
            upper = true;
            continue;
        }
        put(to, (char)(upper ? toupper(c) : c));
        upper = false;
    }
}

/* An underscore goes before a capital that does not follow a capital. */
static void put_snake(struct name *to, str piece, int (*fold)(int))
{
    bool was_upper = true;
    for (size_t i = 0; i < piece.n; i++) {
        unsigned char c = (unsigned char)piece.p[i];
        bool is_upper = isupper(c) != 0;
        if (is_upper && !was_upper)
            put(to, '_');
        put(to, (char)fold(c));
        was_upper = is_upper;
    }
}

static void put_piece(struct name *to, str piece, enum naming_case as)
{
    switch (as) {
    case NAMING_CAMEL: put_camel(to, piece); break;
    case NAMING_LOWER: put_snake(to, piece, tolower); break;
    case NAMING_UPPER: put_snake(to, piece, toupper); break;
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
    for (; *path; path++)
        put(&out, (char)(isalnum((unsigned char)*path) ? toupper((unsigned char)*path) : '_'));
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
