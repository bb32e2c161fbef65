/* A list per lane, and a list of the lanes that have items, the next in turn first. */
#include "sql/turns.h"

#include <assert.h>

void turns_init(struct turns *t)
{
    *t = (struct turns){.last = NULL};
    t->last = &t->first;
    for (size_t i = 0; i < TURNS_LANES; i++)
        t->lanes[i].tail = &t->lanes[i].head;
}

static void append(struct turns *t, struct turns_lane *l)
{
    l->next = NULL;
    *t->last = l;
    t->last = &l->next;
}

/* at: what points to the lane in the list. */
static void unlink_lane(struct turns *t, struct turns_lane **at)
{
    struct turns_lane *l = *at;

    *at = l->next;
    if (t->last == &l->next)
        t->last = at;
}

void turns_push(struct turns *t, struct turns_item *item)
{
    struct turns_lane *l = &t->lanes[item->lane % TURNS_LANES];

    if (!l->head)
        append(t, l);
    item->next = NULL;
    *l->tail = item;
    l->tail = &item->next;
    t->n++;
}

struct turns_item *turns_pop(struct turns *t, bool (*may)(void *arg, const struct turns_item *item),
                             void *arg)
{
    struct turns_lane **at = &t->first, *l;
    struct turns_item *item;

    while (*at && may && !may(arg, (*at)->head))
        at = &(*at)->next;
    if ((l = *at) == NULL)
        return NULL;
    unlink_lane(t, at);
    item = l->head;
    if ((l->head = item->next) == NULL)
        l->tail = &l->head;
    else
        append(t, l);
    t->n--;
    return item;
}

void turns_remove(struct turns *t, struct turns_item *item)
{
    struct turns_lane *l = &t->lanes[item->lane % TURNS_LANES], **lane = &t->first;
    struct turns_item **at = &l->head;

    while (*at && *at != item)
        at = &(*at)->next;
    assert(*at == item);
    *at = item->next;
    if (l->tail == &item->next)
        l->tail = at;
    t->n--;
    if (l->head)
        return;
    while (*lane != l)
        lane = &(*lane)->next;
    unlink_lane(t, lane);
}
