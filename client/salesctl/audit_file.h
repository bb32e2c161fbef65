/*
 * audit_file: the audit trail as a file that anybody can check.
 *
 *     "salesd-audit-1\n", then frames: type (1 byte) · length (4 bytes, big-endian) · payload
 *     T   a packed VerifyAuditResponse: public key, last checkpoint, where the trail was trimmed
 *     E   the running digest up to this entry (32 bytes) · the packed AuditEntry
 *
 * T comes first, then all entries in order. The digests say where a file was changed by hand; the
 * checkpoint's signature says that nobody changed it with care. How digests and signatures are made
 * is in audit/entry.h, chain.h and checkpoint.h.
 */
#ifndef SALESCTL_AUDIT_FILE_H
#define SALESCTL_AUDIT_FILE_H

#include <stdio.h>

#include "audit/checkpoint.h"
#include "base/attr.h"
#include "sales/v1/admin.h"

enum {
    AUDIT_FRAME_MAX = 4 << 20, /* as a message of the server */
};

/* Writes. *at begins where the trail was trimmed and goes on with each entry. False: errno says. */
MUST_CHECK bool audit_file_begin(FILE *file, const VerifyAuditResponse *trust,
                                 struct audit_chain *at);
MUST_CHECK bool audit_file_entry(FILE *file, const AuditEntry *e, struct audit_chain *at);

/* What a check found. */
struct audit_finding {
    AuditProblem problem; /* 0: intact */
    uint64_t sequence;    /* the first that is wrong, as far as that can be known */
    const char *why;      /* static */
    uint64_t n_entries;
    struct audit_checkpoint checkpoint;
    unsigned char public_key[AUDIT_PUBLIC_BYTES];
    char key_id[AUDIT_KEY_ID_CHARS + 1];
};

/* Reads the whole file, one frame in memory at a time.
 *
 *   key     [AUDIT_PUBLIC_BYTES] known from elsewhere; NULL: that of the file is believed
 *   known   a checkpoint from an earlier file that the trail must go through; NULL: none
 *
 * False: this is no such file, or memory is all; out->why says. */
MUST_CHECK bool audit_file_check(FILE *file, const unsigned char *key,
                                 const struct audit_checkpoint *known, struct audit_finding *out);

#endif
