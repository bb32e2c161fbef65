/* Flags and environment into struct config. Every source goes through the same row and parser. */
#include "server/config.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "server/config_table.h"

enum { DISTANCE_MAX = 3, SOURCES_MAX = 128 };

/* clang-format off */
const struct config_row config_rows[] = {
#define GROUP(title) {.type = CONFIG_TITLE, .name = "", .doc = (title)},
#define X(type, name, env, initial, min, max, unit, doc)                                           \
    {CONFIG_##type, offsetof(struct config, name), #name, env, initial, min, max, unit, doc},
#include "server/config.def"
#undef X
#undef GROUP
};
/* clang-format on */

static_assert(sizeof config_rows / sizeof *config_rows <= SOURCES_MAX, "raise SOURCES_MAX");
const size_t config_n_rows = sizeof config_rows / sizeof *config_rows;

/* SALES_* variables that are not ours: what clients, ./dev and tests use. */
static const char *const foreign[] = {"SALES_ADDRESS",        "SALES_API_KEY",
                                      "SALES_HTTP",           "SALES_PORT",
                                      "SALES_HTTP_PORT",      "SALES_TLS",
                                      "SALES_PLAINTEXT",      "SALES_BREAKING_BASE",
                                      "SALES_TLS_CA",         "SALES_TLS_CLIENT_CERT",
                                      "SALES_TLS_CLIENT_KEY", "SALES_TLS_NAME"};
#define FOREIGN_PREFIX "SALES_TEST_"

static const struct {
    const char *flag;
    enum config_action action;
} actions[] = {
    {"--help", CONFIG_HELP},          {"-h", CONFIG_HELP},
    {"--version", CONFIG_VERSION},    {"--print-config-doc", CONFIG_DOC},
    {"--check-config", CONFIG_CHECK},
};

/* Where a row's value came from so far. */
struct reader {
    struct call *c;
    struct config *out;
    bool seen[SOURCES_MAX]; /* [config_n_rows]: by the present source */
};

static void complain(struct call *c, const char *subject, const char *why)
{
    call_detail(c, FAULT_FIELD, "config", str_of(subject), "%s", why);
}

void config_flag(const struct config_row *row, char out[CONFIG_NAME_MAX])
{
    size_t i = 0;

    assert(strlen(row->name) < CONFIG_NAME_MAX);
    for (; row->name[i]; i++)
        out[i] = (char)(row->name[i] == '_' ? '-' : row->name[i]);
    out[i] = 0;
}

/* Edits (insert, delete, replace) from a to b; far for long ones. */
static size_t distance(str a, str b)
{
    size_t row[CONFIG_NAME_MAX + 1], diagonal;

    if (a.n > CONFIG_NAME_MAX || b.n > CONFIG_NAME_MAX)
        return CONFIG_NAME_MAX;
    for (size_t j = 0; j <= b.n; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.n; i++) {
        diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.n; j++) {
            size_t swap = diagonal + (a.p[i - 1] != b.p[j - 1]);
            size_t step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

            diagonal = row[j];
            row[j] = swap < step ? swap : step;
        }
    }
    return row[b.n];
}

/* "unknown; did you mean X?" with the closest name of the kind. */
static void complain_unknown(struct call *c, const char *subject, bool is_flag)
{
    const char *name = is_flag ? subject + 2 : subject;
    char best[CONFIG_NAME_MAX] = "", flag[CONFIG_NAME_MAX] = "", why[CONFIG_WHY_BYTES];
    size_t best_distance = DISTANCE_MAX + 1;

    for (size_t i = 0; i < config_n_rows; i++) {
        const char *known = config_rows[i].env;
        size_t d;

        if (config_rows[i].type == CONFIG_TITLE)
            continue;
        config_flag(&config_rows[i], flag);
        d = distance(str_of(name), str_of(is_flag ? flag : known));
        if (d < best_distance) {
            best_distance = d;
            snprintf(best, sizeof best, "%s", is_flag ? flag : known);
        }
    }
    snprintf(why, sizeof why, best[0] ? "unknown setting; did you mean %s%s?" : "unknown setting",
             is_flag ? "--" : "", best);
    complain(c, subject, why);
}

