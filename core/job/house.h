/* house: periodic jobs that keep the service's own tables small. self of each: the struct store. */
#ifndef JOB_HOUSE_H
#define JOB_HOUSE_H

#include "job/engine.h"

/* Removes answers to requests that nobody may repeat any more (store/once.h), of all tenants. */
extern const struct job_kind house_expire_answers;

#endif
