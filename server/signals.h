/* signals: what the outside asks of the process. */
#ifndef SERVER_SIGNALS_H
#define SERVER_SIGNALS_H

#include <signal.h>

/* Blocks what signals_wait waits for and ignores SIGPIPE. Before the first thread: those started
 * later inherit it, so only the main thread ever sees a signal. */
sigset_t signals_block(void);

enum signals_asked { SIGNALS_STOP, SIGNALS_LISTENER_DEAD };

/* Waits until the process is asked to end, and by whom. SIGHUP opens the log again on the way. */
enum signals_asked signals_wait(const sigset_t *set);

/* From any thread: the next signals_wait answers SIGNALS_LISTENER_DEAD. */
void signals_listener_dead(void);

/* From now on a second SIGTERM or SIGINT ends the process at once, with this code. */
void signals_let_kill(int exit_code);

#endif
