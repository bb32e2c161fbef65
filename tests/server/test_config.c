#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/config_table.h"
#include "support/table.h"

enum { ARGS = 6 };

struct reading {
    const char *name;
    char *argv[ARGS], *envp[ARGS];
    const char *subject, *why; /* of the first complaint; NULL: it must be accepted */
};

static const struct reading readings[] = {
    {"nothing at all", {"salesd"}, {0}, NULL, NULL},
    {"flag with blank", {"salesd", "--log-level", "debug"}, {0}, NULL, NULL},
    {"flag with sign", {"salesd", "--log-level=debug"}, {0}, NULL, NULL},
    {"bool alone", {"salesd", "--insecure", "--listen=0.0.0.0:1"}, {0}, NULL, NULL},
    {"flag over environment", {"salesd", "--workers=3"}, {"SALES_WORKERS=4"}, NULL, NULL},
    {"other variables",
     {"salesd"},
     {"PATH=/bin", "SALES_API_KEY=x", "SALES_TEST_PG=y"},
     NULL,
     NULL},
    {"several addresses",
     {"salesd", "--listen", "127.0.0.1:1,unix:/tmp/x, [::1]:2"},
     {0},
     NULL,
     NULL},

    {"unknown flag",
     {"salesd", "--log-lebel=debug"},
     {0},
     "--log-lebel",
     "did you mean --log-level?"},
    {"nothing like it", {"salesd", "--frobnicate"}, {0}, "--frobnicate", "unknown setting"},
    {"unknown variable",
     {"salesd"},
     {"SALES_LOGLEVEL=info"},
     "SALES_LOGLEVEL",
     "did you mean SALES_LOG_LEVEL?"},
    {"no flag", {"salesd", "sqlite:x"}, {0}, "sqlite:x", "is no flag"},
    {"no value", {"salesd", "--workers"}, {0}, "--workers", "needs a value"},
    {"twice", {"salesd", "--workers=1", "--workers", "2"}, {0}, "--workers", "given twice"},
    {"value and file",
     {"salesd"},
     {"SALES_STORE=sqlite:a", "SALES_STORE_FILE=/b"},
     "SALES_STORE_FILE",
     "given twice"},
    {"too many", {"salesd", "--workers=513"}, {0}, "--workers", "must be 0 to 512 threads"},
    {"not a number", {"salesd", "--workers=many"}, {0}, "--workers", "\"many\" is no whole number"},
    {"empty number", {"salesd", "--workers="}, {0}, "--workers", "is no whole number"},
    {"negative", {"salesd", "--workers=-1"}, {0}, "--workers", "is no whole number"},
    {"beyond int64",
     {"salesd", "--calls=99999999999999999999"},
     {0},
     "--calls",
     "is no whole number"},
    {"overflowing unit",
     {"salesd", "--message-bytes=9223372036854775807GiB"},
     {0},
     "--message-bytes",
     "is no size"},
    {"wrong unit", {"salesd", "--deadline=30MiB"}, {0}, "--deadline", "is no duration"},
    {"time out of range",
     {"salesd", "--deadline=2h"},
     {0},
     "--deadline",
     "must be 100 to 3600000 ms"},
    {"a yes", {"salesd", "--insecure=yes"}, {0}, "--insecure", "neither true nor false"},
    {"level", {"salesd", "--log-level=loud"}, {0}, "--log-level", "\"loud\" is none of"},
    {"role", {"salesd", "--roles=api,leed"}, {0}, "--roles", "\"api,leed\" names no role"},
    {"secret is not repeated",
     {"salesd", "--store=mysql://me:secret@x"},
     {0},
     "--store",
     "neither sqlite:PATH nor postgres://"},
    {"secret file missing",
     {"salesd", "--store-file=/nowhere"},
     {0},
     "--store-file",
     "No such file"},
    {"only secrets have files", {"salesd", "--workers-file=/x"}, {0}, "--workers-file", "unknown"},
    {"plaintext to all", {"salesd", "--listen=0.0.0.0:9090"}, {0}, "--listen", "--insecure"},
    {"plaintext to all, second",
     {"salesd", "--listen=127.0.0.1:1,[::]:2"},
     {0},
     "--listen",
     "--insecure"},
    {"plaintext to a name that begins like loopback",
     {"salesd", "--listen=127.0.0.1.example.com:1"},
     {0},
     "--listen",
     "--insecure"},
    {"certificate without key", {"salesd", "--tls-cert=x"}, {0}, "--tls-cert", "--tls-key"},
    {"key without certificate", {"salesd", "--tls-key=x"}, {0}, "--tls-key", "--tls-cert"},
    {"issuer without certificate",
     {"salesd", "--tls-client-ca=x"},
     {0},
     "--tls-client-ca",
     "needs --tls-cert"},
    {"plaintext and TLS",
     {"salesd", "--tls-cert=x", "--tls-key=y", "--insecure"},
     {0},
     "--insecure",
     "contradicts"},
    {"names of nobody",
     {"salesd", "--log-peer-identity"},
     {0},
     "--log-peer-identity",
     "needs --tls-client-ca"},
    {"empty address", {"salesd", "--listen=127.0.0.1:1,,"}, {0}, "--listen", "empty address"},
    {"deadlines crossed",
     {"salesd", "--deadline=6m"},
     {0},
     "--deadline",
     "longer than --deadline-max"},
    {"key for nobody",
     {"salesd", "--bootstrap-env=x"},
     {0},
     "--bootstrap-env",
     "needs --bootstrap-tenant"},
};

