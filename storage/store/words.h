/* words: what a text is searched by. Words are runs of letters and digits, compared without regard
 * to case, accents and compatibility forms ("Müller" = "muller" = "ＭÜLLER"). */
#ifndef STORE_WORDS_H
#define STORE_WORDS_H

#include "base/arena.h"

enum {
    WORD_BYTES_MAX = 64,  /* of a normalised word; the rest of a longer one is ignored */
    WORDS_MAX = 64,       /* different words kept of one record */
    WORDS_TEXT_MAX = 4096 /* bytes of one text that are looked at */
};

struct words {
    str list[WORDS_MAX]; /* different from each other, in the arena */
    size_t n;
    bool truncated; /* there were more than WORDS_MAX */
};

/* Adds the words of text. False: out of memory. Bytes that are not UTF-8 separate words. */
MUST_CHECK bool words_add(struct arena *a, str text, struct words *out);

#endif
