/* target: where a Redis URL points. */
#ifndef CACHE_TARGET_H
#define CACHE_TARGET_H

#include "base/call.h"

enum { TARGET_TEXT_BYTES = 512 };

struct target {
    bool is_tls;
    char host[256]; /* a name or a numeric address, [] removed */
    char port[8];
    char user[TARGET_TEXT_BYTES];     /* "": the default user */
    char password[TARGET_TEXT_BYTES]; /* "": no AUTH */
    char database[8];                 /* "": 0 */
};

/* INVALID: not a Redis URL; the text is not repeated, it may hold a password. */
MUST_CHECK enum status target_parse(struct call *c, str url, struct target *out);

#endif
