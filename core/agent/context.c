/* Birth and death of what agents share. */
#include "agent/context.h"

#include "agent/model_use.h"
#include "agent/training_board.h"
#include "agent/webhook_share.h"

enum status agents_init(struct call *c, struct agents *a, struct store *s)
{
    *a = (struct agents){.store = s,
                         .policies = policies_new(s),
                         .feed = feed_new(),
                         .models = model_uses_new(s),
                         .trainings = training_board_new(),
                         .webhook_share = webhook_share_new()};
    if (a->policies && a->feed && a->models && a->trainings && a->webhook_share)
        return STATUS_OK;
    agents_release(a);
    return call_fail(c, STATUS_EXHAUSTED, "no memory for the agents");
}

void agents_release(struct agents *a)
{
    policies_free(a->policies);
    feed_free(a->feed);
    model_uses_free(a->models);
    training_board_free(a->trainings);
    webhook_share_free(a->webhook_share);
    *a = (struct agents){.store = NULL};
}
