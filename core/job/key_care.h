/* key_care: periodic jobs that keep keys young (store/key.h). self of each: the struct store. */
#ifndef JOB_KEY_CARE_H
#define JOB_KEY_CARE_H

#include "job/engine.h"

/* Of each tenant: starts a new data key when one is due, seals again what older keys sealed,
 * destroys keys that nothing uses. Does little when there is but one key. */
extern const struct job_kind key_tend;

/* Of the service: reads the master keys again when their file has changed, wraps again what an
 * older one wraps, and tends the service's own data key. */
extern const struct job_kind key_rewrap;

#endif
