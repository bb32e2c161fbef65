#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "ai/sse.h"
#include "support/table.h"

enum { ARENA = 8 << 20, SEEN = 4096 };

/* Events as "[name|data]" one after the other. */
struct seen {
    char text[SEEN];
    size_t n, n_events, stop_after;
};

static bool take(void *self, str name, str data)
{
    struct seen *s = self;

    s->n += (size_t)snprintf(s->text + s->n, SEEN - s->n, "[" STR_FMT "|" STR_FMT "]",
                             STR_ARG(name), STR_ARG(data));
    return ++s->n_events != s->stop_after;
}

static bool feed(str bytes, size_t step, struct seen *seen)
{
    struct arena a;
    struct sse s;
    bool goes_on = true;

    *seen = (struct seen){.stop_after = seen->stop_after};
    arena_init(&a, ARENA);
    sse_init(&s, &a);
    for (size_t i = 0; i < bytes.n; i += step)
        goes_on = sse_feed(&s, str_sub(bytes, i, step), take, seen);
    arena_release(&a);
    return goes_on;
}

struct stream {
    const char *name, *bytes, *want;
};

static const struct stream STREAMS[] = {
    {"one event", "event: ping\ndata: {}\n\n", "[ping|{}]"},
    {"no name", "data: x\n\n", "[|x]"},
    {"no space after the colon", "data:x\n\n", "[|x]"},
    {"one space goes, the next stays", "data:  x\n\n", "[| x]"},
    {"several lines of data", "data: a\ndata\ndata: b\n\n", "[|a\n\nb]"},
    {"CRLF", "event: e\r\ndata: x\r\n\r\n", "[e|x]"},
    {"CR", "event: e\rdata: x\r\r", "[e|x]"},
    {"mixed ends", "data: x\r\n\rdata: y\n\r\n", "[|x][|y]"},
    {"byte order mark",
     "\xef\xbb\xbf"
     "data: x\n\n",
     "[|x]"},
    {"comments", ": ping\n\n:\ndata: x\n: more\n\n", "[|x]"},
    {"name without data is no event", "event: e\n\ndata: x\n\n", "[|x]"},
    {"the name holds for one event", "event: e\ndata: x\n\ndata: y\n\n", "[e|x][|y]"},
    {"id, retry and others", "id: 7\nretry: 10\nfoo: bar\ndata: x\n\n", "[|x]"},
    {"unfinished event", "data: x\n\ndata: y\n", "[|x]"},
    {"unfinished line", "data: x\n\ndata: y", "[|x]"},
    {"empty lines", "\n\n\ndata: x\n\n\n\n", "[|x]"},
    {"UTF-8",
     "data: Gr\xc3\xbc\xc3\x9f"
     "e \xf0\x9f\x98\x80\n\n",
     "[|Gr\xc3\xbc\xc3\x9f"
     "e \xf0\x9f\x98\x80]"},
    {"colons in data", "data: a: b: c\n\n", "[|a: b: c]"},
    {"long name is cut",
     "event: 0123456789012345678901234567890123456789012345678901234567890123456789\ndata: x\n\n",
     "[0123456789012345678901234567890123456789012345678901234567890123|x]"},
};

TABLE_TEST(sse, events_are_the_same_however_the_bytes_are_cut, struct stream, STREAMS)
{
    str bytes = str_of(row->bytes);

    for (size_t step = 1; step <= bytes.n; step++) {
        struct seen seen = {.stop_after = 0};

        cr_assert(feed(bytes, step, &seen));
        cr_assert_str_eq(seen.text, row->want, "%s, %zu bytes at a time", row->name, step);
    }
}

Test(sse, a_taker_that_wants_no_more_gets_no_more)
{
    struct seen seen = {.stop_after = 2};

    cr_assert_not(feed(STR("data: a\n\ndata: b\n\ndata: c\n\n"), 3, &seen));
    cr_assert_str_eq(seen.text, "[|a][|b]");
}

Test(sse, a_line_and_an_event_without_end_are_given_up)
{
    struct seen seen = {.stop_after = 0};
    char *line = malloc(SSE_EVENT_BYTES + 8);

    for (size_t i = 0; i < SSE_EVENT_BYTES + 8; i++)
        line[i] = 'x';
    cr_assert_not(feed((str){line, SSE_EVENT_BYTES + 8}, 4096, &seen));
    for (size_t i = 0; i < SSE_EVENT_BYTES; i += 8)
        for (size_t k = 0; k < 8; k++)
            line[i + k] = "data: x\n"[k];
    line[SSE_EVENT_BYTES] = '\n';
    cr_assert(feed((str){line, SSE_EVENT_BYTES + 1}, 4096, &seen));
    cr_assert_eq(seen.n_events, 1u);
    free(line);
}
