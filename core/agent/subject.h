/*
 * subject: the rights of the people on record: to be told what is kept (export), to be forgotten
 * (erasure), and the duty to keep (legal hold), which goes before both erasure and expiry.
 *
 * A person is one lead, or every lead with an e-mail address or a telephone number. Messages
 * returned live in c->arena. Every function: NOT_FOUND for nobody, INVALID for an address or number
 * that is none, and the failures of store_run.
 */
#ifndef AGENT_SUBJECT_H
#define AGENT_SUBJECT_H

#include "agent/context.h"
#include "sales/v1/admin.h"
#include "sales/v1/lead.h"

enum {
    SUBJECT_LEADS_MAX = 100,           /* leads of one person: duplicates kept on purpose */
    SUBJECT_LINES_BYTES = 1024 * 1024, /* of one message of an export, as the contract says */
};

/*
 * Erases what is not held; held records are counted and stay. In force at once; the keys that old
 * copies of the data were sealed with are destroyed in the background (store/key.h).
 *
 * PRECONDITION (LEGAL_HOLD): all of it is held, and nothing was erased.
 */
MUST_CHECK enum status subject_erase(struct call *c, struct agents *a,
                                     const EraseSubjectRequest *in, EraseSubjectResponse *out);

MUST_CHECK enum status subject_hold(struct call *c, struct agents *a, const SetLegalHoldRequest *in,
                                    SetLegalHoldResponse *out);

/* An export under way: holds ids only, whatever the person's records amount to. */
struct subject_export;

/* Finds the person. *out is the caller's to close. EXHAUSTED,
 * SUBJECT_EXPORTS: as many people as the mode of the tenant allows a day were exported. */
MUST_CHECK enum status subject_export_open(struct call *c, struct agents *a, const Subject *who,
                                           struct subject_export **out);

/* The next lines: whole JSON objects {"kind": ..., "record": ...}, one per line. A page of records
 * at a time, read in a unit of its own. out->json_lines.len == 0: that was all. */
MUST_CHECK enum status subject_export_next(struct call *c, struct agents *a,
                                           struct subject_export *x, ExportSubjectResponse *out);

void subject_export_close(struct subject_export *x); /* NULL is allowed */

/* The leads of the person, at most SUBJECT_LEADS_MAX, in a unit. EXHAUSTED: more. */
struct subject_leads {
    Lead **leads; /* [n_leads >= 1], in c->arena */
    size_t n_leads;
};
MUST_CHECK enum status subject_find(struct tx *tx, const Subject *who, struct subject_leads *out);

/* An entry of the audit trail that names the leads and why; never who they are. *sequence_out is
 * its place, 0 when the trail is damaged; NULL: it is not needed now. */
MUST_CHECK enum status subject_audit(struct tx *tx, const struct subject_leads *who,
                                     const char *reason, uint64_t *sequence_out);

#endif
