/* serve: the life of the process between a valid configuration and its end. */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

#include "server/about.h"
#include "server/config.h"
#include "server/exit.h"

/*
 * Opens log, store, services, gRPC and HTTP in this order, prints one line on stdout
 *
 *   salesd ready address=127.0.0.1:9090 http=127.0.0.1:9091
 *
 * (with the real ports), serves until SIGTERM or SIGINT, drains and closes in reverse. A second
 * signal ends the process at once. SIGHUP opens the log file again. What goes wrong is logged, and
 * said on stderr when the log is elsewhere.
 */
enum exit_code serve(const struct config *config, const struct build *build);

#endif
