/* A chain of blocks, filled from their ends; the oldest block is the one that a reset keeps. */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 8 * 1024 };

struct arena_block {
    struct arena_block *prev;
    size_t size; /* bytes in data */
    alignas(max_align_t) unsigned char data[];
};

void arena_init(struct arena *a, size_t limit)
{
    *a = (struct arena){.limit = limit};
}

void arena_release(struct arena *a)
{
    for (struct arena_block *b = a->head, *prev; b; b = prev) {
        prev = b->prev;
        free(b);
    }
    *a = (struct arena){.limit = a->limit};
}

void arena_reset(struct arena *a)
{
    struct arena_block *b = a->head;

    if (!b)
        return;
    while (b->prev) {
        struct arena_block *prev = b->prev;

        free(b);
        b = prev;
    }
    if (b->size > BLOCK_BYTES) { /* the odd large first block is not worth keeping */
        a->head = b;
        arena_release(a);
        return;
    }
    *a = (struct arena){.head = b, .left = b->size, .total = b->size, .limit = a->limit};
}

static bool arena_grow(struct arena *a, size_t need)
{
    size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
    struct arena_block *b;

    if (a->total > a->limit || size > a->limit - a->total)
        return false;
    if ((b = malloc(sizeof *b + size)) == NULL)
        return false;
    b->prev = a->head;
    b->size = size;
    a->head = b;
    a->left = size;
    a->total += size;
    return true;
}

/* From the newest block, or NULL when it has not enough left. */
static void *arena_cut(struct arena *a, size_t bytes, size_t align)
{
    unsigned char *at;
    size_t pad;

    if (!a->head)
        return NULL;
    at = a->head->data + (a->head->size - a->left);
    pad = (size_t)(-(uintptr_t)at & (align - 1));
    if (pad > a->left || bytes > a->left - pad)
        return NULL;
    a->left -= pad + bytes;
    return at + pad;
}

static void *arena_carve(struct arena *a, size_t bytes, size_t align)
{
    void *p = arena_cut(a, bytes, align);

    assert(align && (align & (align - 1)) == 0);
    if (p || bytes > SIZE_MAX - align || !arena_grow(a, bytes + align))
        return p;
    return arena_cut(a, bytes, align);
}

void *arena_alloc(struct arena *a, size_t size, size_t align, size_t count)
{
    void *p;

    if (count && size > SIZE_MAX / count)
        return NULL;
    if ((p = arena_carve(a, size * count, align)) == NULL)
        return NULL;
    return memset(p, 0, size * count);
}

void *arena_take(struct arena *a, size_t size)
{
    return arena_carve(a, size, alignof(max_align_t));
}

str arena_str(struct arena *a, str s)
{
    char *p = arena_cstr(a, s);

    return p ? (str){p, s.n} : (str){0};
}

char *arena_cstr(struct arena *a, str s)
{
    char *p = s.n < SIZE_MAX ? arena_carve(a, s.n + 1, 1) : NULL;

    if (!p)
        return NULL;
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = 0;
    return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list args, again;
    int n;
    char *p = NULL;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    if (n >= 0 && (p = arena_carve(a, (size_t)n + 1, 1)) != NULL)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    return p;
}