/* The text of a secret, as given or from its file, in memory of ours: what was given is wiped. */
static bool take_secret(struct call *c, const char *subject, const char **text, bool is_file)
{
    char *content = NULL, why[CONFIG_WHY_BYTES];
    const char *failure = is_file ? secret_read(*text, &content) : NULL;

    if (failure) {
        snprintf(why, sizeof why, "file %.100s: %s", *text, failure);
        complain(c, subject, why);
        return false;
    }
    *text = arena_cstr(&c->arena, str_of(is_file ? content : *text));
    secret_drop(content);
    if (!*text)
        complain(c, subject, "too large");
    return *text != NULL;
}

/* Sets row i from one source; `subject` is how the user spelled it. */
static void take(struct reader *r, size_t i, const char *subject, const char *text, bool is_file)
{
    const struct config_row *row = &config_rows[i];
    const char *path = is_file ? text : NULL;
    char why[CONFIG_WHY_BYTES];

    if (r->seen[i]) {
        complain(r->c, subject, "given twice");
        return;
    }
    r->seen[i] = true;
    if (row->type == CONFIG_SECRET && !take_secret(r->c, subject, &text, is_file))
        return;
    if (!config_set(row, text, r->out, why))
        complain(r->c, subject, why);
    else if (row->type == CONFIG_SECRET)
        ((struct secret_source *)((char *)r->out + row->offset))->path = path;
}

size_t config_find(str s, bool is_flag, bool *is_file)
{
    str suffix = is_flag ? STR("-file") : STR("_FILE");

    for (size_t i = 0; i < config_n_rows; i++) {
        char flag[CONFIG_NAME_MAX];
        const struct config_row *row = &config_rows[i];
        str known;

        if (row->type == CONFIG_TITLE)
            continue;
        config_flag(row, flag);
        known = str_of(is_flag ? flag : row->env);
        *is_file = row->type == CONFIG_SECRET && s.n == known.n + suffix.n &&
                   str_starts(s, known) && str_ends(s, suffix);
        if (*is_file || str_eq(s, known))
            return i;
    }
    return config_n_rows;
}

static bool is_foreign(const char *name)
{
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (strcmp(name, foreign[i]) == 0)
            return true;
    return str_starts(str_of(name), STR(FOREIGN_PREFIX));
}

static void read_environment(struct reader *r, char *const *envp)
{
    for (; *envp; envp++) {
        str value = str_of(*envp), name = str_cut(&value, '=');
        bool is_file;
        size_t i;

        if (!str_starts(name, STR("SALES_")))
            continue;
        const char *subject = arena_cstr(&r->c->arena, name);

        if (!subject) {
            complain(r->c, "environment", "too large");
            return;
        }
        i = config_find(name, false, &is_file);
        if (i < config_n_rows)
            take(r, i, subject, value.p ? value.p : "", is_file);
        else if (!is_foreign(subject))
            complain_unknown(r->c, subject, false);
    }
}

/* --name=value, --name value, --name (BOOL only). Returns how many arguments it used. */
static size_t read_flag(struct reader *r, char *const *argv)
{
    str rest = str_of(argv[0] + 2), name = str_cut(&rest, '=');
    const char *subject = arena_cstr(&r->c->arena, str_sub(str_of(argv[0]), 0, name.n + 2));
    bool is_file, inline_value = argv[0][2 + name.n] == '=';
    size_t i = config_find(name, true, &is_file);

    if (!subject) {
        complain(r->c, "arguments", "too long");
        return 1;
    }
    if (i == config_n_rows) {
        complain_unknown(r->c, subject, true);
        return 1;
    }
    if (inline_value || config_rows[i].type == CONFIG_BOOL) {
        take(r, i, subject, inline_value ? rest.p : "true", is_file);
        return 1;
    }
    if (!argv[1]) {
        complain(r->c, subject, "needs a value");
        return 1;
    }
    take(r, i, subject, argv[1], is_file);
    return 2;
}

static bool read_action(const char *arg, enum config_action *out)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (strcmp(arg, actions[i].flag) == 0) {
            *out = actions[i].action;
            return true;
        }
    return false;
}

