/*
 * Before the first append on a connection the streams are looked at: they must hold what the relay
 * has put there, and nothing that the outbox does not know. The last place in each stream is kept
 * in the note of the cursor, so the next relay can tell, too.
 */
#include "event/relay.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/kill_point.h"
#include "event/envelope.h"
#include "event/stream.h"
#include "event/tenant_ids.h"
#include "obs/log.h"

enum {
    NS_PER_MS = 1000000,
    SAVE_MS = 1000,        /* a crash repeats a second of entries, and Redis refuses them */
    SHORTEN_MS = 5000,     /* between two looks at the length of streams, one after another */
    REDIS_LIMIT_MS = 2000, /* of one exchange: well inside a turn of the bus */
};

struct relay {
    struct bus_consumer base;
    struct streams streams;
    struct tenant_ids tenants;
    int64_t fence; /* whose tops are loaded */
    int64_t shortened_ns;
    int next_shard;
};

/* The note: number of shards, then the last place of each, as this machine writes integers. */
struct note {
    int64_t n_shards;
    struct event_cursor tops[RELAY_SHARDS_MAX];
};

_Static_assert(sizeof(struct note) <= CONSUMER_NOTE_BYTES, "the note of the relay fits");

static void load_note(struct relay *r, const struct event_consumer *place)
{
    struct streams *s = &r->streams;
    struct note note = {.n_shards = 0};

    memset(s->tops, 0, sizeof s->tops);
    if (place->note.n == sizeof note)
        memcpy(&note, place->note.p, sizeof note);
    if (note.n_shards == s->n_shards) /* else: another distribution, nothing to compare with */
        memcpy(s->tops, note.tops, sizeof s->tops);
    r->fence = place->fence;
    s->connection = 0;
}

static enum status store_note(struct relay *r, struct call *c, struct event_consumer *place)
{
    struct note *note = NEW(&c->arena, struct note, 1);

    if (!note)
        return call_nomem(c);
    note->n_shards = r->streams.n_shards;
    memcpy(note->tops, r->streams.tops, sizeof note->tops);
    place->note = (str){(const char *)note, sizeof *note};
    return STATUS_OK;
}

struct known {
    struct event_cursor at;
    struct uuid id;
    bool is_trimmed; /* events behind `at` are no longer there */
};

static enum status known_unit(struct call *c, struct tx *tx, void *arg)
{
    struct known *k = arg;

    (void)c;
    return tx_event_id(tx, k->at, &k->id);
}

static enum status trimmed_unit(struct call *c, struct tx *tx, void *arg)
{
    struct known *k = arg;
    enum status s = tx_event_check(tx, k->at);

    k->is_trimmed = s == STATUS_OUT_OF_RANGE;
    if (!k->is_trimmed)
        return s;
    call_clear(c);
    return STATUS_OK;
}

static enum status foreign(struct relay *r, struct call *c, int shard)
{
    r->streams.connection = 0;
    return call_fail_as(c, STATUS_PRECONDITION, "EVENTS_FOREIGN",
                        "stream sales:events:{%d} holds events of another database", shard);
}

/* The stream goes on beyond what was relayed: by a relay that died before it stored its place, or
 * by another database. */
static enum status check_ahead(struct relay *r, struct call *c, int shard, struct event_cursor top)
{
    struct known k = {.at = top};
    enum status s = store_run_system(r->tenants.store, c, STORE_READ, known_unit, &k);
    str id;
    char text[UUID_TEXT_BYTES + 1];

    if (s == STATUS_NOT_FOUND) {
        call_clear(c);
        return foreign(r, c, shard);
    }
    TRY(s);
    s = streams_entry(&r->streams, c, shard, top, &id);
    if (s == STATUS_NOT_FOUND) { /* dropped by hand: its place alone must do */
        call_clear(c);
        return STATUS_OK;
    }
    TRY(s);
    uuid_format(k.id, text);
    return str_eq(id, str_of(text)) ? STATUS_OK : foreign(r, c, shard);
}

/* The stream ends before what was relayed: all behind its end goes out again. */
static enum status rewind_to(struct relay *r, struct call *c, int shard, struct event_cursor top,
                             struct event_consumer *place)
{
    struct known k = {.at = top};

