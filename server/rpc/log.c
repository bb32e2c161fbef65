/* One way out for log lines: the runtime's own and the C core's, which logs through a global. */
#include <grpc/support/log.h>
#include <stdarg.h>
#include <stdio.h>

#include "rpc/internal.h"

enum { LINE_BYTES = 512 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* The core's sink is per process, its threads outlive grpc_shutdown: so this outlives every server.
 */
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER; /* guards sink */
static const struct rpc_server *sink;

static void write_line(const struct rpc_server *s, enum rpc_log_level level, const char *line)
{
    if (s && s->o.log)
        s->o.log(s->o.context, level, line);
    else
        fprintf(stderr, "rpc %s: %s\n", level_names[level], line);
}

void rpc_log(const struct rpc_server *s, enum rpc_log_level level, const char *fmt, ...)
{
    char line[LINE_BYTES];
    va_list args;

    va_start(args, fmt);
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    write_line(s, level, line);
}

static void from_core(gpr_log_func_args *a)
{
    char line[LINE_BYTES];

    if (a->severity != GPR_LOG_SEVERITY_ERROR)
        return; /* the core's INFO and DEBUG are for its own developers */
    snprintf(line, sizeof line, "grpc core: %s", a->message);
    pthread_mutex_lock(&sink_lock);
    write_line(sink, RPC_LOG_WARN, line); /* it calls errors what clients do wrong, too */
    pthread_mutex_unlock(&sink_lock);
}

void rpc_log_core_to(const struct rpc_server *s)
{
    pthread_mutex_lock(&sink_lock);
    sink = s;
    pthread_mutex_unlock(&sink_lock);
    gpr_set_log_function(from_core);
}
