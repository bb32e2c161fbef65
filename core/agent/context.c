/* Birth and death of what agents share. */
#include "agent/context.h"

enum status agents_init(struct call *c, struct agents *a, struct store *s)
{
    *a = (struct agents){.store = s, .policies = policies_new(s), .feed = feed_new()};
    if (a->policies && a->feed)
        return STATUS_OK;
    agents_release(a);
    return call_fail(c, STATUS_EXHAUSTED, "no memory for the agents");
}

void agents_release(struct agents *a)
{
    policies_free(a->policies);
    feed_free(a->feed);
    *a = (struct agents){.store = NULL};
}
