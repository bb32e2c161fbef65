/* call: everything one request carries down the stack, and nothing else. */
#ifndef BASE_CALL_H
#define BASE_CALL_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/fault.h"

/* Bits of principal.roles. The numbers are those of sales.v1.Role in options.proto. */
#define ROLE_LIST(X)                                                                               \
    X(ADMIN, 1, "admin")                                                                           \
    X(MANAGER, 2, "manager")                                                                       \
    X(REP, 3, "rep")                                                                               \
    X(AGENT, 4, "agent")                                                                           \
    X(VIEWER, 5, "viewer")                                                                         \
    X(AUDITOR, 6, "auditor")

enum role_bit {
#define X(name, number, text) ROLE_BIT_##name = 1 << (number),
    ROLE_LIST(X)
#undef X
};

/* What a caller is. The numbers are those of sales.v1.ActorKind in common.proto. */
enum actor_kind { ACTOR_NONE, ACTOR_USER, ACTOR_SERVICE, ACTOR_SYSTEM, ACTOR_AI };

/* What was shown to prove it. */
enum credential { CREDENTIAL_NONE, CREDENTIAL_API_KEY, CREDENTIAL_TOKEN, CREDENTIAL_CERTIFICATE };

/* Who calls. Set by authentication, or by the job engine for work that it starts; tenant_id 0 means
 * nobody. */
struct principal {
    int64_t tenant_id;                  /* row number of the tenant, > 0 */
    char tenant[TENANT_NAME_BYTES + 1]; /* its public name */
    char subject[SUBJECT_BYTES + 1];    /* user or key id; never a secret */
    uint32_t roles;                     /* enum role_bit */
    enum actor_kind kind;
    enum credential credential;
    int32_t calls_per_second; /* the policy of the tenant; 0: as the server says */
    const char *const
        *teams; /* [n_teams <= TEAMS_MAX] team ids; in memory that outlives the call */
    size_t n_teams;
};

/* With which records of its tenant a call may deal, among those that have an owner or a team. Set
 * by authorisation, applied by the store to every read and write; see store/reach.h. Zero is the
 * server itself: all. */
enum reach_scope {
    REACH_ALL,
    REACH_NONE,
    REACH_OWN,  /* of the principal */
    REACH_TEAM, /* and of its teams */
};

struct reach {
    enum reach_scope see;    /* records that may be known to the caller */
    enum reach_scope act;    /* those it may do with what it asks for */
    enum reach_scope assign; /* what owner and team may be afterwards */
    const char *rule;        /* what says so, static; NULL: nothing had to */
};

/* W3C trace context. */
struct trace {
    unsigned char trace_id[16];
    unsigned char span_id[8];
    unsigned char parent_id[8]; /* zero: this is the root */
    bool sampled;
};

struct call {
    struct arena arena;            /* owns all that the request allocates; freed when it ends */
    const struct clock_ops *clock; /* never NULL after call_init */
    int64_t deadline_ns;           /* clock->monotonic_ns; 0: none */
    const atomic_bool *cancelled;  /* borrowed; NULL: cannot be cancelled */
    bool is_background;            /* nobody waits for it: a job. Leaves room to callers */
    struct principal principal;
    struct reach reach;
    struct trace trace;
    const char *method;     /* "sales.v1.SalesAgent/GetLead"; "" outside of an RPC */
    const char *peer;       /* transport address of the caller; "" when unknown */
    const char *request_id; /* the UUID that makes the request idempotent; "": it has none */
    unsigned char request_sha256[32]; /* of its content without the id; goes with request_id */
    str answer; /* packed: what the client gets in place of the handler's message; {0}: none */
    const char *rule;   /* the rule that let the caller in, for the audit trail; static or "" */
    struct fault fault; /* the first failure */
};

/* A call that allocates at most memory_limit_bytes; clock NULL means the system's. */
void call_init(struct call *c, const struct clock_ops *clock, size_t memory_limit_bytes);
void call_release(struct call *c);

int64_t call_now_us(const struct call *c);
int64_t call_monotonic_ns(const struct call *c);

/* Nanoseconds left, clipped to [0, most_ns]; most_ns when the call has no deadline. */
int64_t call_left_ns(const struct call *c, int64_t most_ns);

/* OK, or CANCELLED/DEADLINE with the reason recorded: ask before expensive steps and in loops. */
MUST_CHECK enum status call_check(struct call *c);

/*
 * Records why, once, and returns s: `return call_fail(c, STATUS_INVALID, "...")`. When a failure is
 * already recorded it stays, and its status is returned.
 */
enum status call_fail(struct call *c, enum status s, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As call_fail with ErrorInfo.reason; `reason` is a static UPPER_SNAKE text. */
enum status call_fail_as(struct call *c, enum status s, const char *reason, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* The one spelling of "out of request memory". */
enum status call_nomem(struct call *c);

/* Adds one detail to the fault being built (before or after call_fail). Over the limits of limits.h
 * details are counted, not kept. */
void call_detail(struct call *c, enum fault_detail_kind kind, const char *type, str subject,
                 const char *fmt, ...) PRINTF_LIKE(5, 6);

/* Asks the client to come back after ms. */
void call_retry_after(struct call *c, int64_t ms);

/* Forgets the failure: for a caller that handles it and goes on. */
void call_clear(struct call *c);

#endif
