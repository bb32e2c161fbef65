/*
 * secret: a text that nobody else may see, such as a URL with a password, given as a text or as a
 * file. A file is read again when it has changed: Kubernetes and Vault replace files under a
 * running process, and whoever connects next uses what is there then. A file that is gone, empty or
 * half written changes nothing: the text before it stays.
 *
 *     char *url = secret_take(&s);
 *
 *     if (!url)
 *         return call_nomem(c);
 *     ... connect ...
 *     secret_drop(url);
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <pthread.h>
#include <sys/stat.h>

#include "base/call.h"

enum { SECRET_BYTES_MAX = 8192 }; /* of a file: a URL or a few keys */

/* Where a secret is from; borrowed. */
struct secret_source {
    const char *text; /* as given, or as the file said first */
    const char *path; /* its file; NULL: the text stays */
};

struct secret {
    pthread_mutex_t lock; /* guards the rest */
    char *path, *text;    /* owned */
    struct stat seen;     /* the file that text is from */
};

/* Copies the source; reads nothing yet. Thread-safe from here on. EXHAUSTED: no memory. */
MUST_CHECK enum status secret_open(struct call *c, struct secret *s,
                                   const struct secret_source *source);

/* Wipes and frees it; {0} is allowed. */
void secret_close(struct secret *s);

/* A copy of the text as it is now; NULL: no memory. */
char *secret_take(struct secret *s);

/* Wipes and frees a text; NULL is allowed. */
void secret_drop(char *text);

/* Reads a file without the white space around its text; secret_drop(*out). Else why not, without
 * anything of what it holds, and *out is NULL. NULL: it went well. */
const char *secret_read(const char *path, char **out);

#endif
