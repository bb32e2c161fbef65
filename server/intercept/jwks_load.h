/* jwks_load: from a source of keys to a set of them. Private to this folder. */
#ifndef INTERCEPT_JWKS_LOAD_H
#define INTERCEPT_JWKS_LOAD_H

#include <sys/types.h>
#include <time.h>

#include "intercept/jwks.h"

/* What tells that a file was written. */
struct jwks_stamp {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec changed;
};

bool jwks_same_stamp(const struct jwks_stamp *a, const struct jwks_stamp *b);

struct jwks_loaded {
    struct jwk_set *set; /* owned; NULL: the file is as it was */
    size_t n_left_out;   /* keys that are not for us */
    int64_t max_age_s;   /* < 0: not said */
};

/* Reads a file that changed since *stamp; sets *stamp. */
MUST_CHECK enum status jwks_load_file(struct call *c, str path, struct jwks_stamp *stamp,
                                      struct jwks_loaded *out);

/* Fetches from source->uri, or by discovery. Within the deadline of c. */
MUST_CHECK enum status jwks_load_url(struct call *c, struct http_client *http,
                                     const struct jwks_source *source, struct jwks_loaded *out);

/* Seconds of `Cache-Control: max-age`; 0: no-store or no-cache; -1: not said. */
int64_t jwks_max_age(str cache_control);

/* Both URLs have the same scheme, host and port, as text. */
bool jwks_same_origin(str a, str b);

#endif
