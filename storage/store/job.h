/*
 * job: things to do later, as rows. What puts a job does so in the transaction of its change; what
 * runs it (core/job) claims it under a lease and ends it in the transaction of its effect:
 *
 *     static enum status deliver_unit(struct call *c, struct tx *tx, void *arg)
 *     {
 *         struct delivery *d = arg;
 *
 *         TRY(tx_update_webhook_delivery(tx, d->record));   // the effect
 *         return tx_job_done(tx, d->job);                   // commits with it, or neither does
 *     }
 *
 * A lease has a fence: a number that grows whenever somebody claims the job. Whoever lost the lease
 * (too slow, paused, taken for dead) finds another number, gets CONFLICT JOB_FENCE, and its unit
 * rolls back. So an effect inside of the unit that ends its job happens exactly once; an effect
 * outside of it (a mail, an HTTP call) at least once.
 *
 * A job is named by (tenant, kind, key). Kind and key are plain text in the database: no personal
 * data. The payload is sealed under the tenant's key.
 */
#ifndef STORE_JOB_H
#define STORE_JOB_H

#include "store/store.h"

enum {
    JOB_KIND_BYTES_MAX = 48,
    JOB_KEY_BYTES_MAX = 200,
    JOB_PAYLOAD_BYTES_MAX = 256 << 10, /* a job names records; it does not carry them */
    JOB_REASON_BYTES_MAX = 64,
    JOB_CLAIM_MAX = 256, /* jobs of one kind in one claim */
    JOB_KINDS_MAX = 64,  /* kinds in one claim */
};

enum job_state { JOB_WAITING, JOB_LEASED, JOB_PARKED }; /* numbers as stored */

/* How a lease ends. */
enum job_end {
    JOB_END_NONE,
    JOB_END_DONE,
    JOB_END_AGAIN,
    JOB_END_RETRY,
    JOB_END_PARK,
    JOB_END_RELEASE,
};

struct job {
    int64_t tenant_id; /* 0: the service's own */
    struct uuid id;
    str kind, key;
    str payload; /* plain; {0} when damaged */
    str reason;  /* why it failed last, UPPER_SNAKE; "": it has not */
    enum job_state state;
    int64_t due_us, lease_until_us, create_us, update_us;
    int64_t fence;
    int64_t attempts;   /* claims since it was put, this one included */
    bool is_damaged;    /* the payload does not open: park it */
    enum job_end ended; /* by a unit that may not have committed */
};

/* What happens when (tenant, kind, key) exists already. */
enum job_put_rule {
    /* It stays as it is: waiting, running or parked. For "this must be done once". */
    JOB_KEEP,
    /* It runs once more, at due_us or before: a waiting one becomes due at the earlier of both
     * times, a running one is due again after it has ended, one that waits out a failure or is
     * parked stays. The payload stays. For "look at your queue". Transactions that put the same one
     * wait for each other's commit: not for every request of a tenant. */
    JOB_EARLIER,
    /* It is replaced by this one, whatever its state. One that runs loses its lease. */
    JOB_REPLACE,
};

struct job_put {
    int64_t tenant_id; /* system units only: whose it is; 0 in a tenant's unit, or its own */
    str kind, key;
    int64_t due_us;                  /* 0: now */
    const ProtobufCMessage *message; /* the payload, packed now; or */
    str payload;                     /* its bytes; may be empty */
    enum job_put_rule rule;
};

/* Puts a job. INVALID, JOB_LIMIT: kind, key or payload is too long, or kind is empty. */
MUST_CHECK enum status tx_job_put(struct tx *tx, const struct job_put *put);

/* Removes the job in any state; one that runs loses its lease. OK also when there is none. */
MUST_CHECK enum status tx_job_cancel(struct tx *tx, str kind, str key);

/* The job of the unit's tenant. NOT_FOUND; *out is then zeroed. */
MUST_CHECK enum status tx_job_get(struct tx *tx, str kind, str key, struct job *out);

