/* key_set: which rows of one batch share a key. Open addressing in an arena, fixed capacity. */
#ifndef AGENT_KEY_SET_H
#define AGENT_KEY_SET_H

#include <stdint.h>

#include "base/arena.h"

struct key_set {
    struct key_slot *slots;
    size_t n_slots; /* a power of two */
};

enum { KEY_SET_NONE = -1 };

/* Room for n keys. False: the arena is full. */
MUST_CHECK bool key_set_init(struct key_set *s, struct arena *a, size_t n);

/* The row that put the key first, or KEY_SET_NONE after noting `row` for it. Keys of another space
 * (e-mail, telephone, ...) are other keys. Borrows the key's bytes. */
int key_set_add(struct key_set *s, unsigned space, str key, int row);

/* The row that put the key, or KEY_SET_NONE. */
int key_set_find(const struct key_set *s, unsigned space, str key);

#endif
