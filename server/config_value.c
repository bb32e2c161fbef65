/* Text to value, one function per type; each says exactly what it would have taken. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "server/config_table.h"

struct suffix {
    const char *text;
    int64_t factor;
};

static const struct suffix sizes[] = {
    {"", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {0}};

static const struct suffix times[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {0}};

/* What a bare number of the row counts. */
static int64_t bare_factor(const struct config_row *row)
{
    for (const struct suffix *s = times; row->type == CONFIG_TIME && s->text; s++)
        if (strcmp(s->text, row->unit) == 0)
            return s->factor;
    return 1;
}

/* "30s": digits, then a suffix of the list or none. */
static bool read_scaled(const struct config_row *row, const struct suffix *suffixes, str text,
                        int64_t *out)
{
    int64_t factor = bare_factor(row);
    long long n;
    size_t digits = 0;

    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    if (digits < text.n)
        factor = 0;
    for (; suffixes->text && digits < text.n; suffixes++)
        if (str_eq(str_sub(text, digits, text.n), str_of(suffixes->text)))
            factor = suffixes->factor;
    if (!factor || !str_to_int64(str_sub(text, 0, digits), &n) || n > INT64_MAX / factor)
        return false;
    *out = n * factor;
    return true;
}

static bool in_range(const struct config_row *row, int64_t n, char *why)
{
    const char *unit = row->type == CONFIG_TIME ? "ms" : row->unit;

    if (n >= row->min && n <= row->max)
        return true;
    snprintf(why, CONFIG_WHY_BYTES, "must be %" PRId64 " to %" PRId64 "%s%s", row->min, row->max,
             unit[0] ? " " : "", unit);
    return false;
}

static bool fits(const struct config_row *row, const char *text, char *why)
{
    size_t n = strlen(text);

    if ((int64_t)n < row->min || (int64_t)n > row->max) {
        snprintf(why, CONFIG_WHY_BYTES, "must be %" PRId64 " to %" PRId64 " bytes long", row->min,
                 row->max);
        return false;
    }
    return true;
}

static bool set_text(const struct config_row *row, const char *text, void *field, char *why)
{
    if (!fits(row, text, why))
        return false;
    *(config_text *)field = text;
    return true;
}

static bool set_secret(const struct config_row *row, const char *text, void *field, char *why)
{
    if (!fits(row, text, why))
        return false;
    *(config_secret *)field = (config_secret){.text = text};
    return true;
}

static bool set_number(const struct config_row *row, const char *text, void *field, char *why)
{
    static const struct suffix none[] = {{0}};
    const struct suffix *suffixes = row->type == CONFIG_TIME    ? times
                                    : row->type == CONFIG_BYTES ? sizes
                                                                : none;
    int64_t n;

    if (!read_scaled(row, suffixes, str_of(text), &n)) {
        snprintf(why, CONFIG_WHY_BYTES, "\"%.40s\" is no %s", text,
                 row->type == CONFIG_TIME    ? "duration such as 250ms, 30s, 5m or 2h"
                 : row->type == CONFIG_BYTES ? "size such as 65536, 64KiB or 4MiB"
                                             : "whole number");
        return false;
    }
    if (!in_range(row, n, why))
        return false;
    *(int64_t *)field = n;
    return true;
}

static bool set_bool(const struct config_row *row, const char *text, void *field, char *why)
{
    (void)row;
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        snprintf(why, CONFIG_WHY_BYTES, "\"%.40s\" is neither true nor false", text);
        return false;
    }
    *(bool *)field = text[0] == 't';
    return true;
}

static bool set_level(const struct config_row *row, const char *text, void *field, char *why)
{
    (void)row;
    if (log_level_parse(str_of(text), field))
        return true;
    snprintf(why, CONFIG_WHY_BYTES, "\"%.40s\" is none of debug, info, warn, error", text);
    return false;
}

static bool set_roles(const struct config_row *row, const char *text, void *field, char *why)
{
    static const char *const names[CONFIG_N_ROLES] = {
#define X(id, name) name,
        CONFIG_ROLE_LIST(X)
#undef X
    };
    const uint32_t all = (1U << CONFIG_N_ROLES) - 1;
    str rest = str_of(text);
    uint32_t roles = str_eq(rest, STR("all")) ? all : 0;

    (void)row;
    while (roles != all && (rest.n || !roles)) {
        str word = str_cut(&rest, ',');
        uint32_t role = 0;

        for (unsigned i = 0; i < CONFIG_N_ROLES; i++)
            role |= str_eq(word, str_of(names[i])) ? 1U << i : 0;
        if (!role) {
            snprintf(why, CONFIG_WHY_BYTES, "\"%.40s\" names no role, or an unknown one", text);
            return false;
        }
        roles |= role;
    }
    *(uint32_t *)field = roles;
    return true;
}

bool config_set(const struct config_row *row, const char *text, struct config *out,
                char why[CONFIG_WHY_BYTES])
{
    static bool (*const set[])(const struct config_row *, const char *, void *, char *) = {
        [CONFIG_TEXT] = set_text,    [CONFIG_SECRET] = set_secret, [CONFIG_COUNT] = set_number,
        [CONFIG_BYTES] = set_number, [CONFIG_TIME] = set_number,   [CONFIG_BOOL] = set_bool,
        [CONFIG_LEVEL] = set_level,  [CONFIG_ROLES] = set_roles,
    };

    assert(row->type != CONFIG_TITLE);
    return set[row->type](row, text, (char *)out + row->offset, why);
}
