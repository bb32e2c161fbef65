/*
 * feature: what the learned model sees of a lead, as of an instant T.
 *
 * A vector of typed raw values: first every signal of signal.def in the order of the table, then
 * the custom attributes as "attr.<key>" in bytewise order of their keys. Raw means uncapped: 412
 * employees are 412, not a share of points. Same input, same vector. Pure.
 *
 * What "as of T" means, by signal_basis of the row (signal.h):
 *   activities and other leads of the company   only those at or before T exist
 *   facts                                       only those observed at or before T
 *   dates of the record, of attributes too      only those at or before T: later ones are missing
 *   fields of the record                        AS THEY ARE NOW: the history of fields is not kept.
 *                                               A field that was filled in after T is seen at T
 * A lead that came about after T has no vector: INVALID. Up to SCORE_AHEAD_US after it counts as
 * just come about: clocks of clients are off by minutes, and so is created_at of a new lead.
 *
 * Nothing that tells how the story ended is in it (outcome.h): such fields are taken off the lead
 * before any signal looks, activities that follow from the outcome are not counted, and a custom
 * attribute whose name promises an outcome is left out and named as a caveat. Other custom
 * attributes are the tenant's own responsibility. Learning asks for T up to
 * outcome_latest_as_of_us(lead).
 */
#ifndef DOMAIN_FEATURE_H
#define DOMAIN_FEATURE_H

#include "domain/refusal.h"
#include "domain/score.h"

enum feature_type {
    FEATURE_NUMBER,   /* number, in the unit of the row, finite, at most 1e15 either way */
    FEATURE_CATEGORY, /* text, folded (case does not count), 1 to FEATURE_TEXT_BYTES */
    FEATURE_BOOL,     /* number: 0 or 1 */
    FEATURE_TIME,     /* number: age in days at T, 0 or more */
};

struct feature {
    const char *name; /* static for a signal, else in the arena */
    enum feature_type type;
    SignalGroup group; /* CUSTOM for an attribute */
    bool known;        /* false: number is 0 and text is empty */
    double number;
    str text;
};

/* Why something is not in the vector. */
struct feature_caveat {
    const char *name; /* "attr.<key>" */
    const char *why;  /* static, for people */
};

enum {
    FEATURE_ATTRIBUTES_MAX = 500, /* as Lead.attributes says; the first by key if there are more */
    FEATURE_CAVEATS_MAX = 32,
    FEATURE_TEXT_BYTES = 128, /* of a category: longer texts are cut, none is a category */
};

struct feature_vector {
    struct feature *items; /* [n] */
    size_t n;
    size_t n_signals;               /* items[0..n_signals) are the rows of signal.def */
    struct feature_caveat *caveats; /* [n_caveats], in order of name */
    size_t n_caveats;
};

/*
 * Reads the vector of in->lead as of in->as_of_us. Everything lives in the arena or is borrowed
 * from the input. in->activity has to be rolled up as of the same instant.
 *
 * A number that is NaN, infinite or beyond 1e15, a date before 1900 or after 2200, an empty text:
 * missing. INVALID: the lead came about after the instant. EXHAUSTED: arena full.
 *
 * Under 50 us for a usual lead (10 us measured), 0.2 us more per custom attribute. Thread-safe.
 */
MUST_CHECK enum status feature_vector_make(struct arena *a, const struct score_input *in,
                                           struct feature_vector *out, struct refusal *why);

/* SHA-256 over names, types and evaluators of all rows: what a model was trained on. NUL-terminated
 * hex. A model of another catalogue does not fit. */
void feature_catalogue_sha256(char out[SCORE_SHA256_BYTES + 1]);

#endif
