/*
 * turns: a queue in which senders take turns. Items of one lane leave in the order they came; lanes
 * that have items are served round robin, so that however much one sends, another waits for one
 * item of each. A lane is a number made from whoever sent the item; senders whose numbers meet
 * share it (stochastic fairness queueing, McKenney 1990). Not thread-safe: the owner has a lock.
 */
#ifndef SQL_TURNS_H
#define SQL_TURNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TURNS_LANES = 256 };

/* Embedded in what waits. In one queue at most. */
struct turns_item {
    struct turns_item *next;
    uint32_t lane; /* any number; taken modulo TURNS_LANES */
};

struct turns_lane {
    struct turns_item *head, **tail; /* tail NULL: never used */
    struct turns_lane *next;         /* in the list of lanes with items */
};

struct turns {
    struct turns_lane lanes[TURNS_LANES];
    struct turns_lane *first, **last;
    size_t n; /* items */
};

/* Empty. The queue must not move from here on. */
void turns_init(struct turns *t);

void turns_push(struct turns *t, struct turns_item *item);

/* The next item, out of the queue: the head of the first lane in turn that `may` accepts; may NULL
 * accepts all. A lane that is passed over keeps its turn. NULL: there is none. */
struct turns_item *turns_pop(struct turns *t, bool (*may)(void *arg, const struct turns_item *item),
                             void *arg);

/* Takes an item out of the middle of its lane. It must be in the queue. */
void turns_remove(struct turns *t, struct turns_item *item);

#endif
