/*
 * answers: the results of what a session has sent, read in the order in which it was sent. A note
 * says of each command what its result will be; after a failure the server skips to the next sync
 * point, and so does whoever reads.
 */
#ifndef POSTGRES_ANSWERS_H
#define POSTGRES_ANSWERS_H

#include "postgres/session.h"

enum { STATEMENT_MS = 30000 }; /* statement timeout of a call without a deadline */

/* What rows are given to; row NULL: nobody wants any. */
struct sink {
    sql_row_fn row;
    void *arg;
};

/* A command was queued. There must be room: pending has PENDING_MAX places. */
void session_note(struct session *s, enum pending_kind kind, struct prepared *p);

/* The connection is of no more use. Always fails. */
MUST_CHECK enum status session_lost(struct session *s, struct call *c);

/* Records why the server refused. Always fails. */
MUST_CHECK enum status answer_failed(struct session *s, struct call *c, const PGresult *r);

/* Reads the results of everything sent. The first failure is returned; the rest is read all the
 * same. */
MUST_CHECK enum status answers_take(struct session *s, struct call *c, const struct sink *sink);

/* Sends what is queued up to a sync point, then the same. */
MUST_CHECK enum status answers_sync(struct session *s, struct call *c, const struct sink *sink);

#endif
