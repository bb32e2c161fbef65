/*
 * master: the keys that wrap the keys of tenants, as a file or a text brings them.
 *
 * One key per line, the one that wraps first, then those that are still needed to unwrap; a text of
 * one key needs no label. Empty lines and lines that begin with # do not count.
 *
 *     2026-11:q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=
 *     2026-05:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
 *
 * A key is base64 or base64url of 32 bytes, or 64 hex digits; a file may also be the 32 bytes of a
 * single key. Labels are for people. What is stored names a key by the first four bytes of its
 * SHA-256: a label may change, and a key that is not the one cannot pass for it.
 */
#ifndef SQL_MASTER_H
#define SQL_MASTER_H

#include <sys/stat.h>

#include "base/call.h"
#include "store/seal.h"

enum {
    MASTER_KEYS_MAX = 8,     /* the current one and some that rotations left behind */
    MASTER_FILE_MAX = 4096,  /* bytes: MASTER_KEYS_MAX lines with room for comments */
    MASTER_LABEL_BYTES = 32, /* of a label */
};

struct master_keys {
    struct seal_key keys[MASTER_KEYS_MAX]; /* [n >= 1]; the first one wraps */
    size_t n;
};

/* Reads keys from text; `source` names it in errors, which never hold what it says. PRECONDITION,
 * MASTER_KEY: a line is no key, a key is there twice, or there is none. */
MUST_CHECK enum status master_parse(struct call *c, const char *source, str text,
                                    struct master_keys *out);

/* The same from a file; *seen tells master_changed() which one it was. */
MUST_CHECK enum status master_read(struct call *c, const char *path, struct master_keys *out,
                                   struct stat *seen);

/* The file is another one by now: replaced, written to, or reached by another link. */
bool master_changed(const char *path, const struct stat *seen);

/* Makes a file (0600) with a new key, unless there is one by now. */
MUST_CHECK enum status master_create(struct call *c, const char *path);

/* The key with this id, or NULL. */
const struct seal_key *master_find(const struct master_keys *m, uint32_t id);

#endif
