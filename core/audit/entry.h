/*
 * entry: the bytes of an audit entry that its chain authenticates.
 *
 * They do not depend on a protobuf library, so that anybody can check a trail: each field that is
 * not empty, by ascending number, as
 *
 *     number (2 bytes) · length (4) · value        all numbers big-endian
 *
 * where a value is the text or the bytes, 8 bytes for a number, an enum or a bool, and these same
 * bytes again for a message. A repeated field is one such item per element. `chain_mac` is left
 * out. A field that a later version adds changes nothing for entries that do not have it.
 */
#ifndef AUDIT_ENTRY_H
#define AUDIT_ENTRY_H

#include <stdbool.h>

#include "base/attr.h"
#include "sales/v1/audit.h"

enum { AUDIT_DIGEST_BYTES = 32 };

/* SHA-256 of these bytes. */
void audit_entry_digest(const AuditEntry *e, unsigned char out[AUDIT_DIGEST_BYTES]);

#endif
