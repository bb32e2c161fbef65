/* disqualify: hard rules. They come first, and no points and no model overrides them. */
#ifndef DOMAIN_DISQUALIFY_H
#define DOMAIN_DISQUALIFY_H

#include "base/arena.h"
#include "base/status.h"
#include "domain/signal.h"

enum { DISQUALIFICATIONS_MAX = 32 };

/* Every hard rule that fires, in table order. EXHAUSTED: arena full. */
MUST_CHECK enum status disqualify(struct arena *a, const struct scene *s,
                                  Disqualification *out[DISQUALIFICATIONS_MAX], size_t *n_out);

/* Row i of the table as text, for the hash of the rules; {0} behind the last. */
str disqualify_row(size_t i);

#endif
