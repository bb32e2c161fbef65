/*
 * person_place: where a person can be on record, all of it. Erasure and export walk these tables; a
 * test holds them against the database, so that a new table of it has to say what it holds.
 */
#ifndef AGENT_PERSON_PLACE_H
#define AGENT_PERSON_PLACE_H

#include "sales/v1/lead.h"
#include "store/store.h"

enum person_way {
    PERSON_NOWHERE,  /* the table holds no personal data */
    PERSON_DELETED,  /* rows about the person go */
    PERSON_SCRUBBED, /* rows stay, without the person */
};

struct person_place {
    const char *table; /* of the database */
    enum person_way way;
    const char *why;
};

/* The row of a table; NULL: nobody has said. */
const struct person_place *person_place(str table);

/* The i-th row; NULL behind the last. */
const struct person_place *person_place_at(size_t i);

/* Records about a lead: those with this value in this column. */
struct person_find {
    enum record_kind kind;
    enum record_column column;
    str value;
};

enum { PERSON_FINDS_MAX = 32 };

/* All ways to find them, in the order of erasure; the values borrow from the lead. What one way
 * finds another may find too. The lead itself is not among them. */
size_t person_finds(const Lead *lead, struct person_find out[PERSON_FINDS_MAX]);

/* Whether the two name one mailbox; "" names none. */
bool person_same_mailbox(struct arena *a, const char *x, const char *y);

/* Whether one of the lead's addresses is this mailbox. */
bool person_has_mailbox(struct arena *a, const Lead *lead, const char *email);

#endif
