/* term: where a command writes. Knows what the terminal can do; text from outside is made harmless.
 */
#ifndef SALESCTL_TERM_H
#define SALESCTL_TERM_H

#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"

enum {
    TERM_COLUMNS_DEFAULT = 100, /* when nobody tells */
    TERM_COLUMNS_PIPE = 10000,  /* not a terminal: never shorten */
};

enum ink { INK_PLAIN, INK_BOLD, INK_DIM, INK_GOOD, INK_BAD, INK_WARN };

struct term {
    FILE *file; /* borrowed */
    bool tty;
    bool color; /* tty, and neither NO_COLOR nor TERM=dumb */
    int columns;
};

/* Looks at the file and at NO_COLOR, TERM, COLUMNS. */
struct term term_of(FILE *file);

/* The escape sequence that starts an ink ("" without colours); INK_PLAIN ends it. */
const char *term_ink(const struct term *t, enum ink ink);

/* ASCII letters only: words of the contract and codes, not human text. */
char text_lower(char c);
char text_upper(char c);

/* Columns that s takes on a terminal: wide characters two, combining ones none. */
int text_width(str s);

/* s without control characters (each becomes U+FFFD, line breaks and tabs a space), cut to
 * `columns` with an ellipsis. In the arena; "" when it is full. */
const char *text_clean(struct arena *a, str s, int columns);

/* 1234567 -> "1,234,567". In the arena. */
const char *text_count(struct arena *a, uint64_t n);

/* A bar of `columns` columns, `share` (0 to 1) of it filled, in eighths. In the arena. */
const char *text_bar(struct arena *a, double share, int columns);

#endif
