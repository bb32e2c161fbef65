/* desk: what the tests against the stand-in share: a provider for it, a question, counted faults.
 */
#ifndef AI_DESK_H
#define AI_DESK_H

#include <stdio.h>

#include "ai/anthropic.h"
#include "support/standin.h"

enum { DESK_ARENA = 64 << 20 };

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

#endif
