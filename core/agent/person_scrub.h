/* person_scrub: a record without the person. */
#ifndef AGENT_PERSON_SCRUB_H
#define AGENT_PERSON_SCRUB_H

#include "base/arena.h"
#include "sales/v1/deal.h"
#include "sales/v1/lead.h"

/* Whether the deal hangs on this lead. */
bool person_owns(const Lead *lead, const Deal *d);

/*
 * Takes the person out of the deal, in place. Their contacts go. Of their own deal all free text
 * goes too, since nobody reads it for a name; of somebody else's the texts that hold a word of
 * their name (4 bytes or more), an address or a number as on record (a nickname stays). Amounts,
 * stages and dates stay.
 */
void person_scrub_deal(struct arena *a, const Lead *lead, Deal *d);

/* What somebody else's deal says of the person: its id and their contacts. NULL: no memory. */
Deal *person_excerpt(struct arena *a, const Lead *lead, const Deal *d);

#endif
