/*
 * training_data: the cases of a tenant as a frame to learn from.
 *
 * A case is a lead whose outcome is known, with what was known of it at one instant of its life
 * while it was open, because that is when scores are asked for: a quarter of the leads as they came
 * about, the others at a point drawn evenly between that and the outcome. The draw depends on the
 * lead's id only. The case counts at the time of its outcome: what is later is later to have been
 * known.
 *
 * The newest TRAINING_CASES_MAX are taken, in the order of their leads, newest first: the same
 * records give the same frame. Memory: 4 bytes x cases x signals and attributes (60 MB for 100,000
 * cases without attributes), and one page of leads.
 */
#ifndef WORKFLOW_TRAINING_DATA_H
#define WORKFLOW_TRAINING_DATA_H

#include "agent/context.h"
#include "agent/feature_frame.h"
#include "sales/v1/common.h"

enum {
    TRAINING_CASES_MAX = 100000,  /* a tenant's newest; more change no figure of a card */
    TRAINING_LEADS_MAX = 2000000, /* looked at for cases */
    TRAINING_RECENT_MAX = 1000,   /* open leads that say what comes in now */
    TRAINING_DENIED_MAX = 32,     /* names kept of attributes left out */
    TRAINING_NAME_BYTES = 80,
    TRAINING_DATA_BYTES = 1 << 30,
};

struct training_data {
    struct arena arena;          /* owned; the frames live here */
    struct feature_frame cases;  /* [n] rows with labels */
    struct feature_frame recent; /* newest open leads as they are now */
    bool is_capped;              /* there were more cases */
    size_t n_denied;
    char denied[TRAINING_DENIED_MAX][TRAINING_NAME_BYTES + 1]; /* "attr.won": see outcome.h */
};

struct training_ask {
    const TimeRange *window; /* outcomes of this time; NULL: all */
    /* Called after each page; anything but OK ends the collection with it. */
    enum status (*go_on)(void *arg, uint64_t done, uint64_t total);
    void *arg;
};

/* Collects in units of its own; *out must be released, also after a failure. EXHAUSTED: over
 * TRAINING_DATA_BYTES. Others: of the store, and of go_on. */
MUST_CHECK enum status training_data_collect(struct call *c, struct agents *a,
                                             const struct training_ask *ask,
                                             struct training_data *out);
void training_data_release(struct training_data *d); /* zeroed is fine */

/* How many cases there are, up to TRAINING_CASES_MAX: reads leads only. */
MUST_CHECK enum status training_data_count(struct call *c, struct agents *a, uint64_t *out);

#endif
