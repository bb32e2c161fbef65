/* chart: a score as the sum that it is: signed bars, largest first. */
#ifndef SALESCTL_CHART_H
#define SALESCTL_CHART_H

#include "ctl/show.h"
#include "ctl/term.h"
#include "sales/v1/lead.pb-c.h"

/* Contributions as bars to the left and to the right, what adds up, what was missing, what would
 * change the grade, what computed it, and what an AI said. */
void chart_score(struct arena *a, const struct term *t, const Sales__V1__LeadScore *s);

#endif
