/*
 * webhook_share: which addresses may have how many of this process's places for attempts.
 *
 * An attempt holds a thread until the address has answered, which may take the whole timeout. So
 * what was slow the last time, and what is not known yet, may not have all of the places: the rest
 * is for addresses that answer. And no tenant may have all of a class.
 *
 *   class   who                                     at once   of one tenant
 *   QUICK   answered within WEBHOOK_SLOW_MS               6               5
 *   NEW     not known to this process yet                 5               4
 *   SLOW    took longer the last time                     2               1
 *
 * The numbers of a class count the slower ones, too. What is known is forgotten with the process.
 */
#ifndef AGENT_WEBHOOK_SHARE_H
#define AGENT_WEBHOOK_SHARE_H

#include "base/uuid.h"

enum {
    WEBHOOK_PLACES = 6,
    WEBHOOK_SLOW_MS = 2000,
};

enum webhook_class { WEBHOOK_QUICK, WEBHOOK_NEW, WEBHOOK_SLOW };

struct webhook_share; /* thread-safe */

/* NULL: no memory. */
struct webhook_share *webhook_share_new(void);
void webhook_share_free(struct webhook_share *s); /* NULL is allowed */

/* What is known of a webhook. Two that share the last bits of their ids share what is known. */
enum webhook_class webhook_share_class(struct webhook_share *s, struct uuid webhook);

/* Notes how long its address took. */
void webhook_share_learn(struct webhook_share *s, struct uuid webhook, int64_t took_ns);

/* A place for an address of this class, to be given back with the same arguments. False: there is
 * none for it now. */
MUST_CHECK bool webhook_share_take(struct webhook_share *s, int64_t tenant_id,
                                   enum webhook_class class);
void webhook_share_give(struct webhook_share *s, int64_t tenant_id, enum webhook_class class);

#endif
