/*
 * command: what salesctl can do is one table. A row names the words, the arguments and options with
 * the request fields that they fill in, the method to call and the view of its reply; most commands
 * need no code of their own (call_run). Help, completion and tests walk the same rows.
 */
#ifndef SALESCTL_COMMAND_H
#define SALESCTL_COMMAND_H

#include "client/sales.h"
#include "ctl/show.h"

/* What the shell is told, by class of outcome. */
/* clang-format off */
#define EXIT_LIST(X)                                                                       \
    X(OK,          0,   "done")                                                            \
    X(FAILED,      1,   "the server failed: INTERNAL, UNKNOWN, DATA_LOSS, UNIMPLEMENTED")  \
    X(USAGE,       2,   "the command line is wrong; nothing was sent")                     \
    X(INVALID,     3,   "a value is not acceptable: INVALID_ARGUMENT, OUT_OF_RANGE")       \
    X(NOT_FOUND,   4,   "there is no such record")                                         \
    X(REFUSED,     5,   "not in this state: FAILED_PRECONDITION, ABORTED, ALREADY_EXISTS") \
    X(DENIED,      6,   "UNAUTHENTICATED or PERMISSION_DENIED")                            \
    X(UNAVAILABLE, 7,   "try later: UNAVAILABLE, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED")   \
    X(PARTIAL,     8,   "done, but some rows or items failed")                             \
    X(CANCELLED,   130, "interrupted")
/* clang-format on */

enum exit_code {
#define X(name, code, text) CTL_##name = (code),
    EXIT_LIST(X)
#undef X
};

struct option {
    const char *name;  /* "email": --email */
    const char *value; /* "ADDRESS"; NULL: a flag */
    const char *path;  /* request field that it fills in; NULL: the command's own business */
    const char *help;
};

enum argument_count { ARGUMENT_ONE, ARGUMENT_OPTIONAL, ARGUMENT_MANY, ARGUMENT_ANY };

struct argument {
    const char *name; /* "ID" */
    const char *path; /* as of an option */
    const char *help;
    enum argument_count count;
};

enum {
    GIVEN_MAX = 256,       /* options on one command line */
    WORDS_MAX = 256,       /* arguments */
    COMMAND_WORDS_MAX = 3, /* "admin key create" */
};

struct given {
    const struct option *option;
    const char *text; /* "" for a flag */
};

struct args {
    struct given given[GIVEN_MAX];
    size_t n_given;
    const char *words[WORDS_MAX]; /* behind the command's own words */
    size_t n_words;
};

/* How to trust the server and be trusted; NULL: not said. Any of them means TLS. */
struct ctl_tls {
    const char *on;              /* "true": TLS without any of the others */
    const char *ca, *cert, *key; /* paths of PEM files */
    const char *name;
};

/* Everything a running command works with. */
struct ctl {
    struct arena arena; /* of the whole command */
    struct term out, err;
    bool json, wants_help;
    const char *address, *api_key;
    struct ctl_tls tls;
    int64_t timeout_ms;          /* 0: the client's default */
    struct sales_client *client; /* NULL before ctl_client */
    struct sales_cancel *cancel;
};

struct command;
typedef enum exit_code (*command_fn)(struct ctl *ctl, const struct command *command,
                                     const struct args *args);

enum view_shape { VIEW_NONE, VIEW_ITEM, VIEW_LIST };

struct command {
    const char *name; /* "lead create" */
    const char *summary;
    command_fn run;
    const char *method; /* "/sales.v1.SalesAgent/CreateLead"; NULL: calls none, or several */
    const struct argument *arguments;
    size_t n_arguments;
    const struct option *options;
    size_t n_options;
    const char *examples; /* lines, without the leading "salesctl " */
    enum view_shape shape;
    const struct view *view;
    const char *mask; /* "lead": options under it make up the update_mask */
    const char *done; /* printed after success when there is no view */
};

extern const struct command commands[];
extern const size_t n_commands;

/* Options that every command takes. */
extern const struct option global_options[];
extern const size_t n_global_options;

/* The command that the first words name, and how many words that took. NULL: none. */
const struct command *command_find(const char *const *words, size_t n_words, size_t *n_used);

/* The last text given for an option, or NULL. */
const char *args_text(const struct args *a, const char *option);
bool args_has(const struct args *a, const char *option);

/* Prints "salesctl: ..." and a hint at --help; returns CTL_USAGE. */
enum exit_code usage_error(struct ctl *ctl, const struct command *command, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* Takes the command line apart. CTL_OK, or CTL_USAGE with the complaint printed. */
enum exit_code args_parse(struct ctl *ctl, int argc, const char *const *argv,
                          const struct command **command, struct args *out);

#endif
