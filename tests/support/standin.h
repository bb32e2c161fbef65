/* standin: the services of third parties (tests/standin) as a process of the test. */
#ifndef SUPPORT_STANDIN_H
#define SUPPORT_STANDIN_H

#include <sys/types.h>

#include "integration/http.h"

struct standin {
    pid_t pid;
    char url[64]; /* "http://127.0.0.1:PORT" */
    struct http_client *http;
};

/* Starts it on a free port and waits until it listens. Run from the root of the project. Ends the
 * test when it cannot. It dies with the test. */
void standin_start(struct standin *s);

/* The same over TLS and HTTP/2; makes its authority, dir/cert.pem. */
void standin_start_tls(struct standin *s, const char *dir);
void standin_stop(struct standin *s);

/* POST, or GET when json is NULL, of /_admin + path; the answer in c's arena. Ends the test when it
 * is refused. */
str standin_admin(const struct standin *s, struct call *c, const char *path, const char *json);

#endif
