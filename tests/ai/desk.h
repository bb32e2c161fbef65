/* desk: what the tests against the stand-in share: a provider for it, a question, counted faults.
 */
#ifndef AI_DESK_H
#define AI_DESK_H

#include <pthread.h>
#include <stdio.h>

#include "ai/anthropic.h"
#include "support/standin.h"

enum { DESK_ARENA = 64 << 20, DESK_TEXT = 512 };

extern atomic_int desk_n_bad;

/* Says what is wrong and counts it. */
#define EXPECT(condition, ...)                                                                     \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            atomic_fetch_add(&desk_n_bad, 1);                                                      \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
        }                                                                                          \
    } while (0)

/* What the requests are built on; a test changes what it is about. */
struct anthropic_options desk_options(const char *url);
struct ai_provider *desk_open(const struct anthropic_options *o);
struct ai_request desk_request(const struct ai_message *message);

/* A call that is started, and what it was told. */
struct desk_told {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    char text[DESK_TEXT];
    size_t n_text;
    int n_pieces, n_done;
    enum ai_error error;
    int n_attempts;
    bool is_text_whole;
};

void desk_start(struct ai_provider *p, struct desk_told *t, const char *question, uint64_t *ticket);
void desk_wait(struct desk_told *t);

#endif
