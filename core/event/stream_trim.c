/* What may be dropped from a stream: entries that every consumer group has acknowledged. */
#include <inttypes.h>

#include "event/stream.h"

enum { GROUPS_MAX = 256 };

static enum status ask(struct streams *s, struct call *c, const str *argv, size_t argc,
                       const struct redis_reply **out)
{
    const struct redis_command command = {argv, argc};
    struct redis_run run = {.commands = &command, .n = 1, .connection = s->connection};
    enum status status = redis_run(s->redis, c, &run);

    *out = NULL;
    s->connection = status == STATUS_OK ? run.connection : 0;
    TRY(status);
    *out = run.replies[0];
    return STATUS_OK;
}

static const struct redis_reply *member(const struct redis_reply *list, const char *name)
{
    for (size_t i = 0; list->kind == REDIS_ARRAY && i + 1 < list->n_items; i += 2)
        if (str_eq(list->items[i]->text, str_of(name)))
            return list->items[i + 1];
    return NULL;
}

static struct event_cursor read_id(const struct redis_reply *reply)
{
    str text = reply ? reply->text : (str){0}, txid = str_cut(&text, '-');
    long long a, b;

    if (!str_to_int64(txid, &a) || !str_to_int64(text, &b))
        return (struct event_cursor){0};
    return (struct event_cursor){a, b};
}

/* The first entry that this group still needs: what is pending longest, else what comes after the
 * last one delivered. Unclear replies need everything. */
static enum status group_needs(struct streams *s, struct call *c, str key,
                               const struct redis_reply *group, struct event_cursor *out)
{
    const struct redis_reply *name = member(group, "name"), *pending = member(group, "pending"),
                             *reply;

    *out = read_id(member(group, "last-delivered-id"));
    if (!name || !pending || pending->number == 0) {
        out->seq++;
        return STATUS_OK;
    }
    const str argv[] = {STR("XPENDING"), key, name->text};

    TRY(ask(s, c, argv, 3, &reply));
    *out = reply->kind == REDIS_ARRAY && reply->n_items == 4 ? read_id(reply->items[1])
                                                             : (struct event_cursor){0};
    return STATUS_OK;
}

/* Where the slowest of all groups stands. */
static enum status slowest(struct streams *s, struct call *c, str key,
                           const struct redis_reply *groups, struct event_cursor *out)
{
    *out = (struct event_cursor){INT64_MAX, 0};
    for (size_t i = 0; i < groups->n_items; i++) {
        struct event_cursor needs = {0};

        if (i < GROUPS_MAX)
            TRY(group_needs(s, c, key, groups->items[i], &needs));
        if (cursor_is_before(needs, *out))
            *out = needs;
    }
    return STATUS_OK;
}

enum status streams_shorten(struct streams *s, struct call *c, int shard)
{
    str key = str_of(arena_printf(&c->arena, "sales:events:{%d}", shard));
    const str length[] = {STR("XLEN"), key}, info[] = {STR("XINFO"), STR("GROUPS"), key};
    str argv[] = {STR("XTRIM"), key, STR("MAXLEN"), STR("~"), STR("")};
    const struct redis_reply *reply, *groups;
    struct event_cursor needs;

    TRY(ask(s, c, length, 2, &reply));
    if (reply->kind != REDIS_INT || reply->number <= s->n_entries)
        return STATUS_OK;
    TRY(ask(s, c, info, 3, &groups));
    if (groups->kind != REDIS_ARRAY)
        return STATUS_OK;
    argv[4] = str_of(arena_printf(&c->arena, "%" PRId64, s->n_entries));
    if (groups->n_items) {
        TRY(slowest(s, c, key, groups, &needs));
        argv[2] = STR("MINID");
        argv[4] = str_of(arena_printf(&c->arena, "%" PRId64 "-%" PRId64, needs.txid, needs.seq));
    }
    return ask(s, c, argv, 5, &reply);
}
