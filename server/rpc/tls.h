/*
 * tls: the certificate that the server's TCP addresses show, and what clients must show.
 *
 * The files are looked at again at every handshake: when one has changed and all fit together, this
 * handshake shows the new certificate and open connections go on with the old one. Files that do
 * not fit (half written, the key of another certificate) change nothing and are told once.
 * TLS 1.2 is the least that the C core speaks. Unix sockets stay plaintext.
 */
#ifndef RPC_TLS_H
#define RPC_TLS_H

#include <stdbool.h>
#include <stdint.h>

/* PEM files; borrowed until rpc_server_free. */
struct rpc_tls_options {
    const char *cert_path;      /* own certificate first, then its issuers; NULL: plaintext */
    const char *key_path;       /* its private key, without a passphrase */
    const char *client_ca_path; /* issuers of clients, who then must have a certificate; NULL: none
                                   is asked for */
};

enum rpc_tls_event {
    RPC_TLS_LOADED,  /* this certificate is shown from now on */
    RPC_TLS_REFUSED, /* changed files do not work: the old certificate stays */
};

struct rpc_tls_news {
    enum rpc_tls_event event;
    const char *why;    /* refused: one line for people, no secret in it */
    const char *serial; /* loaded: of the certificate, in hexadecimal */
    int64_t expires_s;  /* loaded: Unix time after which clients refuse it */
    bool is_expired;    /* ... which is now */
};

#endif