static void read_flags(struct reader *r, char *const *argv, enum config_action *action)
{
    for (argv += argv[0] ? 1 : 0; *argv;) {
        if (read_action(*argv, action)) {
            argv++;
        } else if (str_starts(str_of(*argv), STR("--"))) {
            argv += read_flag(r, argv);
        } else {
            complain(r->c, *argv, "is no flag; see --help");
            argv++;
        }
    }
}

/* A number, not a name that only begins like one: 127.0.0.1.example.com is anywhere. */
static bool is_loopback_v4(str address)
{
    const char *colon = address.n ? memrchr(address.p, ':', address.n) : NULL;
    size_t n = colon ? (size_t)(colon - address.p) : 0;
    char host[INET_ADDRSTRLEN];
    struct in_addr number;

    if (!n || n >= sizeof host)
        return false;
    memcpy(host, address.p, n);
    host[n] = 0;
    return inet_pton(AF_INET, host, &number) == 1 && ntohl(number.s_addr) >> 24 == IN_LOOPBACKNET;
}

static bool is_local(str address)
{
    return str_starts(address, STR("unix:")) || str_starts(address, STR("localhost:")) ||
           str_starts(address, STR("[::1]:")) || is_loopback_v4(address);
}

static void check_tls(struct call *c, const struct config *config)
{
    if (!config->tls_cert[0] != !config->tls_key[0])
        complain(c, config->tls_cert[0] ? "--tls-cert" : "--tls-key",
                 "needs --tls-cert and --tls-key together");
    if (config->tls_client_ca[0] && !config->tls_cert[0])
        complain(c, "--tls-client-ca", "needs --tls-cert and --tls-key");
    if (config->insecure && config->tls_cert[0])
        complain(c, "--insecure", "contradicts --tls-cert, which covers every TCP address");
    if (config->log_peer_identity && !config->tls_client_ca[0])
        complain(c, "--log-peer-identity", "needs --tls-client-ca: else nobody has an identity");
}

/* Rules between settings. */
static void check(struct call *c, const struct config *config)
{
    str rest = str_of(config->listen);

    while (rest.n) {
        str address = str_trim(str_cut(&rest, ','));

        if (!address.n)
            complain(c, "--listen", "has an empty address");
        else if (!config->insecure && !config->tls_cert[0] && !is_local(address))
            complain(c, "--listen",
                     "other hosts can reach it: needs --tls-cert and --tls-key, or --insecure");
    }
    check_tls(c, config);
    if (config->deadline > config->deadline_max)
        complain(c, "--deadline", "is longer than --deadline-max");
    if (!str_starts(str_of(config->store.text), STR("sqlite:")) &&
        !str_starts(str_of(config->store.text), STR("postgres://")) &&
        !str_starts(str_of(config->store.text), STR("postgresql://")))
        complain(c, "--store", "is neither sqlite:PATH nor postgres://...");
    if (config->bootstrap_env[0] && !config->bootstrap_tenant[0])
        complain(c, "--bootstrap-env", "needs --bootstrap-tenant");
}

enum status config_parse(struct call *c, char *const *argv, char *const *envp, struct config *out,
                         enum config_action *action_out)
{
    struct reader defaults = {.c = c, .out = out}, environment = defaults, flags = defaults;

    *out = (struct config){0};
    *action_out = CONFIG_RUN;
    for (size_t i = 0; i < config_n_rows; i++)
        if (config_rows[i].type != CONFIG_TITLE)
            take(&defaults, i, config_rows[i].name, config_rows[i].initial, false);
    assert(c->fault.n_details == 0); /* our own defaults are legal */
    read_environment(&environment, envp);
    read_flags(&flags, argv, action_out);
    if (*action_out == CONFIG_HELP || *action_out == CONFIG_VERSION || *action_out == CONFIG_DOC)
        return STATUS_OK;
    if (!c->fault.n_details)
        check(c, out);
    if (c->fault.n_details)
        return call_fail_as(c, STATUS_INVALID, "CONFIG", "the configuration is not valid");
    return STATUS_OK;
}
