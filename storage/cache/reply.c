/* hiredis parses the protocol; objects are made here, in the arena, so that nothing is freed and
 * everything is counted. */
#include "cache/reply.h"

#include <hiredis/read.h>
#include <stdlib.h>

struct reply_reader {
    redisReader *parser; /* owned */
    struct arena *arena;
    size_t n_bytes; /* fed so far */
    bool is_over;   /* an object was refused */
};

static struct redis_reply *make(const redisReadTask *task, enum redis_kind kind)
{
    struct reply_reader *r = task->privdata;
    struct redis_reply *reply = NEW(r->arena, struct redis_reply, 1);

    if (!reply) {
        r->is_over = true;
        return NULL;
    }
    reply->kind = kind;
    if (task->parent)
        ((struct redis_reply *)task->parent->obj)->items[task->idx] = reply;
    return reply;
}

/* NOLINTNEXTLINE(readability-non-const-parameter): the type is hiredis' */
static void *make_string(const redisReadTask *task, char *p, size_t n)
{
    struct reply_reader *r = task->privdata;
    struct redis_reply *reply = make(task, task->type == REDIS_REPLY_ERROR    ? REDIS_ERROR
                                           : task->type == REDIS_REPLY_STATUS ? REDIS_STATUS
                                                                              : REDIS_TEXT);

    if (!reply)
        return NULL;
    reply->text = arena_str(r->arena, (str){p, n});
    if (reply->text.p)
        return reply;
    r->is_over = true;
    return NULL;
}

static void *make_array(const redisReadTask *task, int n)
{
    struct reply_reader *r = task->privdata;
    struct redis_reply *reply;

    if (n < 0 || n > REDIS_ITEMS_MAX) {
        r->is_over = true;
        return NULL;
    }
    if ((reply = make(task, REDIS_ARRAY)) == NULL)
        return NULL;
    reply->n_items = (size_t)n;
    reply->items = NEW(r->arena, struct redis_reply *, (size_t)n + 1);
    if (reply->items)
        return reply;
    r->is_over = true;
    return NULL;
}

static void *make_integer(const redisReadTask *task, long long number)
{
    struct redis_reply *reply = make(task, REDIS_INT);

    if (reply)
        reply->number = number;
    return reply;
}

static void *make_nil(const redisReadTask *task)
{
    return make(task, REDIS_NIL);
}

static void forget(void *object)
{
    (void)object; /* the arena has it */
}

static redisReplyObjectFunctions functions = {
    .createString = make_string,
    .createArray = make_array,
    .createInteger = make_integer,
    .createNil = make_nil,
    .freeObject = forget,
};

struct reply_reader *reply_reader_new(struct arena *a)
{
    struct reply_reader *r = calloc(1, sizeof *r);

    if (!r)
        return NULL;
    r->arena = a;
    r->parser = redisReaderCreateWithFunctions(&functions);
    if (r->parser) {
        r->parser->privdata = r;
        return r;
    }
    free(r);
    return NULL;
}

void reply_reader_free(struct reply_reader *r)
{
    if (!r)
        return;
    redisReaderFree(r->parser);
    free(r);
}

enum reply_state reply_feed(struct reply_reader *r, str bytes)
{
    if (bytes.n > REDIS_REPLY_BYTES_MAX - r->n_bytes)
        return REPLY_TOO_LARGE;
    r->n_bytes += bytes.n;
    return redisReaderFeed(r->parser, bytes.p, bytes.n) == 0 ? REPLY_WANTS_MORE : REPLY_BROKEN;
}

enum reply_state reply_next(struct reply_reader *r, const struct redis_reply **out)
{
    void *object = NULL;

    *out = NULL;
    if (redisReaderGetReply(r->parser, &object) != 0)
        return r->is_over ? REPLY_TOO_LARGE : REPLY_BROKEN;
    *out = object;
    return object ? REPLY_READY : REPLY_WANTS_MORE;
}

void reply_put_command(struct buf *b, const struct redis_command *command)
{
    buf_printf(b, "*%zu\r\n", command->argc);
    for (size_t i = 0; i < command->argc; i++) {
        buf_printf(b, "$%zu\r\n", command->argv[i].n);
        buf_put(b, command->argv[i]);
        buf_put(b, STR("\r\n"));
    }
}
