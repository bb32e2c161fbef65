/*
 * mutation: the one way in which an RPC that is marked (sales.v1.mutating) changes something.
 *
 * A request with a request_id takes effect once: its whole answer is stored in the transaction of
 * the change, and a repetition within 24 hours gets that answer, byte for byte, whichever replica
 * it reaches. Therefore the unit itself must fill the answer, completely:
 *
 *     struct rename { const RenameLeadRequest *in; RenameLeadResponse *out; };
 *
 *     static enum status rename_unit(struct call *c, struct tx *tx, void *arg)
 *     {
 *         struct rename *r = arg;
 *
 *         TRY(tx_get_lead(tx, str_of(r->in->id), &r->out->lead));
 *         TRY(tx_match(tx, &r->out->lead->base, str_of(r->in->etag)));
 *         r->out->lead->full_name = r->in->full_name;
 *         return tx_update_lead(tx, r->out->lead);
 *     }
 *
 *     enum status lead_rename(struct call *c, struct agents *a, const RenameLeadRequest *in,
 *                             RenameLeadResponse *out)
 *     {
 *         struct rename r = {in, out};
 *
 *         return mutate(c, a, &(struct mutation){.unit = rename_unit, .arg = &r, .answer =
 * &out->base});
 *     }
 *
 * The unit runs as in store_run: maybe several times, so it sets every field of the answer each
 * time, and does nothing that cannot be taken back. Watchers are told after the commit (feed_tell);
 * the caller need not. Records of the service (tenants, API keys) are changed through tx_service in
 * the same unit. What only looks (validate_only) is a mutation too, with .looks set.
 *
 * Without a request_id in the call this is store_run. With one, in the order of what may be:
 *
 *     first time              the unit, and the answer stored with it; no round trip more
 *     repeated                the first answer in *answer and, packed, in c->answer; the unit's own
 *                             run is undone
 *     id of another request   EXISTS, REQUEST_ID_REUSED
 *     the unit refuses        the refusal, unless there is a first answer: a change that was made
 *                             once may be why it is refused now (its etag is old, its lead is gone)
 *     the answer was erased   NOT_FOUND, ANSWER_ERASED: it held data of a person erased since
 *
 * Only successes are stored. A failure left nothing behind, so its repetition is a new attempt.
 *
 * What a handler refuses before its mutation is refused to a repetition too: let that be what the
 * request alone decides, and leave to the unit what records and policies decide.
 *
 * What follows a mutation in the handler (caches to forget, connections to tell) uses *answer only,
 * because no unit of this call may have run to its end, and must be harmless to do again.
 *
 * At most one mutation per call: its answer is the answer of the call. Units that go before it are
 * reads.
 */
#ifndef AGENT_MUTATION_H
#define AGENT_MUTATION_H

#include "agent/context.h"

struct mutation {
    store_unit_fn unit;
    void *arg;
    ProtobufCMessage *answer; /* of the RPC; the unit fills it */
    bool looks;               /* the unit changes nothing */
};

/* OK, what the unit refuses with, the failures of store_run, or as above. */
MUST_CHECK enum status mutate(struct call *c, struct agents *a, const struct mutation *m);

#endif
