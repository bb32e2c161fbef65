/* reply: what Redis answers, parsed into a call's arena with a bound on every size. */
#ifndef CACHE_REPLY_H
#define CACHE_REPLY_H

#include "base/buf.h"
#include "cache/redis.h"

struct reply_reader;

/* NULL: out of memory. Replies are made in `a` until the reader is freed. */
struct reply_reader *reply_reader_new(struct arena *a);
void reply_reader_free(struct reply_reader *r);

enum reply_state { REPLY_READY, REPLY_WANTS_MORE, REPLY_TOO_LARGE, REPLY_BROKEN };

/* Adds bytes from the wire. */
enum reply_state reply_feed(struct reply_reader *r, str bytes);

/* The next whole reply. */
enum reply_state reply_next(struct reply_reader *r, const struct redis_reply **out);

/* The wire form of a command, appended. */
void reply_put_command(struct buf *b, const struct redis_command *command);

#endif
