/* --help and docs/config.md, both from the table. */
#include <inttypes.h>

#include "server/config_table.h"

static const char *const type_names[] = {
    [CONFIG_TEXT] = "text",   [CONFIG_SECRET] = "secret", [CONFIG_COUNT] = "number",
    [CONFIG_BYTES] = "size",  [CONFIG_TIME] = "duration", [CONFIG_BOOL] = "true or false",
    [CONFIG_LEVEL] = "level", [CONFIG_ROLES] = "roles",   [CONFIG_TITLE] = "",
};

static const struct {
    int code;
    const char *meaning;
} exits[] = {
#define X(name, code, meaning) {code, meaning},
#include "server/exit.def"
#undef X
};

static bool has_range(const struct config_row *row)
{
    return row->type == CONFIG_COUNT || row->type == CONFIG_BYTES || row->type == CONFIG_TIME;
}

void config_help(struct buf *b)
{
    buf_put(b, STR("usage: salesd [--flag value]...\n\n"
                   "  --help, --version          say so and exit\n"
                   "  --check-config             check the configuration and exit\n"
                   "  --print-config-doc         print docs/config.md and exit\n\n"
                   "Secrets belong in files (--store-file PATH, SALES_STORE_FILE): others can read "
                   "the command\nline and the environment until salesd has wiped them there.\n"));
    for (size_t i = 0; i < config_n_rows; i++) {
        const struct config_row *row = &config_rows[i];
        char flag[CONFIG_NAME_MAX];

        if (row->type == CONFIG_TITLE) {
            buf_printf(b, "\n%s\n", row->doc);
            continue;
        }
        config_flag(row, flag);
        buf_printf(b, "  --%-24s %s\n", flag, row->doc);
        buf_printf(b, "  %-26s %s%s%s%s\n", "", row->env,
                   row->type == CONFIG_SECRET ? " or _FILE" : "",
                   row->initial[0] ? ", default " : "", row->initial);
    }
    buf_put(b, STR("\nExit codes\n"));
    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
        buf_printf(b, "  %-26d %s\n", exits[i].code, exits[i].meaning);
}

static void put_row(struct buf *b, const struct config_row *row)
{
    char flag[CONFIG_NAME_MAX];

    config_flag(row, flag);
    buf_printf(b, "| `--%s` | `%s`%s | %s%s%s | %s", flag, row->env,
               row->type == CONFIG_SECRET ? ", `_FILE`" : "", row->initial[0] ? "`" : "–",
               row->initial, row->initial[0] ? "`" : "", type_names[row->type]);
    if (has_range(row))
        buf_printf(b, ", %" PRId64 " to %" PRId64 "%s%s", row->min, row->max,
                   row->unit[0] ? " " : "", row->type == CONFIG_TIME ? "ms" : row->unit);
    buf_printf(b, " | %s |\n", row->doc);
}

void config_doc(struct buf *b)
{
    buf_put(b, STR("# Settings of salesd\n\n"
                   "Made from `server/config.def` by `salesd --print-config-doc`; do not edit.\n\n"
                   "A flag wins over the environment. Durations are `250ms`, `30s`, `5m`, `2h`; a "
                   "bare number counts seconds.\nSizes are `65536`, `64KiB`, `4MiB`. A secret "
                   "belongs in a file that only salesd can read:\n`--store-file PATH` or "
                   "`SALES_STORE_FILE`. Given as a flag or variable, it is wiped from `/proc` at "
                   "the start.\nAn unknown flag "
                   "or `SALES_*` variable is refused.\n"));
    for (size_t i = 0; i < config_n_rows; i++) {
        if (config_rows[i].type != CONFIG_TITLE) {
            put_row(b, &config_rows[i]);
            continue;
        }
        buf_printf(b, "\n## %s\n\n", config_rows[i].doc);
        buf_put(b, STR("| Flag | Environment | Default | Value | Meaning |\n"
                       "|---|---|---|---|---|\n"));
    }
    buf_put(b, STR("\n## Exit codes\n\n| Code | Meaning |\n|---|---|\n"));
    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
        buf_printf(b, "| %d | %s |\n", exits[i].code, exits[i].meaning);
}
