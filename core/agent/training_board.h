/*
 * training_board: how far the trainings of this process are, for those who watch them. What runs
 * on another server is not on it; a watcher then only knows that it runs. Thread-safe.
 */
#ifndef AGENT_TRAINING_BOARD_H
#define AGENT_TRAINING_BOARD_H

#include "base/attr.h"
#include "base/uuid.h"
#include "sales/v1/forecast.h"

enum { TRAINING_BOARD_MAX = 16 }; /* more run unseen */

struct training_board;

struct training_step {
    TrainingPhase phase;
    uint64_t done, total; /* of the phase; total 0: unknown */
};

MUST_CHECK struct training_board *training_board_new(void); /* NULL: out of memory */
void training_board_free(struct training_board *b);

/* Notes a step of the training that will make this model. */
void training_board_put(struct training_board *b, const char *model_id, struct training_step step);

/* The training is over, on this process at least. */
void training_board_remove(struct training_board *b, const char *model_id);

/* False: it is not on the board; phase UNSPECIFIED then. */
bool training_board_get(struct training_board *b, const char *model_id, struct training_step *out);

#endif
