/* The text of a progress line is pure; drawing it is a matter of when. */
#include "ctl/progress.h"

#include "base/banned.h"

enum { BAR_COLUMNS = 24, TEXT_BYTES = 512, SCRATCH_BYTES = 8192 };

void progress_init(struct progress *p, const struct term *t, const char *label, int64_t now_ns)
{
    *p = (struct progress){.term = t, .label = label, .began_ns = now_ns, .drawn_ns = now_ns};
}

static void put_left(struct buf *out, double seconds)
{
    if (seconds < 1)
        buf_put(out, STR("  <1 s left"));
    else if (seconds < 90)
        buf_printf(out, "  %.0f s left", seconds);
    else if (seconds < 5400)
        buf_printf(out, "  %.0f min left", seconds / 60);
    else
        buf_printf(out, "  %.1f h left", seconds / 3600);
}

void progress_text(const struct progress *p, int64_t now_ns, struct buf *out)
{
    double seconds = (double)(now_ns - p->began_ns) / 1e9;
    double rate = seconds > 0 ? (double)p->done / seconds : 0;
    double share = p->total ? (double)p->done / (double)p->total : 0;

    share = share > 1 ? 1 : share;
    buf_printf(out, "%s  ", p->label);
    if (p->total && p->term->tty)
        buf_printf(out, "[%s] ", text_bar(out->arena, share, BAR_COLUMNS));
    if (p->total)
        buf_printf(out, "%3.0f %%  %s/%s", share * 100, text_count(out->arena, p->done),
                   text_count(out->arena, p->total));
    else
        buf_put(out, str_of(text_count(out->arena, p->done)));
    if (rate > 0)
        buf_printf(out, "  %s/s", text_count(out->arena, (uint64_t)rate));
    if (p->total > p->done && rate > 0)
        put_left(out, (double)(p->total - p->done) / rate);
    if (p->failed)
        buf_printf(out, "  %s failed", text_count(out->arena, p->failed));
}

static void draw(struct progress *p, int64_t now_ns)
{
    struct arena scratch;
    struct buf b;

    arena_init(&scratch, SCRATCH_BYTES);
    buf_init(&b, &scratch, TEXT_BYTES);
    progress_text(p, now_ns, &b);
    if (p->term->tty)
        fprintf(p->term->file, "\r%s\033[K",
                text_clean(&scratch, buf_str(&b), p->term->columns - 1));
    else
        fprintf(p->term->file, "%s\n", buf_str(&b).n ? buf_str(&b).p : p->label);
    fflush(p->term->file);
    arena_release(&scratch);
    p->drawn = p->term->tty;
    p->drawn_ns = now_ns;
}

void progress_set(struct progress *p, uint64_t done, uint64_t failed, int64_t now_ns)
{
    int64_t every_ms = p->term->tty ? PROGRESS_REDRAW_MS : PROGRESS_LINE_MS;

    p->done = done;
    p->failed = failed;
    if (!p->quiet && now_ns - p->drawn_ns >= every_ms * 1000000)
        draw(p, now_ns);
}

void progress_wipe(struct progress *p)
{
    if (!p->drawn)
        return;
    fputs("\r\033[K", p->term->file);
    fflush(p->term->file);
    p->drawn = false;
}
