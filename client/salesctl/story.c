/* The frame of the demo: numbering, timing, complaining. */
#include "ctl/story.h"

#include <stdarg.h>

#include "base/banned.h"
#include "base/buf.h"
#include "base/clock.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"
#include "ctl/path.h"
#include "ctl/when.h"

enum { LINE_BYTES = 1024 };

static void announce(const struct story *s, size_t number, size_t n, const char *title)
{
    const struct term *t = &s->ctl->out;

    if (s->ctl->json)
        return;
    fprintf(t->file, "\n%s%zu/%zu %s%s\n", term_ink(t, INK_BOLD), number, n, title,
            term_ink(t, INK_PLAIN));
    fflush(t->file);
}

static void report(const struct story *s, const char *title, enum exit_code code, int64_t took_ns)
{
    const struct term *t = &s->ctl->out;
    struct buf b;

    if (s->ctl->json) {
        buf_init(&b, &s->ctl->arena, LINE_BYTES);
        buf_put(&b, STR("{\"step\":"));
        buf_put_json(&b, str_of(title));
        buf_printf(&b, ",\"ok\":%s,\"ms\":%.3f}", code == CTL_OK ? "true" : "false",
                   (double)took_ns / 1e6);
        fprintf(t->file, "%s\n", buf_str(&b).p);
    } else {
        fprintf(t->file, "  %s%s%s in %.1f ms\n", term_ink(t, code == CTL_OK ? INK_GOOD : INK_BAD),
                code == CTL_OK ? "ok" : "failed", term_ink(t, INK_PLAIN), (double)took_ns / 1e6);
    }
    fflush(t->file);
}

enum exit_code story_run(struct story *s, const struct step *steps, size_t n)
{
    int64_t all = ctl_now_ns();

    for (size_t i = 0; i < n; i++) {
        int64_t began = ctl_now_ns();
        enum exit_code code;

        announce(s, i + 1, n, steps[i].title);
        code = steps[i].run(s);
        report(s, steps[i].title, code, ctl_now_ns() - began);
        sales_call_reset(&s->call);
        if (code != CTL_OK)
            return code;
    }
    if (!s->ctl->json)
        fprintf(s->ctl->out.file, "\n%zu steps in %s\n", n,
                when_span_text(&s->ctl->arena, (ctl_now_ns() - all) / 1000));
    return CTL_OK;
}

void story_name(struct story *s)
{
    unsigned char random[4];
    unsigned word;

    system_clock.random(&system_clock, random, sizeof random);
    word = (unsigned)random[0] << 16 | (unsigned)random[1] << 8 | random[2];
    snprintf(s->company, sizeof s->company, "Analytical%06x Engines Ltd", word);
    snprintf(s->domain, sizeof s->domain, "analytical%06x.example.com", word);
    snprintf(s->email, sizeof s->email, "ada.byron@%s", s->domain);
}

void story_say(struct story *s, const char *fmt, ...)
{
    char line[LINE_BYTES];
    va_list ap;

    if (s->ctl->json)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    fprintf(s->ctl->out.file, "  %s\n",
            text_clean(&s->ctl->arena, str_of(line), TERM_COLUMNS_PIPE));
}

enum exit_code story_broken(struct story *s, const char *what)
{
    fprintf(s->ctl->err.file, "%sdemo:%s %s\n", term_ink(&s->ctl->err, INK_BAD),
            term_ink(&s->ctl->err, INK_PLAIN), what);
    return CTL_FAILED;
}

enum exit_code story_explain(struct story *s)
{
    return explain(s->ctl, &s->call);
}

char *story_text(struct story *s, const char *text)
{
    static char none[] = "";
    char *copy = arena_cstr(&s->ctl->arena, str_of(text));

    return copy ? copy : none;
}

bool story_set(struct story *s, ProtobufCMessage *m, const char *path, const char *text)
{
    struct setter setter = {.arena = &s->ctl->arena, .now_us = ctl_now_us()};

    if (path_set(&setter, m, path, str_of(text)))
        return true;
    fprintf(s->ctl->err.file, "demo: %s %s\n", path, setter.why);
    return false;
}
