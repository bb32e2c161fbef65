/* Strict where the recommendation is strict: a header that is not exactly right starts a new trace.
 */
#include "obs/trace.h"

enum { TRACE_AT = 3, SPAN_AT = 36, FLAGS_AT = 53, FLAG_SAMPLED = 1 };

static bool any(const unsigned char *p, size_t n)
{
    unsigned char seen = 0;

    for (size_t i = 0; i < n; i++)
        seen |= p[i];
    return seen != 0;
}

/* A zero id means "none". */
static void never_zero(unsigned char *id, size_t n)
{
    if (!any(id, n))
        id[n - 1] = 1;
}

static void draw_id(const struct clock_ops *clock, unsigned char *out, size_t n)
{
    clock->random(clock, out, n);
    never_zero(out, n);
}

/* Lower-case hex only, as the recommendation demands. */
static bool read_hex(str s, size_t at, unsigned char *out, size_t n)
{
    for (size_t i = 0; i < 2 * n; i++) {
        char ch = s.p[at + i];
        int v = ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;

        if (v < 0)
            return false;
        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | v : v << 4);
    }
    return true;
}

static bool parse(str s, struct trace *t)
{
    unsigned char version, flags;

    if (s.n < TRACEPARENT_BYTES || s.p[2] != '-' || s.p[35] != '-' || s.p[52] != '-')
        return false;
    if (!read_hex(s, 0, &version, 1) || version == 0xFF)
        return false;
    if (s.n > TRACEPARENT_BYTES && (version == 0 || s.p[TRACEPARENT_BYTES] != '-'))
        return false; /* only a later version may append, and only after a dash */
    if (!read_hex(s, TRACE_AT, t->trace_id, sizeof t->trace_id) ||
        !read_hex(s, SPAN_AT, t->parent_id, sizeof t->parent_id) ||
        !read_hex(s, FLAGS_AT, &flags, 1))
        return false;
    t->sampled = flags & FLAG_SAMPLED;
    return any(t->trace_id, sizeof t->trace_id) && any(t->parent_id, sizeof t->parent_id);
}

void trace_start(struct trace *t, const struct clock_ops *clock)
{
    unsigned char ids[sizeof t->trace_id + sizeof t->span_id];

    clock->random(clock, ids, sizeof ids); /* at once: each draw is a system call */
    *t = (struct trace){.sampled = true};
    memcpy(t->trace_id, ids, sizeof t->trace_id);
    memcpy(t->span_id, ids + sizeof t->trace_id, sizeof t->span_id);
    never_zero(t->trace_id, sizeof t->trace_id);
    never_zero(t->span_id, sizeof t->span_id);
}

bool trace_continue(struct trace *t, const struct clock_ops *clock, str header)
{
    struct trace got = {0};

    if (!parse(header, &got)) {
        trace_start(t, clock);
        return false;
    }
    draw_id(clock, got.span_id, sizeof got.span_id);
    *t = got;
    return true;
}

struct trace trace_child(const struct trace *parent, const struct clock_ops *clock)
{
    struct trace t = *parent;

    memcpy(t.parent_id, parent->span_id, sizeof t.parent_id);
    draw_id(clock, t.span_id, sizeof t.span_id);
    return t;
}

static char *put_hex(char *p, const unsigned char *b, size_t n)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        *p++ = hex[b[i] >> 4];
        *p++ = hex[b[i] & 15];
    }
    *p++ = '-';
    return p;
}

void trace_format(const struct trace *t, char out[TRACEPARENT_BYTES + 1])
{
    char *p = put_hex(out, (const unsigned char[]){0}, 1);

    p = put_hex(p, t->trace_id, sizeof t->trace_id);
    p = put_hex(p, t->span_id, sizeof t->span_id);
    p = put_hex(p, (const unsigned char[]){t->sampled ? FLAG_SAMPLED : 0}, 1);
    p[-1] = 0;
}

bool trace_is_set(const struct trace *t)
{
    return any(t->trace_id, sizeof t->trace_id);
}
