/* arena: memory with one lifetime. Allocate freely, free once, with the whole arena. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdalign.h>
#include <stddef.h>

#include "base/str.h"

struct arena {
    struct arena_block *head;
    size_t left;  /* bytes still free in head */
    size_t total; /* bytes taken from the system so far */
    size_t limit; /* bytes; exceeding it fails the allocation, never the process */
};

/* A zeroed array of n objects, or NULL when the arena's limit is reached. */
#define NEW(a, type, n) ((type *)arena_alloc((a), sizeof(type), alignof(type), (n)))

void arena_init(struct arena *a, size_t limit);

/* Gives everything back. Safe on a zeroed or released arena; the arena may be used again. */
void arena_release(struct arena *a);

/* Forgets every allocation but keeps the first block, so a loop that fills and resets it does not
 * go back to the system for each round. */
void arena_reset(struct arena *a);

/* Zeroed. NULL when the limit is reached or size * count overflows. */
void *arena_alloc(struct arena *a, size_t size, size_t align, size_t count);

/* As arena_alloc for bytes that the caller overwrites at once: not zeroed, aligned for any type. */
void *arena_take(struct arena *a, size_t size);

/* A copy in the arena; NUL-terminated behind its end. .p is NULL when out of room. */
str arena_str(struct arena *a, str s);

/* A NUL-terminated copy, for the C libraries that insist. NULL when out of room. */
char *arena_cstr(struct arena *a, str s);

/* printf into the arena. NULL when out of room. */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