static struct call c;
static struct config config;
static enum config_action action;

static enum status parse(const struct reading *row)
{
    call_init(&c, NULL, 1 << 20);
    return config_parse(&c, row->argv, row->envp, &config, &action);
}

TABLE_TEST(config, reads, struct reading, readings)
{
    enum status s = parse(row);

    if (!row->why) {
        cr_assert_eq(s, STATUS_OK, "%s: %s", row->name,
                     c.fault.n_details ? c.fault.details[0].text.p : c.fault.why);
    } else {
        cr_assert_eq(s, STATUS_INVALID, "%s was accepted", row->name);
        cr_assert_eq(c.fault.n_details, 1, "%s", row->name);
        cr_assert_str_eq(c.fault.details[0].subject.p, row->subject, "%s", row->name);
        cr_assert_not_null(strstr(c.fault.details[0].text.p, row->why), "%s: %s", row->name,
                           c.fault.details[0].text.p);
        cr_assert_null(strstr(c.fault.details[0].text.p, "secret"), "%s", row->name);
    }
    call_release(&c);
}

struct value {
    const char *flag;
    int64_t drain_grace, message_bytes, workers;
    uint32_t roles;
};

static const struct value values[] = {
    {"--drain-grace=30", 30000, 4 << 20, 0, 31},    {"--drain-grace=250ms", 250, 4 << 20, 0, 31},
    {"--drain-grace=2m", 120000, 4 << 20, 0, 31},   {"--message-bytes=65536", 10000, 65536, 0, 31},
    {"--message-bytes=64KiB", 10000, 65536, 0, 31}, {"--workers=7", 10000, 4 << 20, 7, 31},
    {"--roles=lead,api", 10000, 4 << 20, 0, 3},
};

TABLE_TEST(config, keeps_values, struct value, values)
{
    const struct reading reading = {.name = row->flag, .argv = {"salesd", (char *)row->flag}};

    cr_assert_eq(parse(&reading), STATUS_OK, "%s", row->flag);
    cr_assert_eq(config.drain_grace, row->drain_grace, "%s", row->flag);
    cr_assert_eq(config.message_bytes, row->message_bytes, "%s", row->flag);
    cr_assert_eq(config.workers, row->workers, "%s", row->flag);
    cr_assert_eq(config.roles, row->roles, "%s", row->flag);
    call_release(&c);
}

Test(config, all_mistakes_are_found_at_once)
{
    const struct reading reading = {.argv = {"salesd", "--workers=x", "--nope", "--calls=0"},
                                    .envp = {"SALES_QUEUE=-"}};

    cr_assert_eq(parse(&reading), STATUS_INVALID);
    cr_assert_eq(c.fault.n_details, 4);
    call_release(&c);
}

Test(config, a_secret_is_read_from_its_file)
{
    char path[] = "/tmp/test_config.XXXXXX", variable[64];
    int fd = mkstemp(path);
    struct reading reading = {.argv = {"salesd"}, .envp = {variable}};

    cr_assert_gt(dprintf(fd, "postgres://app:pw@db/sales\n"), 0);
    close(fd);
    snprintf(variable, sizeof variable, "SALES_STORE_FILE=%s", path);
    cr_assert_eq(parse(&reading), STATUS_OK);
    cr_assert_str_eq(config.store.text, "postgres://app:pw@db/sales");
    unlink(path);
    call_release(&c);
}

