/* Commands and replies of Redis Streams. Every append is a transaction on one key. */
#include "event/stream.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { XADD_ARGS = 12, TRIM_ARGS = 4 };

static str key_of(struct call *c, int shard)
{
    return str_of(arena_printf(&c->arena, "sales:events:{%d}", shard));
}

static str id_of(struct call *c, struct event_cursor at)
{
    return str_of(arena_printf(&c->arena, "%" PRId64 "-%" PRId64, at.txid, at.seq));
}

/* "12-3" */
static bool parse_id(str text, struct event_cursor *out)
{
    str txid = str_cut(&text, '-');
    long long a, b;

    if (!str_to_int64(txid, &a) || !str_to_int64(text, &b))
        return false;
    *out = (struct event_cursor){a, b};
    return true;
}

static enum status run_on(struct streams *s, struct call *c, struct redis_run *run)
{
    enum status status;

    run->connection = s->connection;
    status = redis_run(s->redis, c, run);
    s->connection = status == STATUS_OK ? run->connection : 0;
    return status;
}

/* What Redis said instead; its text names commands and keys, never values. */
static enum status refused(struct streams *s, struct call *c, const struct redis_reply *reply)
{
    s->connection = 0;
    if (redis_is_error(reply, "OOM"))
        return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_FULL", "Redis is full");
    return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_REFUSES", "Redis refuses: %.*s",
                        (int)(reply->text.n < 100 ? reply->text.n : 100),
                        reply->kind == REDIS_ERROR ? reply->text.p : "");
}

/* The value behind a name in a flat list of names and values. */
static const struct redis_reply *member(const struct redis_reply *list, const char *name)
{
    for (size_t i = 0; list->kind == REDIS_ARRAY && i + 1 < list->n_items; i += 2)
        if (str_eq(list->items[i]->text, str_of(name)))
            return list->items[i + 1];
    return NULL;
}

enum status streams_look(struct streams *s, struct call *c, struct event_cursor *tops)
{
    struct redis_command commands[RELAY_SHARDS_MAX];
    struct redis_run run = {.commands = commands, .n = (size_t)s->n_shards};
    str *argv = NEW(&c->arena, str, run.n * 3);

    if (!argv)
        return call_nomem(c);
    for (int i = 0; i < s->n_shards; i++) {
        str *a = argv + (size_t)i * 3;

        a[0] = STR("XINFO");
        a[1] = STR("STREAM");
        a[2] = key_of(c, i);
        commands[i] = (struct redis_command){a, 3};
    }
    s->connection = 0;
    TRY(run_on(s, c, &run));
    for (size_t i = 0; i < run.n; i++) {
        const struct redis_reply *reply = run.replies[i],
                                 *last = member(reply, "last-generated-id");

        tops[i] = (struct event_cursor){0};
        if (reply->kind == REDIS_ERROR && str_eq(reply->text, STR("ERR no such key")))
            continue;
        if (!last || !parse_id(last->text, &tops[i]))
            return refused(s, c, reply);
    }
    return STATUS_OK;
}

enum status streams_entry(struct streams *s, struct call *c, int shard, struct event_cursor at,
                          str *id_out)
{
    const str argv[] = {STR("XRANGE"), key_of(c, shard), id_of(c, at), id_of(c, at)};
    const struct redis_command command = {argv, 4};
    struct redis_run run = {.commands = &command, .n = 1};
    const struct redis_reply *list, *id;

    *id_out = (str){0};
    TRY(run_on(s, c, &run));
    list = run.replies[0];
    if (list->kind != REDIS_ARRAY)
        return refused(s, c, list);
    if (list->n_items == 0)
        return call_fail(c, STATUS_NOT_FOUND, "there is no entry at that place");
    id = list->items[0]->n_items == 2 ? member(list->items[0]->items[1], "id") : NULL;
    if (id)
        *id_out = id->text;
    return STATUS_OK;
}

