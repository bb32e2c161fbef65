#include "agent/training_board.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct row {
    char model_id[UUID_TEXT_BYTES + 1]; /* "": free */
    struct training_step step;
};

struct training_board {
    pthread_mutex_t lock; /* guards rows */
    struct row rows[TRAINING_BOARD_MAX];
};

struct training_board *training_board_new(void)
{
    struct training_board *b = calloc(1, sizeof *b);

    if (b)
        pthread_mutex_init(&b->lock, NULL);
    return b;
}

void training_board_free(struct training_board *b)
{
    if (!b)
        return;
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static struct row *find(struct training_board *b, const char *model_id)
{
    for (int i = 0; i < TRAINING_BOARD_MAX; i++)
        if (strcmp(b->rows[i].model_id, model_id) == 0)
            return &b->rows[i];
    return NULL;
}

void training_board_put(struct training_board *b, const char *model_id, struct training_step step)
{
    struct row *row;

    pthread_mutex_lock(&b->lock);
    if ((row = find(b, model_id)) == NULL)
        row = find(b, "");
    if (row) {
        snprintf(row->model_id, sizeof row->model_id, "%s", model_id);
        row->step = step;
    }
    pthread_mutex_unlock(&b->lock);
}

void training_board_remove(struct training_board *b, const char *model_id)
{
    struct row *row;

    pthread_mutex_lock(&b->lock);
    if ((row = find(b, model_id)) != NULL)
        *row = (struct row){.model_id = ""};
    pthread_mutex_unlock(&b->lock);
}

bool training_board_get(struct training_board *b, const char *model_id, struct training_step *out)
{
    struct row *row;

    *out = (struct training_step){.total = 0};
    pthread_mutex_lock(&b->lock);
    if ((row = find(b, model_id)) != NULL)
        *out = row->step;
    pthread_mutex_unlock(&b->lock);
    return row != NULL;
}
