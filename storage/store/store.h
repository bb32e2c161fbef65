/*
 * store: where everything durable is kept. One contract, two engines (SQLite, PostgreSQL), one
 * conformance suite (tests/storage/test_store.c).
 *
 * A unit of work is a function that the store runs inside one transaction:
 *
 *     struct rename { str id, etag, name; Lead *lead; };
 *
 *     static enum status rename_unit(struct call *c, struct tx *tx, void *arg)
 *     {
 *         struct rename *r = arg;
 *
 *         TRY(tx_get_lead(tx, r->id, &r->lead));                // the message, with its etag
 *         TRY(tx_match(tx, &r->lead->base, r->etag));           // the client's etag; "" matches
 *         r->lead->full_name = arena_cstr(&c->arena, r->name);
 *         TRY(tx_update_lead(tx, r->lead));                     // new etag, update_time in place
 *         return tx_event(tx, "sales.lead.updated", RECORD_LEAD, r->id, &r->lead->base);
 *     }
 *
 *     TRY(store_run(store, c, STORE_WRITE, rename_unit, &r));   // durable from here on
 *
 * The store may run the function again (serialisation failure, lost connection, a taken unique
 * value): it must depend on `arg` and the transaction only, and set every output each time. Nothing
 * of a failed run stays. The function may run on another thread while the caller waits; it must not
 * block on anything but the transaction, and not start another unit.
 *
 * Everything a unit reads lives in the call's arena until the call ends. A long stream therefore
 * runs each of its units in a short-lived call of its own (same principal, deadline and trace).
 *
 * The tenant is c->principal.tenant_id, added to every statement in one place; a row of another
 * tenant is NOT_FOUND. Failures of the engine, after retries within the deadline of the call:
 *
 *     UNAVAILABLE  STORE_BUSY, STORE_DOWN, STORE_READ_ONLY, STORE_IO: nothing was written;
 *                  COMMIT_UNKNOWN: the connection died during commit, the unit may have happened
 *     CONFLICT     CONCURRENT_CHANGE, ETAG_MISMATCH
 *     EXISTS       UNIQUE: metadata `kind` and `column` name what is taken
 *     EXHAUSTED    STORE_FULL: no space left; STORE_QUEUE: more units wait than the queue holds
 *     DEADLINE     the deadline passed, in the queue or in a statement
 *     DATA_LOSS    a row fails authentication, or the engine reports corruption
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <protobuf-c/protobuf-c.h>

#include "base/call.h"
#include "base/uuid.h"
#include "store/kinds.h"

struct store; /* opened by sqlite/ or postgres/ */
struct tx;    /* one transaction, valid inside of its unit only */

enum store_mode {
    STORE_READ, /* a snapshot; tx_insert and the like fail with INTERNAL */
    /* The same for a unit that reads by one statement at most, as tx_get does: half the work of the
     * engine. A second statement fails with INTERNAL. */
    STORE_READ_ONE,
    STORE_WRITE,
    STORE_TAKE, /* writes; each statement sees what is committed when it begins: for taking from a
                   queue that others take from too */
};

static inline bool store_mode_writes(enum store_mode mode)
{
    return mode == STORE_WRITE || mode == STORE_TAKE;
}

typedef enum status (*store_unit_fn)(struct call *c, struct tx *tx, void *arg);

/* Runs fn and commits when it returns OK. Any other status rolls back and is returned as it is.
 * INTERNAL: the call has no tenant. */
MUST_CHECK enum status store_run(struct store *s, struct call *c, enum store_mode mode,
                                 store_unit_fn fn, void *arg);

/* The same for the service's own records (RECORD rows with scope SYSTEM: tenants, API keys), and
 * for events and jobs of all tenants. The caller's principal plays no part: authentication calls it
 * before there is one. Records of tenants are out of reach. */
MUST_CHECK enum status store_run_system(struct store *s, struct call *c, enum store_mode mode,
                                        store_unit_fn fn, void *arg);

/* OK when a unit could run now; for readiness probes. Costs one round trip. */
MUST_CHECK enum status store_check(struct store *s, struct call *c);

/* Waits for running units, closes and frees. NULL is allowed. */
void store_close(struct store *s);

/* Records. Typed forms (tx_get_lead, ...) are in store/records.h; use those where the kind is
 * known.
 *
 * The store owns these fields of every message: `id` (UUID text), `etag`, and where the message has
 * them `create_time` (the time in the id, whole milliseconds) and `update_time`. What it sets and
 * the messages it returns live in the call's arena: never protobuf_c_message_free_unpacked them. */

/* Stores *m. An empty id gets a new UUIDv7; a set one is kept. Sets etag, create_time, update_time.
 * EXISTS: a UNIQUE or DEDUPE column is taken; it may come here, from a later read or from the
 * commit, and the unit is then run once more first, so that its own look-up can see who took it. */
MUST_CHECK enum status tx_insert(struct tx *tx, enum record_kind kind, ProtobufCMessage *m);

/* As tx_insert, for a deliberate duplicate: DEDUPE columns may hold a taken value. */
MUST_CHECK enum status tx_insert_copy(struct tx *tx, enum record_kind kind, ProtobufCMessage *m);

/* Replaces the record that m->id names; m->etag must be the one read (or inserted) before, else
 * CONFLICT, ETAG_MISMATCH. Sets the new etag and update_time. NOT_FOUND: it is gone. */
MUST_CHECK enum status tx_update(struct tx *tx, enum record_kind kind, ProtobufCMessage *m);

/* NOT_FOUND: unknown, foreign or malformed id; *out is then NULL. */
MUST_CHECK enum status tx_get(struct tx *tx, enum record_kind kind, str id, ProtobufCMessage **out);

