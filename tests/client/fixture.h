/* fixture: one peer, one client, one call. A test's init starts the peer and opens the client. */
#ifndef TESTS_CLIENT_FIXTURE_H
#define TESTS_CLIENT_FIXTURE_H

#include "client/peer.h"
#include "client/sales.h"

extern struct fixture {
    struct peer peer;
    struct sales_client *client;
    struct sales_call call; /* 10 s */
} fx;

/* Connects the client to the peer; o.address is filled in. */
void open_client(struct sales_options o);

/* Releases all three. */
void stop(void);

int64_t now_ms(void);

/* For the fields of requests, which are read only. */
char *unconst(const char *text);

#endif
