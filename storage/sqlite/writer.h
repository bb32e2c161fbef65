/* writer: the one thread that writes, and the queue in front of it. */
#ifndef SQLITE_WRITER_H
#define SQLITE_WRITER_H

#include "sqlite/conn.h"

struct writer;

/* Starts the thread. Takes over conn, also when this fails. */
MUST_CHECK enum status writer_open(struct call *c, struct sqlite_conn *conn, size_t queue_max,
                                   struct writer **out);

/* Runs the units that wait, then ends the thread and closes the connection. NULL is allowed. */
void writer_close(struct writer *w);

/* Runs the unit on the writer's thread and waits for its commit. A unit that has not begun by the
 * call's deadline is taken back; one that runs is waited for, as it works on the caller's memory.
 */
MUST_CHECK enum status writer_run(struct writer *w, struct call *c, struct sql_unit *unit);

#endif
