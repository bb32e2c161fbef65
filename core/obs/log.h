/*
 * log: structured events, one JSON object per line, to stderr or a file.
 *
 *   log_info(c, LOG_EVENT_TENANT_CREATED, F_ID("tenant", name), F_NS("took", ns));
 *
 * A caller formats into its own stack, appends under a short lock to a bounded buffer and goes on;
 * a writer thread does the I/O. When the disk or the pipe is too slow, lines are dropped and
 * counted, never waited for. Each event has its own rate (event.def); what the rate held back is
 * said as "suppressed" on the event's next line.
 *
 * Trace, tenant and rpc come from the call; c is NULL outside of one. Fields are typed so that no
 * free text, and with it no personal data, gets in: the one sentence allowed is fault.why.
 *
 * One log per process. Thread-safe. Without log_open every call here does nothing.
 */
#ifndef OBS_LOG_H
#define OBS_LOG_H

#include "base/call.h"

#define LOG_LEVEL_LIST(X)                                                                          \
    X(DEBUG, "debug")                                                                              \
    X(INFO, "info")                                                                                \
    X(WARN, "warn")                                                                                \
    X(ERROR, "error")

enum log_level {
#define X(name, text) LOG_##name,
    LOG_LEVEL_LIST(X)
#undef X
        LOG_N_LEVELS
};

enum log_event {
#define X(id, name, per_second, burst) LOG_EVENT_##id,
#include "obs/event.def"
#undef X
    LOG_N_EVENTS
};

enum log_kind { LOG_END, LOG_STR, LOG_INT, LOG_BOOL, LOG_MS, LOG_NS, LOG_BYTES };

struct log_field {
    enum log_kind kind;
    const char *key; /* lower_snake; the unit is added by the kind */
    const char *s;   /* LOG_STR; NULL leaves the field out */
    int64_t i;       /* the others */
};

/* clang-format off */
#define F_STR(key_, text)  {.kind = LOG_STR,   .key = (key_), .s = (text)}  /* a word from a table */
#define F_ID(key_, id)     {.kind = LOG_STR,   .key = (key_), .s = (id)}    /* an opaque identifier */
#define F_WHY(fault_)      {.kind = LOG_STR,   .key = "why",  .s = (fault_)->why}
#define F_INT(key_, n)     {.kind = LOG_INT,   .key = (key_), .i = (int64_t)(n)}
#define F_BOOL(key_, b)    {.kind = LOG_BOOL,  .key = (key_), .i = (b) ? 1 : 0}
#define F_MS(key_, ms)     {.kind = LOG_MS,    .key = (key_), .i = (ms)}    /* <key>_ms: 12 */
#define F_NS(key_, ns)     {.kind = LOG_NS,    .key = (key_), .i = (ns)}    /* <key>_ms: 12.345 */
#define F_BYTES(key_, n)   {.kind = LOG_BYTES, .key = (key_), .i = (int64_t)(n)} /* <key>_bytes */
/* clang-format on */

#define log_debug(c, ...) LOG_AT(c, LOG_DEBUG, __VA_ARGS__)
#define log_info(c, ...)  LOG_AT(c, LOG_INFO, __VA_ARGS__)
#define log_warn(c, ...)  LOG_AT(c, LOG_WARN, __VA_ARGS__)
#define log_error(c, ...) LOG_AT(c, LOG_ERROR, __VA_ARGS__)

#define LOG_AT(c, level, ...)                                                                      \
    log_write((c), (level), LOG_HEAD(__VA_ARGS__, 0),                                              \
              (const struct log_field[]){LOG_TAIL(__VA_ARGS__, {.kind = LOG_END})})
#define LOG_HEAD(event, ...) (event)
#define LOG_TAIL(event, ...) __VA_ARGS__

struct log_options {
    const char *path;              /* appended to, made 0600; NULL: write to fd */
    int fd;                        /* borrowed, e.g. 2 */
    enum log_level level;          /* lower levels are left out */
    size_t buffer_bytes;           /* waiting lines; 0: LOG_BUFFER_BYTES */
    const struct clock_ops *clock; /* NULL: the system's */
};

enum {
    LOG_BUFFER_BYTES = 1 << 20, /* some 3,000 lines: seconds of a stalled disk at normal load */
    LOG_LINE_BYTES = 2048,      /* a line over it loses fields and says "truncated" */
    LOG_TEXT_BYTES = 512,       /* longest text of one field */
};

struct log_counts {
    uint64_t written; /* lines handed to the writer */
    uint64_t dropped; /* lines lost: buffer full or the file refused them */
};

/* INVALID: already open. UNAVAILABLE: the file cannot be opened or no thread can be made. */
MUST_CHECK enum status log_open(struct call *c, const struct log_options *o);

/* Opens the path again after a rotation. The writer does it; not for signal handlers. */
void log_reopen(void);

/* Writes out what waits, ends the writer. Safe when not open. No thread may log any more. */
void log_close(void);

struct log_counts log_counts(void);

/* "info" to LOG_INFO. False: no such level. */
MUST_CHECK bool log_level_parse(str text, enum log_level *out);

/* Use the macros. `fields` ends with LOG_END. */
void log_write(const struct call *c, enum log_level level, enum log_event event,
               const struct log_field *fields);

#endif
