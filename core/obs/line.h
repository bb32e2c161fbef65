/* line: builds one JSON object in a fixed buffer. A member that does not fit is left out whole. */
#ifndef OBS_LINE_H
#define OBS_LINE_H

#include "obs/log.h"

struct line {
    size_t n;
    bool truncated; /* some member did not fit */
    char p[LOG_LINE_BYTES];
};

void line_begin(struct line *l);

/* RFC 3339, UTC, microseconds. */
void line_time(struct line *l, const char *key, int64_t time_us);

void line_hex(struct line *l, const char *key, const unsigned char *b, size_t n);
void line_field(struct line *l, const struct log_field *f);

/* Closes the object and the line. */
void line_end(struct line *l);

#endif
