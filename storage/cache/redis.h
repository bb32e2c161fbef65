/*
 * redis: one client of one Redis server, for everybody in this process who wants one.
 *
 * Redis is a helper, never a place of record: whoever uses it says what happens without it. So the
 * client fails fast. Every run has a time limit; after a failure of the server or the network the
 * breaker opens and runs fail at once, until one of them, after a growing pause, gets through
 * again.
 *
 *     const str argv[] = {STR("INCR"), key};
 *     const struct redis_reply *reply;
 *
 *     TRY(redis_ask(r, c, argv, 2, &reply));
 *     if (reply->kind == REDIS_INT) ...
 *
 * Nothing is ever sent twice: a run that died may have happened, and the caller knows whether that
 * matters. An error that Redis answers (-OOM, -WRONGTYPE) is a reply, not a failure.
 *
 * Connections are made when needed, kept in a pool, and used by one run at a time. Thread-safe.
 * Neither errors nor logs hold the URL, a key or a value. A host name is looked up at each connect,
 * for as long as the system's resolver takes.
 */
#ifndef CACHE_REDIS_H
#define CACHE_REDIS_H

#include "base/call.h"

struct redis;

enum {
    REDIS_CONNECTIONS = 4, /* default of a pool: runs take well under a millisecond */
    REDIS_CONNECTIONS_MAX = 64,
    REDIS_TIMEOUT_MS = 1000,         /* default of one run; connecting included */
    REDIS_REPLY_BYTES_MAX = 8 << 20, /* of one run: all replies together, as sent */
    REDIS_ITEMS_MAX = 65536,         /* elements of one array */
    REDIS_RETRY_MS_MIN = 50,         /* the breaker's first pause, doubled by each failure */
    REDIS_RETRY_MS_MAX = 5000,
};

struct redis_options {
    const char *url;      /* redis://[[user]:password@]host[:port][/db], rediss:// for TLS with the
                             system's authorities; percent-encoding as in URLs. Copied */
    const char *url_path; /* file that url is from: new connections use the user and password that
                             it has then, nothing else of it. Copied; NULL: none */
    size_t n_connections; /* most at once; 0: REDIS_CONNECTIONS */
    int64_t timeout_ms;   /* most of one run; 0: REDIS_TIMEOUT_MS */
};

/* Connects to nothing yet. INVALID: the URL is none, its text is not repeated. */
MUST_CHECK enum status redis_open(struct call *c, const struct redis_options *o,
                                  struct redis **out);

/* No run may be under way. NULL is allowed. */
void redis_close(struct redis *r);

enum redis_kind { REDIS_NIL, REDIS_ERROR, REDIS_STATUS, REDIS_TEXT, REDIS_INT, REDIS_ARRAY };

struct redis_reply {
    enum redis_kind kind;
    str text;                   /* ERROR, STATUS, TEXT; NUL-terminated */
    int64_t number;             /* INT */
    struct redis_reply **items; /* ARRAY: [n_items] */
    size_t n_items;
};

struct redis_command {
    const str *argv; /* [argc >= 1] */
    size_t argc;
};

/* Several commands in one round trip. */
struct redis_run {
    const struct redis_command *commands; /* [n >= 1] */
    size_t n;
    uint64_t connection; /* in: only on this one, 0: any. out: the one that was used */
    const struct redis_reply **replies; /* out: [n], in c->arena; none is NULL */
};

/*
 * Sends the commands and waits for all replies, within the call's deadline and the client's limit.
 *
 * UNAVAILABLE: REDIS_DOWN, nothing was sent: no connection, or the breaker is open;
 *              REDIS_CHANGED, nothing was sent: `connection` is gone;
 *              REDIS_LOST, REDIS_SLOW: some commands may have run, or may run yet
 * EXHAUSTED:   REDIS_REPLY, over REDIS_REPLY_BYTES_MAX or REDIS_ITEMS_MAX; the commands have run
 * DEADLINE, CANCELLED: of the call
 */
MUST_CHECK enum status redis_run(struct redis *r, struct call *c, struct redis_run *run);

/* One command. */
MUST_CHECK enum status redis_ask(struct redis *r, struct call *c, const str *argv, size_t argc,
                                 const struct redis_reply **out);

/* The reply is the error whose first word is `code` ("OOM", "NOGROUP"). */
bool redis_is_error(const struct redis_reply *reply, const char *code);

/* False while the breaker is open: the last run failed and the pause is not over. */
bool redis_is_up(struct redis *r);

#endif
