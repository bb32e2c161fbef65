/* peer: the scripted Python server (peer.py) as a fixture. Dies with the test that started it. */
#ifndef TESTS_CLIENT_PEER_H
#define TESTS_CLIENT_PEER_H

#include <sys/types.h>

struct peer {
    pid_t pid;
    int lifeline;      /* peer.py ends when it closes */
    char address[128]; /* for sales_options.address */
    char folder[64];   /* of its own, removed by peer_stop */
    char *cert;        /* PEM, malloc'd; NULL without TLS */
};

/* Listens on a free port of loopback / on a unix socket in a fresh folder / with TLS for
 * 127.0.0.1. Aborts the test when it does not come up. */
void peer_start(struct peer *p);
void peer_start_unix(struct peer *p);
void peer_start_tls(struct peer *p);

/* SIGKILL; then the same address again. */
void peer_kill(struct peer *p);
void peer_restart(struct peer *p);

void peer_stop(struct peer *p);

#endif
