/*
 * wait: a thread says that it is about to wait for something outside, so that whoever runs it can
 * let another thread work meanwhile. Who runs it says how; elsewhere the words do nothing.
 */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

struct wait_host {
    void (*begins)(struct wait_host *h);
    void (*ends)(struct wait_host *h);
};

/* Of the calling thread, borrowed; NULL: nobody wants to know. */
void wait_set_host(struct wait_host *h);

/* Around every wait that may last: for a lock that others hold while they work, a commit, a socket.
 * Pairs do not nest. */
void wait_begins(void);
void wait_ends(void);

#endif