/* NOMKSTREAM: a stream that had entries and is gone must not come back without them. */
static enum status put_entry(struct streams *s, struct call *c, const struct stream_entry *e,
                             struct redis_command *out)
{
    int shard = stream_shard(s, e->event->tenant_id);
    str *a = NEW(&c->arena, str, XADD_ARGS);
    size_t n = 0;

    if (!a)
        return call_nomem(c);
    a[n++] = STR("XADD");
    a[n++] = key_of(c, shard);
    if (s->tops[shard].txid)
        a[n++] = STR("NOMKSTREAM");
    a[n++] = id_of(c, e->event->cursor);
    a[n++] = STR("id");
    a[n++] = str_of(uuid_text(&c->arena, e->event->id));
    a[n++] = STR("type");
    a[n++] = e->event->type;
    a[n++] = STR("tenant");
    a[n++] = e->tenant;
    a[n++] = STR("envelope");
    a[n++] = e->envelope;
    assert(n <= XADD_ARGS);
    *out = (struct redis_command){a, n};
    return STATUS_OK;
}

struct append {
    struct streams *streams;
    struct redis_command *commands; /* [n] so far */
    size_t n;
};

/* One MULTI ... EXEC of the entries of a shard; nothing when it has none. */
static enum status put_shard(struct append *to, struct call *c, int shard,
                             const struct stream_entry *entries, size_t n_entries)
{
    static const str multi = {"MULTI", 5}, exec = {"EXEC", 4};
    size_t first = to->n;

    to->commands[to->n++] = (struct redis_command){&multi, 1};
    for (size_t i = 0; i < n_entries; i++)
        if (stream_shard(to->streams, entries[i].event->tenant_id) == shard)
            TRY(put_entry(to->streams, c, &entries[i], &to->commands[to->n++]));
    if (to->n == first + 1)
        to->n = first;
    else
        to->commands[to->n++] = (struct redis_command){&exec, 1};
    return STATUS_OK;
}

/* The reply of one XADD: its id, or that the stream has it already. */
static enum status check_entry(struct streams *s, struct call *c, const struct redis_reply *reply)
{
    if (reply->kind == REDIS_TEXT ||
        (reply->kind == REDIS_ERROR &&
         str_starts(
             reply->text,
             STR("ERR The ID specified in XADD is equal or smaller than the target stream"))))
        return STATUS_OK;
    if (reply->kind != REDIS_NIL)
        return refused(s, c, reply);
    s->connection = 0;
    return call_fail_as(c, STATUS_UNAVAILABLE, "REDIS_LOST", "a stream is gone from Redis");
}

/* Replies of MULTI, the queued commands, and EXEC. */
static enum status check_replies(struct streams *s, struct call *c, const struct redis_run *run)
{
    for (size_t i = 0; i < run->n; i++) {
        const struct redis_reply *reply = run->replies[i];

        if (reply->kind == REDIS_STATUS) /* OK, QUEUED */
            continue;
        if (reply->kind != REDIS_ARRAY)
            return refused(s, c, reply);
        for (size_t k = 0; k < reply->n_items; k++)
            TRY(check_entry(s, c, reply->items[k]));
    }
    return STATUS_OK;
}

enum status streams_append(struct streams *s, struct call *c, const struct stream_entry *entries,
                           size_t n)
{
    struct append to = {s, NEW(&c->arena, struct redis_command, n + 2 * (size_t)s->n_shards), 0};
    struct redis_run run;

    if (!to.commands)
        return call_nomem(c);
    for (int i = 0; i < s->n_shards; i++)
        TRY(put_shard(&to, c, i, entries, n));
    run = (struct redis_run){.commands = to.commands, .n = to.n};
    TRY(run_on(s, c, &run));
    TRY(check_replies(s, c, &run));
    for (size_t i = 0; i < n; i++) {
        struct event_cursor *top = &s->tops[stream_shard(s, entries[i].event->tenant_id)];

        if (cursor_is_before(*top, entries[i].event->cursor))
            *top = entries[i].event->cursor;
    }
    return STATUS_OK;
}
