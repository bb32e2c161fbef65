/* Columns of records.def by name, and the two times that every kind has. */
#include "store/operand.h"

#include "base/uuid.h"

bool operand_find(const struct record_info *info, str name, unsigned flags, struct operand *out)
{
    static const struct operand common[] = {
        {"create_time", COLUMN_TIME, COLUMN_FILTER | COLUMN_ORDER, NULL},
        {"update_time", COLUMN_TIME, COLUMN_FILTER | COLUMN_ORDER, NULL},
    };

    for (size_t i = 0; i < sizeof common / sizeof *common; i++)
        if (str_eq(name, str_of(common[i].name))) {
            *out = common[i];
            return (out->flags & flags) == flags;
        }
    for (size_t i = 0; i < info->n_columns; i++) {
        const struct column_info *c = &info->columns[i];

        if (str_eq(name, str_of(c->name))) {
            *out = (struct operand){c->name, c->type, c->flags, c};
            return (c->flags & flags) == flags;
        }
    }
    return false;
}

const struct field_path *operand_path(const struct record_info *info, const struct operand *o)
{
    if (o->info)
        return &o->info->path;
    return str_eq(str_of(o->name), STR("create_time")) ? &info->create_time : &info->update_time;
}

const char *operand_read(const struct operand *o, str value, int64_t *out)
{
    struct uuid id;
    long long v = 0;

    *out = 0;
    switch (o->type) {
    case COLUMN_INT:
        if (!str_to_int64(value, &v))
            return "expected a whole number";
        *out = v;
        return NULL;
    case COLUMN_ENUM:
        return column_enum_number(o->info, value, out) ? NULL : "this field has no such value";
    case COLUMN_BOOL:
        *out = str_eq(value, STR("true"));
        return *out || str_eq(value, STR("false")) ? NULL : "expected true or false";
    case COLUMN_TIME:
        return time_parse(value, out) ? NULL : "expected a time such as \"2026-01-31T12:00:00Z\"";
    case COLUMN_ID: return uuid_parse(value, &id) ? NULL : "expected an id (a UUID)";
    case COLUMN_TEXT:
    case COLUMN_BLIND:
    case COLUMN_TAGS:
    case COLUMN_MANY: break;
    }
    return NULL;
}

/* n digits at *at; -1: something else. */
static int digits(str s, size_t *at, size_t n)
{
    int v = 0;

    if (*at + n > s.n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        char c = s.p[(*at)++];

        if (c < '0' || c > '9')
            return -1;
        v = v * 10 + (c - '0');
    }
    return v;
}

static bool eat(str s, size_t *at, char c)
{
    return *at < s.n && s.p[*at] == c && ++*at;
}

/* Days since 1970 of a date of the proleptic Gregorian calendar. */
static int64_t days_of(int y, int m, int d)
{
    int64_t year = m <= 2 ? y - 1 : y, era = (year >= 0 ? year : year - 399) / 400;
    int64_t in_era = year - era * 400, in_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

/* "+01:00", "Z" at *at: seconds east. */
static bool read_zone(str s, size_t *at, int *out)
{
    int sign, hour, minute;

    *out = 0;
    if (eat(s, at, 'Z') || eat(s, at, 'z'))
        return true;
    sign = eat(s, at, '+') ? 1 : eat(s, at, '-') ? -1 : 0;
    hour = digits(s, at, 2);
    if (!sign || hour < 0 || hour > 23 || !eat(s, at, ':'))
        return false;
    minute = digits(s, at, 2);
    *out = sign * (hour * 3600 + minute * 60);
    return minute >= 0 && minute < 60;
}

static bool read_fraction(str s, size_t *at, int64_t *us)
{
    int64_t unit = 100000;

    if (!eat(s, at, '.'))
        return true;
    if (*at == s.n || s.p[*at] < '0' || s.p[*at] > '9')
        return false;
    for (; *at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9'; unit /= 10)
        *us += unit * (s.p[(*at)++] - '0');
    return true;
}

bool time_parse(str s, int64_t *us_out)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    size_t at = 0;
    int y, m, d, hour, minute, second, zone;
    int64_t us = 0;
    bool leap;

    *us_out = 0;
    if ((y = digits(s, &at, 4)) < 1 || !eat(s, &at, '-') || (m = digits(s, &at, 2)) < 1 || m > 12 ||
        !eat(s, &at, '-') || (d = digits(s, &at, 2)) < 1 || d > days[m - 1])
        return false;
    leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    if (m == 2 && d == 29 && !leap)
        return false;
    *us_out = days_of(y, m, d) * 86400 * 1000000;
    if (at == s.n)
        return true;
    if (!(eat(s, &at, 'T') || eat(s, &at, 't')) || (hour = digits(s, &at, 2)) < 0 || hour > 23 ||
        !eat(s, &at, ':') || (minute = digits(s, &at, 2)) < 0 || minute > 59 || !eat(s, &at, ':') ||
        (second = digits(s, &at, 2)) < 0 || second > 60 || !read_fraction(s, &at, &us) ||
        !read_zone(s, &at, &zone) || at != s.n)
        return false;
    *us_out += ((int64_t)hour * 3600 + (int64_t)minute * 60 + second - zone) * 1000000 + us;
    return true;
}
