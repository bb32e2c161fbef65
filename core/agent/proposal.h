/*
 * proposal: tool calls that run only after a person with the right role approved exactly their
 * arguments, once, in time. The rules are data: domain/tool.def, access_tool, the policy's `tools`.
 *
 *     propose -> PENDING -> APPROVED -> EXECUTED | FAILED      or REJECTED, EXPIRED
 *
 * A proposal is seen and decided by whoever reaches its lead or its deal. Its arguments are
 * completed when it is made (times, duration, assignee), stored, and bound by their digest; they
 * are never written again. Who approves sends the digest of what they saw. The approval and the job
 * that runs it are one transaction; the run (proposal_run.h) is another, which ends that job.
 *
 * Who proposed may approve too, if they hold the role: whoever holds it may do the same by an RPC
 * of their own, so a second pair of eyes is had by naming a higher role in the policy. An agent
 * never approves, nor does an AI, whatever roles they hold. Who proposed may always take it back
 * (reject).
 *
 * A proposal of an erased person is erased with them.
 */
#ifndef AGENT_PROPOSAL_H
#define AGENT_PROPOSAL_H

#include "agent/context.h"
#include "domain/tool.h"
#include "sales/v1/sales_agent.h"

/*
 * Stores a proposal, PENDING, with sales.proposal.created and the job that lets it expire.
 *
 * INVALID: no arguments, an expire_time that has passed or is beyond the policy's, an activity that
 * LogActivity would refuse. DENIED TOOL_DENIED: metadata `rule`. NOT_FOUND: lead or deal.
 * PRECONDITION TOOL_REFUSED: the gates that are closed, all of them.
 */
MUST_CHECK enum status proposal_propose(struct call *c, struct agents *a,
                                        const ProposeActionRequest *in, ProposeActionResponse *out);

/* A page. One that waits beyond its time is shown as EXPIRED, also before the job has said so; a
 * `filter` sees the state on record. */
MUST_CHECK enum status proposal_list(struct call *c, struct agents *a,
                                     const ListProposalsRequest *in, ListProposalsResponse *out);

/*
 * Approves or rejects. An approved one is run within moments, by a job: read it again for what
 * became of it.
 *
 * INVALID: an approval without the digest. NOT_FOUND, CONFLICT (ETAG_MISMATCH). CONFLICT
 * ARGUMENTS_MISMATCH: the digest is not that of the arguments on record. PRECONDITION
 * PROPOSAL_STATE: decided already (metadata `state`); PROPOSAL_EXPIRED; TOOL_REFUSED: a gate has
 * closed meanwhile, and it still waits. DENIED TOOL_DENIED.
 */
MUST_CHECK enum status proposal_decide(struct call *c, struct agents *a,
                                       const DecideProposalRequest *in,
                                       DecideProposalResponse *out);

/* Parts that a run asks for too. */

/* SHA-256 of the packed arguments, as hex in the arena; NULL: no memory. */
const char *proposal_digest(struct arena *a, const Proposal *p);

/* DENIED TOOL_DENIED with the rule, which is c->rule as well when it is OK. */
MUST_CHECK enum status proposal_may(struct call *c, const TenantPolicy *policy, const Proposal *p,
                                    enum access_tool_step step);

/* Stores the proposal after a step, with sales.proposal.updated. */
MUST_CHECK enum status proposal_store(struct tx *tx, Proposal *p);

#endif
