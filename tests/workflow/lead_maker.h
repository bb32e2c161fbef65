/* lead_maker: what scores start from, and models of such leads, drawn from a seed. The same seed
 * gives the same bytes with every compiler. */
#ifndef TESTS_WORKFLOW_LEAD_MAKER_H
#define TESTS_WORKFLOW_LEAD_MAKER_H

#include "workflow/lead_score.h"

#define LEAD_MAKER_NOW_US (INT64_C(1750000000) * 1000000)

/* The i-th start of a seed: a lead that may be empty, hostile or full, its past, its company, a
 * policy and an AI's answer, each in some cases missing. Aborts when the arena is full. */
LeadScoreStart *lead_made(struct arena *a, uint64_t seed, uint64_t i);

/* A model learned on n made leads with made outcomes, as model_use hands it out. */
struct model_use *lead_model_made(struct arena *a, uint64_t seed, size_t n);

/* Its bytes: what is stored. */
str lead_model_bytes(struct arena *a, uint64_t seed, size_t n);

#endif