    TRY(store_run_system(r->tenants.store, c, STORE_READ, trimmed_unit, &k));
    log_warn(c, LOG_EVENT_STREAM_REFILLED, F_INT("shard", shard), F_INT("last_txid", top.txid),
             F_INT("expected_txid", r->streams.tops[shard].txid));
    if (k.is_trimmed)
        log_error(c, LOG_EVENT_STREAM_TRUNCATED, F_INT("shard", shard),
                  F_INT("from_txid", top.txid));
    if (cursor_is_before(top, place->at))
        place->at = top;
    return STATUS_OK;
}

static enum status check_streams(struct relay *r, struct call *c, struct event_consumer *place)
{
    struct streams *s = &r->streams;
    struct event_cursor tops[RELAY_SHARDS_MAX], done = place->at;
    uint64_t connection;

    TRY(streams_look(s, c, tops));
    connection = s->connection;
    for (int i = 0; i < s->n_shards; i++) {
        if (cursor_is_before(tops[i], s->tops[i]))
            TRY(rewind_to(r, c, i, tops[i], place));
        else if (cursor_is_before(done, tops[i]) && cursor_is_before(s->tops[i], tops[i]))
            TRY(check_ahead(r, c, i, tops[i]));
    }
    if (s->connection != connection) /* lost meanwhile: what was seen may be old */
        return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_CHANGED", "Redis was lost meanwhile");
    memcpy(s->tops, tops, sizeof s->tops);
    return store_note(r, c, place);
}

static enum status prepare(struct bus_consumer *self, struct call *c, struct event_consumer *place)
{
    struct relay *r = (struct relay *)self;
    struct streams *s = &r->streams;
    int64_t now_ns = call_monotonic_ns(c);

    if (r->fence != place->fence)
        load_note(r, place);
    if (!s->connection)
        return check_streams(r, c, place);
    if (now_ns - r->shortened_ns < (int64_t)SHORTEN_MS * NS_PER_MS / s->n_shards)
        return STATUS_OK;
    r->shortened_ns = now_ns;
    r->next_shard = (r->next_shard + 1) % s->n_shards;
    return streams_shorten(s, c, r->next_shard);
}

static enum status handle(struct bus_consumer *self, struct call *c, struct bus_batch *batch,
                          struct event_consumer *place)
{
    struct relay *r = (struct relay *)self;
    struct stream_entry *entries = NEW(&c->arena, struct stream_entry, batch->n);

    if (!entries)
        return call_nomem(c);
    for (size_t i = 0; i < batch->n; i++) {
        const struct event *e = &batch->events[i];
        struct envelope envelope = {.event = e, .form = ENVELOPE_THIN};

        TRY(tenant_ids_get(&r->tenants, c, e->tenant_id, &envelope.tenant));
        entries[i] = (struct stream_entry){.event = e, .tenant = envelope.tenant};
        TRY(envelope_json(c, &envelope, &entries[i].envelope));
    }
    kill_here(KILL_RELAY_BEFORE);
    TRY(streams_append(&r->streams, c, entries, batch->n));
    kill_here(KILL_RELAY_AFTER);
    TRY(store_note(r, c, place));
    batch->n_done = batch->n;
    return STATUS_OK;
}

enum status relay_new(struct call *c, const struct relay_options *o, struct relay **out)
{
    struct relay *r = calloc(1, sizeof *r);
    enum status s;

    assert(o->n_shards >= 1 && o->n_shards <= RELAY_SHARDS_MAX);
    *out = NULL;
    if (!r)
        return call_nomem(c);
    r->base = (struct bus_consumer){"redis", prepare, handle, SAVE_MS};
    r->tenants.store = o->store;
    r->streams.n_shards = o->n_shards;
    r->streams.n_entries = o->n_entries;
    s = redis_open(c,
                   &(struct redis_options){.url = o->redis_url,
                                           .url_path = o->redis_url_path,
                                           .n_connections = 1,
                                           .timeout_ms = REDIS_LIMIT_MS},
                   &r->streams.redis);
    if (s != STATUS_OK) {
        relay_free(r);
        return s;
    }
    *out = r;
    return STATUS_OK;
}

struct bus_consumer *relay_consumer(struct relay *r)
{
    return &r->base;
}

bool relay_is_up(struct relay *r)
{
    return redis_is_up(r->streams.redis);
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    redis_close(r->streams.redis);
    free(r);
}
