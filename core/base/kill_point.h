/*
 * kill_point: places at which a test ends the process, named for what a crash there leaves half
 * done.
 *
 *     kill_here(KILL_AUDIT_ROW);   // the change is sent, its audit entry is not
 *
 * salesd holds nothing that arms them: no flag, no environment variable. kill_hook stays NULL, and
 * a point is one load and a branch never taken. Only the program of tests/fault/trust, the same
 * server with one more source file, sets the hook, before main.
 */
#ifndef BASE_KILL_POINT_H
#define BASE_KILL_POINT_H

#include <stddef.h>

/* clang-format off */
/*    name              text                  the process ends                                       */
#define KILL_POINT_LIST(X)                                                                             \
    X(KEY_CREATE,       "key.create")       /* one of a tenant's first two keys is sent             */ \
    X(RECORD_WRITE,     "record.write")     /* before a record of a unit is sent                    */ \
    X(OUTBOX_APPEND,    "outbox.append")    /* before an event of a unit is sent                    */ \
    X(AUDIT_ROW,        "audit.row")        /* changes and events are sent, audit entries are not   */ \
    X(ONCE_PUT,         "once.put")         /* the change is sent, its answer is not                */ \
    X(ONCE_DONE,        "once.done")        /* the change is durable, its caller knows nothing      */ \
    X(COMMIT_BEFORE,    "commit.before")    /* all of a unit is sent but COMMIT                     */ \
    X(COMMIT_AFTER,     "commit.after")     /* COMMIT is done, nobody has heard                     */ \
    X(AUDIT_SEAL,       "audit.seal")       /* entries have their places, the chain's end has not moved */ \
    X(RELAY_BEFORE,     "relay.before_xadd") /* events are read, Redis has none of them             */ \
    X(RELAY_AFTER,      "relay.after_xadd") /* Redis has them, the cursor has not moved             */ \
    X(FAN_OUT,          "webhook.fan_out")  /* some deliveries of an event are put, some are not    */ \
    X(WEBHOOK_SENT,     "webhook.sent")     /* the receiver has answered, nobody wrote it down      */ \
    X(JOB_CLAIMED,      "job.claimed")      /* jobs are leased and not begun                        */ \
    X(JOB_EFFECT,       "job.effect")       /* a handler has ended, its job has not                 */ \
    X(JOB_DONE,         "job.done")         /* a job has ended, the engine does not know            */ \
    X(RESEAL_BATCH,     "reseal.batch")     /* rows are sealed under the new key, not committed     */ \
    X(KEY_RETIRE,       "key.retire")       /* all rows are under the new key, the old one is alive */ \
    X(PROPOSAL_RUN,     "proposal.run")     /* the effect of a proposal is sent, its state is not   */ \
    X(MODEL_FIT,        "model.fit")        /* the cases are collected, nothing is learned          */ \
    X(MODEL_PUBLISH,    "model.publish")    /* a model's record is sent, its bytes are not          */ \
    X(ERASE_UNIT,       "erase.unit")       /* a person is half erased                              */ \
    X(MIGRATE_STEP,     "migrate.step")     /* a step of the schema is done, its version is not noted */
/* clang-format on */

enum kill_point {
#define X(name, text) KILL_##name,
    KILL_POINT_LIST(X)
#undef X
        KILL_POINTS
};

/* Set before the first thread starts, or never. */
extern void (*kill_hook)(enum kill_point at);

static inline void kill_here(enum kill_point at)
{
    if (__builtin_expect(kill_hook != NULL, 0))
        kill_hook(at);
}

const char *kill_point_name(enum kill_point p);

#endif
