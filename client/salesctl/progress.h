/* progress: how far a long job has come, on stderr: one line redrawn on a terminal, plain lines now
 * and then elsewhere. */
#ifndef SALESCTL_PROGRESS_H
#define SALESCTL_PROGRESS_H

#include "base/buf.h"
#include "ctl/term.h"

enum {
    PROGRESS_REDRAW_MS = 100, /* faster than the eye needs */
    PROGRESS_LINE_MS = 5000,  /* without a terminal: a log that stays readable */
};

struct progress {
    const struct term *term;
    const char *label;            /* "importing" */
    uint64_t done, total, failed; /* total 0: not known */
    int64_t began_ns, drawn_ns;
    bool drawn, quiet;
};

void progress_init(struct progress *p, const struct term *t, const char *label, int64_t now_ns);

/* Draws if it is time to. */
void progress_set(struct progress *p, uint64_t done, uint64_t failed, int64_t now_ns);

/* Removes the line from the terminal: before anything else is printed, and at the end. */
void progress_wipe(struct progress *p);

/* "importing  45 %  1,234/2,741  8,912/s  1 s left  3 failed", preceded by a bar on a terminal. */
void progress_text(const struct progress *p, int64_t now_ns, struct buf *out);

#endif
