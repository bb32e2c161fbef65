/*
 * places: who may use one of a few connections. Callers that must wait take turns by tenant, and
 * nobody has them all:
 *
 *   a tenant             all but a reserve of an eighth
 *   units that write     all but that reserve: a read never waits for commits only
 *   background work      three quarters: jobs leave some to callers (struct call, is_background)
 *
 * With fewer than four places there is no reserve, and background work leaves one. A pool of one
 * is shared in turn. Thread-safe.
 */
#ifndef SQL_PLACES_H
#define SQL_PLACES_H

#include "sql/driver.h"

enum { PLACES_RESERVE_PART = 8, PLACES_BACKGROUND_SPARE_PART = 4 };

struct places;

/* A place that somebody has. */
struct place {
    uint32_t tenant; /* which share of tenants */
    bool writes, is_background;
};

/* n > 0. NULL: no memory. */
struct places *places_new(size_t n);
void places_free(struct places *p);

/* Waits for a place for a unit of this tenant and mode. CANCELLED or DEADLINE: none was taken. */
MUST_CHECK enum status places_take(struct places *p, struct call *c, const struct sql_unit *unit,
                                   struct place *out);

void places_leave(struct places *p, const struct place *place);

#endif