Test(config, secrets_are_wiped_where_others_can_read_them)
{
    char flag[] = "--store", value[] = "postgres://app:hush@db/sales",
         redis[] = "--redis=redis://:hush@r";
    char file[] = "--store-file=/run/x", level[] = "--log-level=info";
    char keys[] = "SALES_MASTER_KEYS=hush", client[] = "SALES_API_KEY=hush", path[] = "PATH=/bin";
    char *argv[] = {"salesd", flag, value, redis, level, NULL},
         *envp[] = {keys, client, path, NULL};
    char *others[] = {"salesd", file, NULL}, *nothing[] = {NULL};

    call_init(&c, NULL, 1 << 20);
    cr_assert_eq(config_parse(&c, argv, envp, &config, &action), STATUS_OK);
    config_hide(argv, envp);
    config_hide(others, nothing);
    cr_assert_str_eq(flag, "--store");
    cr_assert_str_eq(redis, "--redis=");
    cr_assert_str_eq(level, "--log-level=info");
    cr_assert_str_eq(file, "--store-file=/run/x", "a path is no secret");
    cr_assert_str_eq(keys, "SALES_MASTER_KEYS=");
    cr_assert_str_eq(client, "SALES_API_KEY=");
    cr_assert_str_eq(path, "PATH=/bin");
    for (size_t i = 0; i < sizeof value; i++)
        cr_assert_eq(value[i], 0);
    cr_assert_str_eq(config.store.text, "postgres://app:hush@db/sales", "ours is a copy");
    cr_assert_str_eq(config.redis.text, "redis://:hush@r");
    config_wipe(&config);
    cr_assert_str_eq(config.store.text, "");
    call_release(&c);
}

static int n_exposed;

static void count_exposed(const char *path)
{
    cr_assert_str_eq(path, config.store.path);
    n_exposed++;
}

Test(config, files_that_others_can_read_are_told)
{
    char path[] = "/tmp/test_config.XXXXXX", flag[64];
    int fd = mkstemp(path);
    const struct reading reading = {.argv = {"salesd", flag}};

    cr_assert_gt(dprintf(fd, "sqlite:x"), 0);
    snprintf(flag, sizeof flag, "--store-file=%s", path);
    cr_assert_eq(parse(&reading), STATUS_OK);
    cr_assert_str_eq(config.store.path, path);
    config_find_exposed(&config, count_exposed);
    cr_assert_eq(n_exposed, 0, "mkstemp makes files for one");
    cr_assert_eq(fchmod(fd, 0640), 0);
    config_find_exposed(&config, count_exposed);
    cr_assert_eq(n_exposed, 0, "a group is somebody's choice: Kubernetes' fsGroup");
    cr_assert_eq(fchmod(fd, 0644), 0);
    config_find_exposed(&config, count_exposed);
    cr_assert_eq(n_exposed, 1);
    close(fd);
    unlink(path);
    call_release(&c);
}

struct ask {
    const char *flag;
    enum config_action action;
};

static const struct ask asks[] = {
    {"--help", CONFIG_HELP},
    {"-h", CONFIG_HELP},
    {"--version", CONFIG_VERSION},
    {"--print-config-doc", CONFIG_DOC},
};

TABLE_TEST(config, questions_are_answered_whatever_else_is_wrong, struct ask, asks)
{
    const struct reading reading = {.argv = {"salesd", "--nope", (char *)row->flag}};

    cr_assert_eq(parse(&reading), STATUS_OK, "%s", row->flag);
    cr_assert_eq(action, row->action, "%s", row->flag);
    call_release(&c);
}

Test(config, rows_are_spelled_alike)
{
    for (size_t i = 0; i < config_n_rows; i++) {
        const struct config_row *row = &config_rows[i];
        char env[CONFIG_NAME_MAX + 6] = "SALES_" /* zeros behind */;

        if (row->type == CONFIG_TITLE)
            continue;
        for (size_t k = 0; row->name[k]; k++)
            env[6 + k] = (char)(row->name[k] == '_' ? '_' : row->name[k] - 'a' + 'A');
        cr_assert_str_eq(row->env, env, "%s", row->name);
        cr_assert(str_ends(str_of(row->doc), STR(".")), "%s", row->name);
    }
}

Test(config, its_page_is_current)
{
    static char page[1 << 16];
    FILE *f = fopen("docs/config.md", "r");
    struct arena a;
    struct buf b;

    cr_assert_not_null(f, "run from the top folder");
    page[fread(page, 1, sizeof page - 1, f)] = 0;
    fclose(f);
    arena_init(&a, 1 << 20);
    buf_init(&b, &a, 1 << 16);
    config_doc(&b);
    cr_assert(str_eq(buf_str(&b), str_of(page)),
              "docs/config.md is old: salesd --print-config-doc >docs/config.md");
    arena_release(&a);
}