/* Jobs of the unit's tenant in the order of their ids (put first, listed first), for people. */
struct job_query {
    str kind;             /* "": all */
    uint32_t states;      /* 1 << enum job_state; 0: all */
    struct uuid after_id; /* zero: from the first */
    size_t limit;         /* 1 to PAGE_SIZE_MAX */
};

struct job_list {
    struct job *jobs; /* [n_jobs], in c->arena */
    size_t n_jobs;
};

MUST_CHECK enum status tx_job_list(struct tx *tx, const struct job_query *q, struct job_list *out);

/* Lets a parked job run again from its first attempt, at due_us (0: now). NOT_FOUND: there is none,
 * or it is not parked. */
MUST_CHECK enum status tx_job_unpark(struct tx *tx, str kind, str key, int64_t due_us);

/* Claims, in a unit of store_run_system with mode STORE_TAKE. */

enum { JOB_TURN_NONE = -1 };

struct job_want {
    str kind;
    size_t limit;     /* at most so many, <= JOB_CLAIM_MAX; 0: only look */
    int64_t lease_us; /* how long they are ours */
    /* JOB_TURN_NONE: oldest first. Else fair: tenants with due jobs share, in turn, going on behind
     * this one; what they leave goes to the oldest. For when there is a backlog. */
    int64_t turn;
    /* Jobs of one tenant that may be under lease at once, on all servers; those of a tenant at this
     * cap are left. 0: as many as it has. Several that claim at once may each add to it. */
    size_t tenant_most;

    size_t n_claimed;  /* out */
    bool is_capped;    /* out: due jobs may be left because of tenant_most */
    int64_t next_turn; /* out: >= 0, the turn to go on with */
    int64_t oldest_us; /* out: when the first waiting one was due, before the claim; 0: none */
    int64_t next_us;   /* out: when to look again: a job falls due or a lease runs out; 0: none */
};

/* Leases jobs that are due, and those whose lease has run out, of each kind wanted; fence and
 * attempts grow by one. Jobs of other claimers are skipped, never waited for. n <= JOB_KINDS_MAX.
 */
MUST_CHECK enum status tx_job_claim(struct tx *tx, struct job_want *wants, size_t n,
                                    struct job_list *out);

/* Ends of a leased job, in a unit of its tenant or a system unit. Each fails with CONFLICT,
 * JOB_FENCE when the lease is not ours any more; return that, so that the unit rolls back. */

/* It is done: gone, unless JOB_EARLIER asked for it again meanwhile. */
MUST_CHECK enum status tx_job_done(struct tx *tx, struct job *job);

/* It is done for now, and due again: for periodic jobs. Attempts count from 0. */
MUST_CHECK enum status tx_job_again(struct tx *tx, struct job *job, int64_t due_us);

/* It failed for now: due again, attempts stay. reason: UPPER_SNAKE, never data. */
MUST_CHECK enum status tx_job_retry(struct tx *tx, struct job *job, int64_t due_us, str reason);

/* It failed for good: kept for people, until tx_job_unpark or tx_job_cancel. */
MUST_CHECK enum status tx_job_park(struct tx *tx, struct job *job, str reason);

/* It was not begun: due as before, and this attempt does not count. */
MUST_CHECK enum status tx_job_release(struct tx *tx, struct job *job);

/* It takes longer: the lease ends lease_us from now. Not an end; job->lease_until_us follows. */
MUST_CHECK enum status tx_job_renew(struct tx *tx, struct job *job, int64_t lease_us);

/* Has fn(arg, due_us) called after each commit of this process that put a job or moved one; due_us
 * is the earliest of the unit. On the thread that ran the unit: it must not block or run units. Set
 * it before units run, and NULL when none runs any more. */
void store_watch_jobs(struct store *s, void (*fn)(void *arg, int64_t due_us), void *arg);

#endif
