/* event: rows of the outbox, as tx_event_list reads them. Private to this layer. */
#ifndef SQL_EVENT_H
#define SQL_EVENT_H

#include "sql/tx.h"
#include "store/outbox.h"

#define EVENT_COLUMNS "txid, seq, tenant_id, id, type, kind, subject, create_time, body, trace"

/* The last event of the unit's tenant that was taken out; zero: none was. */
MUST_CHECK enum status event_trimmed(struct tx *tx, struct event_cursor *out);

/* Row handler for "txid, seq": arg is a struct event_cursor. */
enum status event_cursor_row(void *arg, const struct sql_value *cols, size_t n);

#endif
