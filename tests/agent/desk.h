/* desk: agents over an empty SQLite store, and the requests that deal tests make. */
#ifndef AGENT_DESK_H
#define AGENT_DESK_H

#include "agent/context.h"
#include "sales/v1/sales_agent.h"
#include "storage/fixture.h"

struct desk {
    struct fixture fixture;
    struct call *call; /* the fixture's: an admin of tenant 1 */
    struct agents agents;
};

void desk_open(struct desk *d);
void desk_close(struct desk *d);

/* Calls that must succeed; what they return lives in d->call. */
Lead *desk_lead(struct desk *d, LeadStatus status);
Lead *desk_get_lead(struct desk *d, const char *id);
Deal *desk_deal(struct desk *d, Deal deal);
Deal *desk_get_deal(struct desk *d, const char *id);

/* A deal that passes every guard of the default pipeline. */
Deal desk_sound_deal(struct desk *d);

/* One move; the status is the caller's to check. reason NULL: none. */
enum status desk_progress(struct desk *d, const char *id, const char *stage, const char *reason,
                          ProgressDealResponse *out);

/* How many events of this type are in the outbox. */
size_t desk_events(struct desk *d, const char *type);

/* Did the last failure name this field or precondition type? */
bool desk_named(const struct desk *d, const char *what);

/* n days before now. */
Timestamp *desk_ago(struct desk *d, int days);

Money *desk_money(struct desk *d, long long minor, const char *currency);

/* A test with an open desk in d. */
#define DESK_TEST(suite, name)                                                                     \
    static void name##_body(struct desk *d);                                                       \
    Test(suite, name)                                                                              \
    {                                                                                              \
        struct desk d;                                                                             \
                                                                                                   \
        desk_open(&d);                                                                             \
        name##_body(&d);                                                                           \
        desk_close(&d);                                                                            \
    }                                                                                              \
    static void name##_body(struct desk *d)

#endif
