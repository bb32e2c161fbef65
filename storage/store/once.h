/*
 * once: what a request with a request id answered, kept with the change that it made.
 *
 * The answer is stored in the transaction of the change, so either both are there or neither is:
 * whoever finds an answer knows that the change happened, and whoever finds none may make it. Two
 * units that store an answer to the same request cannot both commit: (tenant, method, request id)
 * is unique, the second waits for the first and fails with EXISTS, and the store runs it again.
 *
 * In units of a tenant only; answers are sealed under its data key, and of the request only a keyed
 * digest is kept. Most callers want agent/mutation.h.
 */
#ifndef STORE_ONCE_H
#define STORE_ONCE_H

#include "store/store.h"

enum {
    ONCE_HOURS = 24,        /* CONTRACT: how long an answer is repeated */
    ONCE_EXPIRE_MAX = 1000, /* rows that one unit forgets: a few ms, so that others may write */
    ONCE_METHOD_BYTES = 200,
};

/* One request. Everything is borrowed. */
struct once {
    const char *method; /* "sales.v1.SalesAgent/CreateLead" */
    struct uuid request_id;
    const unsigned char *sha256; /* [32] of its content: the same for a repetition */
};

enum once_found {
    ONCE_NEW,      /* no answer is known: the change may be made */
    ONCE_REPEATED, /* the same request was answered */
    ONCE_REUSED,   /* another request had this id */
    ONCE_ERASED,   /* the same request was answered, and the answer was erased since */
};

/*
 * Looks for the answer to a request of the call's tenant. An expired one is as good as none; in a
 * write unit it is removed, so that once_put has room.
 *
 *   answer_out  the bytes given to once_put, in c->arena; {0} unless ONCE_REPEATED
 *
 * DATA_LOSS: the row fails authentication.
 */
MUST_CHECK enum status once_find(struct tx *tx, const struct once *o, enum once_found *found_out,
                                 str *answer_out);

/*
 * Stores the answer, in a write unit that once_find has not answered. Sent with the commit, at no
 * round trip of its own: that the id is taken shows there, as EXISTS, and undoes the unit.
 *
 *   subject  id of the person (lead), or of the deal, whose data the answer holds; "": of none
 */
MUST_CHECK enum status once_put(struct tx *tx, const struct once *o, str subject, str answer);

/* Erases the answers that hold data of this person or deal. The requests stay known: a repetition
 * makes no second change, and is told that the answer is gone. */
MUST_CHECK enum status once_erase(struct tx *tx, str subject);

/* Removes up to `limit` (<= ONCE_EXPIRE_MAX) expired rows, the oldest first; of all tenants in a
 * unit of store_run_system. *n_out == limit: there may be more. For a job of every few minutes. */
MUST_CHECK enum status once_expire(struct tx *tx, size_t limit, size_t *n_out);

#endif
