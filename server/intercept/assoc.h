/*
 * assoc: a bounded, set-associative cache from 32 bytes to a small value, each with its own end. A
 * hit copies the value under the lock of one set; what is least recently used in a full set goes.
 *
 * Only what was found or proven may be put in, so that guessing cannot fill it. Thread-safe.
 */
#ifndef INTERCEPT_ASSOC_H
#define INTERCEPT_ASSOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ASSOC_KEY_BYTES = 32, ASSOC_WAYS = 4 };

struct assoc;

/* The bytes spread over sets by two of them, [15] and [31]: UUIDs and hashes are random there. */
struct assoc_key {
    unsigned char b[ASSOC_KEY_BYTES];
};

/* n_sets is a power of two, at most 65536. NULL: no memory. */
struct assoc *assoc_new(size_t n_sets, size_t value_bytes_max);
void assoc_free(struct assoc *a);

/* Copies the value of a key whose end is after now_ns. out has room for value_bytes_max; bytes
 * behind what was put are left as they are. Keys are compared in constant time. */
bool assoc_get(struct assoc *a, const struct assoc_key *key, int64_t now_ns, void *out);

struct assoc_entry {
    const void *value; /* [n <= value_bytes_max], copied */
    size_t n;
    int64_t now_ns, until_ns;
};

void assoc_put(struct assoc *a, const struct assoc_key *key, const struct assoc_entry *e);

void assoc_forget(struct assoc *a, const struct assoc_key *key);

/* Forgets all; gets that run meanwhile may still see what they came for. */
void assoc_forget_all(struct assoc *a);

#endif
