/* login: as whom to connect now, when the connection string is from a file that may change. */
#ifndef POSTGRES_LOGIN_H
#define POSTGRES_LOGIN_H

#include <libpq-fe.h>

#include "base/secret.h"

/* As whom; of libpq, so that it ends with login_release. */
struct login {
    const char *conninfo;        /* libpq's */
    const char *user, *password; /* in place of those of conninfo; NULL: those */
    PQconninfoOption *parsed;    /* what user and password borrow from */
};

/*
 * Reads user and password from the connection string as it is now. Host, database and the rest stay
 * as in `conninfo`: a server that changes its database is another server. A text that is no
 * connection string counts as `conninfo` itself.
 */
void login_read(struct login *out, const char *conninfo, const char *now);

/* Another user than the one of conninfo: what was found out about that one does not hold. */
bool login_is_another(const struct login *login);

/* Wipes what it holds. */
void login_release(struct login *login);

#endif