/* The records with these ids, in their order, NULL where there is none. n <= STORE_MANY_MAX. */
MUST_CHECK enum status tx_get_many(struct tx *tx, enum record_kind kind, const str *ids, size_t n,
                                   ProtobufCMessage **out);

/* Deletes the record and its search words. etag "" matches any version. NOT_FOUND, CONFLICT. */
MUST_CHECK enum status tx_delete(struct tx *tx, enum record_kind kind, str id, str etag);

/* OK when etag is "" or that of m; otherwise CONFLICT, ETAG_MISMATCH. */
MUST_CHECK enum status tx_match(struct tx *tx, const ProtobufCMessage *m, str etag);

/* The record whose TEXT, ID or BLIND column equals value (the oldest, where several have it).
 * Values of BLIND columns are given in plain, normalised as the message holds them. NOT_FOUND. */
MUST_CHECK enum status tx_find(struct tx *tx, enum record_column column, str value,
                               ProtobufCMessage **out);

/* Ids for many values in one statement, zero where there is none (or value is empty).
 * n <= STORE_MANY_MAX. This is what an import dedupes with. */
MUST_CHECK enum status tx_find_ids(struct tx *tx, enum record_column column, const str *values,
                                   size_t n, struct uuid *out);

/* Lists. A fixed condition of the caller: column = value, ANDed with the filter. */
struct list_where {
    enum record_column column;
    str text;       /* TEXT, BLIND, ID, TAGS and MANY columns */
    int64_t number; /* INT, ENUM, BOOL, TIME (microseconds) */
};

struct list_query {
    str filter;        /* AIP-160 subset, see store/filter.h; names are those of FILTER columns */
    str order_by;      /* "score desc, create_time": ORDER columns; "": as the kind's row says */
    str search;        /* words that must all occur, at most SEARCH_WORDS_MAX */
    str page_token;    /* "" for the first page */
    int32_t page_size; /* 0: PAGE_SIZE_DEFAULT; at most PAGE_SIZE_MAX */
    const struct list_where *where; /* [n_where <= LIST_WHERE_MAX] */
    size_t n_where;
    bool skips_damaged; /* rows that do not open are counted and left out, not a failure */
};

struct list_page {
    ProtobufCMessage **items; /* [n_items], in c->arena */
    size_t n_items;
    size_t n_damaged;      /* left out */
    char *next_page_token; /* never NULL; "" on the last page; else bound to the same query */
};

/* INVALID with a field violation (filter, order_by, search, page_token, page_size). */
MUST_CHECK enum status tx_list(struct tx *tx, enum record_kind kind, const struct list_query *q,
                               struct list_page *out);

/* Counts and sums by up to GROUP_COLUMNS_MAX columns, for summaries. */
enum { GROUP_COLUMNS_MAX = 3, GROUP_ROWS_MAX = 10000, LIST_WHERE_MAX = 4, STORE_MANY_MAX = 1024 };

struct group_query {
    str filter;
    const struct list_where *where;
    size_t n_where;
    enum record_column by[GROUP_COLUMNS_MAX];
    size_t n_by;
    enum record_column sum; /* COLUMN_NONE: count only */
};

struct group_key {
    str text;       /* TEXT columns */
    int64_t number; /* the others */
    bool is_null;
};

struct group_row {
    struct group_key key[GROUP_COLUMNS_MAX];
    int64_t count, sum;
};

struct group_rows {
    struct group_row *rows; /* [n_rows], ordered by key, in c->arena */
    size_t n_rows;
};

/* EXHAUSTED: more than GROUP_ROWS_MAX groups, or the sum leaves int64. */
MUST_CHECK enum status tx_group(struct tx *tx, enum record_kind kind, const struct group_query *q,
                                struct group_rows *out);

/* Events (the transactional outbox). */

/* A place in commit order. Zero is before the first event. */
struct event_cursor {
    int64_t txid, seq;
};

/* What became of the data of an event. */
enum event_body {
    EVENT_WHOLE,
    EVENT_ERASED,  /* its subject was erased: no data */
    EVENT_DAMAGED, /* it fails authentication: no data; in system units only, DATA_LOSS in others */
};

struct event {
    struct event_cursor cursor;
    struct uuid id; /* stable: consumers deduplicate by it */
    int64_t tenant_id, created_us;
    str type; /* "sales.lead.created" */
    enum record_kind kind;
    struct uuid subject;
    enum event_body body;
    str data;           /* the packed message given to tx_event */
    struct trace trace; /* of the request that made it; zero: it had none. No parent_id */
};

struct event_page {
    struct event *events; /* [n_events], in commit order, in c->arena */
    size_t n_events;
    struct event_cursor next; /* continue here; `after` itself when there was nothing */
};

/* Appends an event about record `subject_id` (UUID text); data is packed and sealed now. */
MUST_CHECK enum status tx_event(struct tx *tx, const char *type, enum record_kind kind,
                                str subject_id, const ProtobufCMessage *data);

/* Events of the tenant (of all tenants in store_run_system) behind a cursor, at most limit
 * (<= PAGE_SIZE_MAX). An event appears when every event before it has: a reader that goes on from
 * `next` skips none, however late a transaction commits. */
MUST_CHECK enum status tx_event_list(struct tx *tx, struct event_cursor after, size_t limit,
                                     struct event_page *out);

/* The cursor behind the last event now visible: where a new watcher starts. */
MUST_CHECK enum status tx_event_end(struct tx *tx, struct event_cursor *out);

/* Small things. */

/* The next number of a named counter of the tenant: 1, 2, 3... Without gaps, as units that fail
 * take nothing. `name` is of [a-z0-9_]. */
MUST_CHECK enum status tx_counter_next(struct tx *tx, const char *name, int64_t *out);

/* The call that the unit runs for. */
struct call *tx_call(struct tx *tx);

#endif
