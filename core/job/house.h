/* house: periodic jobs that keep the service's own tables small. self of each: the struct store. */
#ifndef JOB_HOUSE_H
#define JOB_HOUSE_H

#include "job/engine.h"

/* Removes answers to requests that nobody may repeat any more (store/once.h), of all tenants. */
extern const struct job_kind house_expire_answers;

/* Removes old sums of spent money (store/spend.h), of all tenants. */
extern const struct job_kind house_expire_spend;

/* Not periodic: makes the engine's files forget what was deleted (store_scrub), again and again
 * until nobody is in the way. self: the struct store. */
extern const struct job_kind house_scrub;

/* In a unit that has erased something which must not be found in any file: notes that the key that
 * sealed it is to be replaced, and puts that job. Once for what is erased within a few seconds. */
MUST_CHECK enum status house_scrub_later(struct tx *tx);

#endif
