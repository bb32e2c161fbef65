/* event: rows of the outbox, as tx_event_list reads them. Private to this layer. */
#ifndef SQL_EVENT_H
#define SQL_EVENT_H

#include "sql/tx.h"
#include "store/outbox.h"

#define EVENT_COLUMNS "txid, seq, tenant_id, id, type, kind, subject, create_time, body, trace"

/* What an INSERT has: see struct statements. */
enum { EVENT_WIDTH = 8 };

struct event_subject {
    const char *type; /* "sales.lead.created" */
    const struct record_info *info;
    struct uuid id;
};

/* Packs and seals the data of a new event, and makes its row in the call's arena. */
MUST_CHECK enum status event_make(struct tx *tx, const struct event_subject *of,
                                  const ProtobufCMessage *data, struct sql_value row[EVENT_WIDTH]);

/* Appends it to the unit's. */
MUST_CHECK enum status event_put(struct tx *tx, const struct sql_value made[EVENT_WIDTH]);

/* The last event of the unit's tenant that was taken out; zero: none was. */
MUST_CHECK enum status event_trimmed(struct tx *tx, struct event_cursor *out);

/* Row handler for "txid, seq": arg is a struct event_cursor. */
enum status event_cursor_row(void *arg, const struct sql_value *cols, size_t n);

#endif
