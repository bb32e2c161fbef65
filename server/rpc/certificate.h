/* certificate: a certificate chain, its key and the issuers of clients, read from files and tried
 * out before anybody is shown them. Private to this folder. */
#ifndef RPC_CERTIFICATE_H
#define RPC_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

enum certificate_file {
    CERTIFICATE_CHAIN,
    CERTIFICATE_KEY,
    CERTIFICATE_CLIENT_CA, /* optional */
    CERTIFICATE_FILES
};

enum { CERTIFICATE_SERIAL_BYTES = 48, CERTIFICATE_WHY_BYTES = 256 };

/* What tells that a file is another one or was written. The change time, not the modification time:
 * that can be set back, and a chmod that makes a file readable must count too. */
struct file_stamp {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec changed;
};

struct certificate {
    char *pem[CERTIFICATE_FILES];                /* owned, zero-terminated; NULL: no such path */
    struct file_stamp stamps[CERTIFICATE_FILES]; /* of what was read; zero: could not be */
    bool is_settled; /* false: so fresh that another write might not show in the stamps */
    char serial[CERTIFICATE_SERIAL_BYTES];
    int64_t expires_s; /* Unix time */
};

/*
 * Reads the files and makes sure that OpenSSL takes them as a server's.
 *
 *   paths  [CERTIFICATE_FILES]; NULL: leave out
 *   why    one line when it fails, without a byte of the files
 *
 * False: out holds nothing but stamps, which say when another attempt makes sense.
 */
bool certificate_load(const char *const *paths, struct certificate *out,
                      char why[CERTIFICATE_WHY_BYTES]);

/* The files are not those that the stamps [CERTIFICATE_FILES] are of. One stat call per path. */
bool certificate_is_stale(const char *const *paths, const struct file_stamp *stamps);

bool certificate_same_stamps(const struct file_stamp *a, const struct file_stamp *b);
bool certificate_same_text(const struct certificate *a, const struct certificate *b);

/* Wipes the key. Zeroed memory is fine. */
void certificate_release(struct certificate *c);

#endif
