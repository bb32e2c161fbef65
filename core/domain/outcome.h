/*
 * outcome: what tells how a lead's story ended, so that nothing of it becomes an input of a score.
 *
 * One table, outcome.def, names every field of a lead and every event; a new one does not build, or
 * fails a test, until somebody has decided what it is. Deals are not in it: signals never see one.
 */
#ifndef DOMAIN_OUTCOME_H
#define DOMAIN_OUTCOME_H

#include <stdint.h>

#include "base/str.h"
#include "sales/v1/activity.h"
#include "sales/v1/lead.h"

enum outcome_role { OUTCOME_INPUT, OUTCOME_RULE, OUTCOME_OUTCOME, OUTCOME_LATER, OUTCOME_UNUSED };

/* A flat copy of the lead with every field that is no input of a signal taken off; what stays is
 * borrowed. */
void outcome_strip(const Lead *l, Lead *out);

/* Role of a field of Lead; OUTCOME_OUTCOME for a name that the table does not know. */
enum outcome_role outcome_role_of_field(str name);

/* The activity is a consequence of the outcome (a signed contract, a paid invoice). */
bool outcome_is_activity(const Activity *a);

/* Why a custom attribute of this name is likely to hold the outcome; NULL: it is not. */
const char *outcome_of_name(str key);

/*
 * The latest instant at which the record was certainly open, in microseconds: just before it was
 * closed or converted, INT64_MAX for an open lead. With an outcome of unknown date it is the
 * instant the lead came about; INT64_MIN where that is unknown too. Learning must not ask for
 * features as of anything later.
 */
int64_t outcome_latest_as_of_us(const Lead *l);

#endif
