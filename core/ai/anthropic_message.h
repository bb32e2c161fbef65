/*
 * anthropic_message: an answer of the Messages API, read whole or event by event. Private to the
 * anthropic provider. Blocks are picked by type, never by place: thinking comes first by default.
 * Fields and types that are not known are ignored; known ones of another JSON type make the answer
 * AI_ERROR_ANSWER.
 */
#ifndef AI_ANTHROPIC_MESSAGE_H
#define AI_ANTHROPIC_MESSAGE_H

#include <jansson.h>

#include "ai/provider.h"
#include "base/buf.h"

struct anthropic_message {
    struct arena *arena; /* of the texts */
    struct buf text;     /* of the text blocks so far */
    str id, model;
    enum ai_stop stop;
    struct ai_usage usage;
    enum ai_error error; /* what an error event or object said, or AI_ERROR_ANSWER, _OVERSIZE */
    bool has_begun, is_whole; /* message_start and message_stop were seen */
};

void anthropic_message_init(struct anthropic_message *m, struct arena *a);

/* The body of a 200 that is no stream. False: see m->error. */
MUST_CHECK bool anthropic_message_read(struct anthropic_message *m, str json);

/* The same of a message that is parsed: within a line of a batch. */
MUST_CHECK bool anthropic_message_take(struct anthropic_message *m, const json_t *message);

/*
 * One event of a stream; its type is in the data.
 *
 *   piece   set to the text that the event adds, {0}: none; borrowed until the next call
 *
 * False: the stream is over before its end, see m->error.
 */
MUST_CHECK bool anthropic_message_event(struct anthropic_message *m, str json, str *piece);

/* The body of an answer that is no 200: what went wrong, from its error object, else its status. */
enum ai_error anthropic_error(int http_status, str json);

/* The same of the answer when it is parsed; http_status 0: there is none, its type counts. */
enum ai_error anthropic_error_of(const json_t *answer, int http_status);

#endif
