/* FNV-1a and linear probing at half load; keys come from one request, so a flood of collisions only
 * slows the client that sent it, within its own batch limit. */
#include "agent/key_set.h"

struct key_slot {
    str key; /* .p NULL: free */
    unsigned space;
    int row;
};

bool key_set_init(struct key_set *s, struct arena *a, size_t n)
{
    *s = (struct key_set){.n_slots = 16};
    while (s->n_slots < 2 * n)
        s->n_slots *= 2;
    s->slots = NEW(a, struct key_slot, s->n_slots);
    return s->slots != NULL;
}

static struct key_slot *slot_of(const struct key_set *s, unsigned space, str key)
{
    uint64_t h = 0xcbf29ce484222325U ^ space;

    for (size_t i = 0; i < key.n; i++)
        h = (h ^ (unsigned char)key.p[i]) * 0x100000001b3U;
    for (size_t at = h ^ h >> 32;; at++) {
        struct key_slot *slot = &s->slots[at & (s->n_slots - 1)];

        if (!slot->key.p || (slot->space == space && str_eq(slot->key, key)))
            return slot;
    }
}

int key_set_add(struct key_set *s, unsigned space, str key, int row)
{
    struct key_slot *slot = slot_of(s, space, key);

    if (slot->key.p)
        return slot->row;
    *slot = (struct key_slot){key, space, row};
    return KEY_SET_NONE;
}

int key_set_find(const struct key_set *s, unsigned space, str key)
{
    struct key_slot *slot = slot_of(s, space, key);

    return slot->key.p ? slot->row : KEY_SET_NONE;
}
