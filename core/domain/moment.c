/* Instants and dates, in the proleptic Gregorian calendar (days counted from March, so that leap
 * days come last). */
#include "domain/moment.h"

#include <stdio.h>

int64_t moment_us(const Timestamp *t, int64_t missing)
{
    return t ? t->seconds * MOMENT_SECOND_US + t->nanos / 1000 : missing;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

Timestamp *moment_new(struct arena *a, int64_t us)
{
    Timestamp *t = NEW(a, Timestamp, 1);

    if (!t)
        return NULL;
    *t = (Timestamp)TIMESTAMP_INIT;
    t->seconds = floor_div(us, MOMENT_SECOND_US);
    t->nanos = (int32_t)(us - t->seconds * MOMENT_SECOND_US) * 1000;
    return t;
}

static int64_t day_of(int64_t year, int64_t month, int64_t day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = floor_div(y, 400), in_era = y - era * 400;
    int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static void civil_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2);
}

bool date_parse(str text, int64_t *day_out)
{
    long long year, month, day;
    int64_t y, m, d;

    *day_out = 0;
    if (text.n != DATE_TEXT_BYTES || text.p[4] != '-' || text.p[7] != '-' ||
        !str_to_int64(str_sub(text, 0, 4), &year) || !str_to_int64(str_sub(text, 5, 2), &month) ||
        !str_to_int64(str_sub(text, 8, 2), &day) || year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    civil_of(day_of(year, month, day), &y, &m, &d);
    if (y != year || m != month || d != day)
        return false;
    *day_out = day_of(year, month, day);
    return true;
}

void date_of(int64_t us, char out[DATE_TEXT_BYTES + 1])
{
    int64_t year, month, day;

    civil_of(floor_div(us, MOMENT_DAY_US), &year, &month, &day);
    snprintf(out, DATE_TEXT_BYTES + 1, "%04u-%02u-%02u", (unsigned)year % 10000,
             (unsigned)month % 100, (unsigned)day % 100);
}
