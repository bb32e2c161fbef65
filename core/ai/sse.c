/* A line is collected, then read; CRLF is one end because an LF after a CR is swallowed. */
#include "ai/sse.h"

#include "base/banned.h"

void sse_init(struct sse *s, struct arena *a)
{
    *s = (struct sse){0};
    buf_init(&s->line, a, SSE_EVENT_BYTES);
    buf_init(&s->data, a, SSE_EVENT_BYTES);
}

static bool dispatch(struct sse *s, sse_take take, void *self)
{
    bool goes_on = true;

    if (s->has_data)
        goes_on = take(self, (str){s->name, s->n_name}, (str){s->data.p, s->data.n});
    s->data.n = s->n_name = 0;
    s->has_data = false;
    return goes_on;
}

static void take_field(struct sse *s, str name, str value)
{
    if (str_eq(name, STR("data"))) {
        if (s->has_data)
            buf_putc(&s->data, '\n');
        buf_put(&s->data, value);
        s->has_data = true;
    } else if (str_eq(name, STR("event"))) {
        s->n_name = value.n < SSE_NAME_BYTES ? value.n : SSE_NAME_BYTES;
        if (s->n_name)
            memcpy(s->name, value.p, s->n_name);
    }
}

static bool take_line(struct sse *s, sse_take take, void *self)
{
    static const str MARK = {"\xef\xbb\xbf", 3};
    str line = {s->line.p, s->line.n};

    s->line.n = 0;
    if (!s->is_started && str_starts(line, MARK))
        line = str_sub(line, MARK.n, line.n);
    s->is_started = true;
    if (!line.n)
        return dispatch(s, take, self);
    str value = line, name = str_cut(&value, ':');

    if (str_starts(value, STR(" ")))
        value = str_sub(value, 1, value.n);
    take_field(s, name, value); /* a comment is a field without a name */
    return buf_ok(&s->data);
}

bool sse_feed(struct sse *s, str bytes, sse_take take, void *self)
{
    for (size_t i = 0; i < bytes.n && !s->is_stopped; i++) {
        char b = bytes.p[i];
        bool is_end = b == '\r' || (b == '\n' && !s->has_cr);
        bool is_rest_of_end = b == '\n' && s->has_cr;

        s->has_cr = b == '\r';
        if (is_end)
            s->is_stopped = !take_line(s, take, self);
        else if (!is_rest_of_end)
            buf_putc(&s->line, b);
        s->is_stopped |= !buf_ok(&s->line);
    }
    return !s->is_stopped;
}
