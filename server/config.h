/*
 * config: every setting, from flags and environment, checked before anything starts.
 *
 * config.def is the only list: struct, parser, --help and docs/config.md are made from it. Nobody
 * below main reads the environment; modules get their own options.
 */
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "base/buf.h"
#include "base/call.h"
#include "base/secret.h"
#include "obs/log.h"

#define CONFIG_ROLE_LIST(X)                                                                        \
    X(API, "api")                                                                                  \
    X(LEAD, "lead")                                                                                \
    X(CONVERSATION, "conversation")                                                                \
    X(EMAIL, "email")                                                                              \
    X(FORECAST, "forecast")

enum config_role {
#define X(id, text) CONFIG_ROLE_##id,
    CONFIG_ROLE_LIST(X)
#undef X
        CONFIG_N_ROLES
};

typedef const char *config_text;
typedef struct secret_source config_secret; /* text never NULL */
typedef int64_t config_count;
typedef int64_t config_bytes;
typedef int64_t config_time; /* milliseconds */
typedef bool config_bool;
typedef enum log_level config_level;
typedef uint32_t config_roles; /* 1 << enum config_role */

#define CONFIG_TYPE_TEXT   config_text
#define CONFIG_TYPE_SECRET config_secret
#define CONFIG_TYPE_COUNT  config_count
#define CONFIG_TYPE_BYTES  config_bytes
#define CONFIG_TYPE_TIME   config_time
#define CONFIG_TYPE_BOOL   config_bool
#define CONFIG_TYPE_LEVEL  config_level
#define CONFIG_TYPE_ROLES  config_roles

struct config {
#define GROUP(title)
#define X(type, name, env, initial, min, max, unit, doc) CONFIG_TYPE_##type name;
#include "server/config.def"
#undef X
#undef GROUP
};

/* What the command line asks for. */
enum config_action { CONFIG_RUN, CONFIG_HELP, CONFIG_VERSION, CONFIG_DOC, CONFIG_CHECK };

/*
 * Reads flags (argv, which ends with NULL) and environment; flags win. All mistakes are found at
 * once: each is a FAULT_FIELD detail of c, subject = the flag or variable. Texts borrow from argv,
 * envp and c->arena, so c must outlive out; secrets are copies.
 *
 * INVALID: unknown flag or SALES_* variable, bad value, unreadable secret file, or plaintext that
 * other hosts could reach without `insecure`. With CONFIG_HELP, _VERSION and _DOC nothing is
 * checked.
 */
MUST_CHECK enum status config_parse(struct call *c, char *const *argv, char *const *envp,
                                    struct config *out, enum config_action *action_out);

/* Wipes what argv and envp say of secrets, which other processes can read in /proc; their names
 * stay. After config_parse. */
void config_hide(char **argv, char **envp);

/* Wipes the secrets of a configuration: nobody needs it any more. */
void config_wipe(struct config *config);

/* Calls exposed for each file of a secret that everybody on this machine may read. */
void config_find_exposed(const struct config *config, void (*exposed)(const char *path));

/* The text of --help. */
void config_help(struct buf *b);

/* docs/config.md. */
void config_doc(struct buf *b);

#endif
