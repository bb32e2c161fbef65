/* lead_watch: changes of leads in commit order, from a place in the outbox on. */
#ifndef AGENT_LEAD_WATCH_H
#define AGENT_LEAD_WATCH_H

#include "agent/context.h"
#include "sales/v1/sales_agent.h"

struct lead_watch; /* a cursor and a filter; owned by the caller */

enum { LEAD_WATCH_EVENTS_MAX = 100 }; /* read at once: bounds the memory of one step */

/*
 * Starts behind the last event, or where the token says.
 *
 *   filter  AIP-160 subset over the columns of leads; "" matches all
 *   token   resume_token of a message of a watch with the same filter, or ""
 *
 * INVALID: filter or token (a token of another filter included).
 */
MUST_CHECK enum status lead_watch_open(struct call *c, struct agents *a, const char *filter,
                                       const char *token, struct lead_watch **out);
void lead_watch_close(struct lead_watch *w);

struct lead_watch_page {
    WatchLeadsResponse **messages; /* [n_messages], with their tokens, in c->arena */
    size_t n_messages;
    bool more; /* there may be more at once */
};

/* Reads on; the watch then stands behind what was read. */
MUST_CHECK enum status lead_watch_next(struct call *c, struct agents *a, struct lead_watch *w,
                                       struct lead_watch_page *out);

/* Where the watch stands, as resume_token in c->arena. */
MUST_CHECK enum status lead_watch_token(struct call *c, const struct lead_watch *w, char **out);

#endif
