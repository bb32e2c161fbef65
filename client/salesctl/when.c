/* Times in and out. The calendar is the domain's and libc's; the rest is a small scanner. */
#include "ctl/when.h"

#include <time.h>

#include "base/banned.h"
#include "domain/moment.h"

#define SECOND_US   INT64_C(1000000)
#define SPAN_MAX_US (INT64_C(36525) * 86400 * SECOND_US)

static const struct {
    const char *unit;
    int64_t us;
} units[] = {
    {"ms", 1000},
    {"s", SECOND_US},
    {"m", 60 * SECOND_US},
    {"h", 3600 * SECOND_US},
    {"d", 86400 * SECOND_US},
    {"w", 7 * INT64_C(86400) * SECOND_US},
};

bool when_span(str text, int64_t *out)
{
    size_t digits = 0;
    long long n;

    while (digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
        digits++;
    if (!digits || !str_to_int64(str_sub(text, 0, digits), &n))
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (str_eq(str_sub(text, digits, text.n), str_of(units[i].unit))) {
            *out = n * (n <= SPAN_MAX_US / units[i].us ? units[i].us : 0);
            return n <= SPAN_MAX_US / units[i].us;
        }
    return false;
}

/* Exactly n digits off the front of *s. */
static bool take_digits(str *s, size_t n, int *out)
{
    *out = 0;
    if (s->n < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return false;
        *out = *out * 10 + (s->p[i] - '0');
    }
    *s = str_sub(*s, n, s->n);
    return true;
}

static bool take_char(str *s, char c)
{
    if (!s->n || s->p[0] != c)
        return false;
    *s = str_sub(*s, 1, s->n);
    return true;
}

static int64_t take_fraction_us(str *s)
{
    int64_t us = 0, unit = 100000;

    while (s->n && s->p[0] >= '0' && s->p[0] <= '9') {
        us += (s->p[0] - '0') * unit;
        unit /= 10;
        *s = str_sub(*s, 1, s->n);
    }
    return us;
}

/* "" is UTC. False: neither Z nor +hh:mm. */
static bool take_zone(str *s, int64_t *offset_s)
{
    int hours, minutes, sign;

    *offset_s = 0;
    if (!s->n || take_char(s, 'Z') || take_char(s, 'z'))
        return true;
    sign = take_char(s, '-') ? -1 : 1;
    if (sign == 1 && !take_char(s, '+'))
        return false;
    if (!take_digits(s, 2, &hours) || !take_char(s, ':') || !take_digits(s, 2, &minutes) ||
        hours > 18 || minutes > 59)
        return false;
    *offset_s = (int64_t)sign * (hours * 60 + minutes) * 60;
    return true;
}

/* hh:mm[:ss[.fraction]] as microseconds of the day. */
static bool take_clock(str *s, int64_t *us)
{
    int hour, minute, second = 0;
    int64_t fraction = 0;

    if (!take_digits(s, 2, &hour) || !take_char(s, ':') || !take_digits(s, 2, &minute))
        return false;
    if (take_char(s, ':')) {
        if (!take_digits(s, 2, &second))
            return false;
        if (take_char(s, '.'))
            fraction = take_fraction_us(s);
    }
    *us = (hour * 3600 + minute * 60 + second) * SECOND_US + fraction;
    return hour < 24 && minute < 60 && second < 60;
}

bool when_parse(str text, int64_t now_us, int64_t *out)
{
    int64_t us = 0, offset_s = 0, span, day;
    str s = str_sub(text, DATE_TEXT_BYTES, text.n);

    if (str_eq_nocase(text, STR("now"))) {
        *out = now_us;
        return true;
    }
    if (text.n && (text.p[0] == '-' || text.p[0] == '+')) {
        if (!when_span(str_sub(text, 1, text.n), &span))
            return false;
        *out = text.p[0] == '-' ? now_us - span : now_us + span;
        return true;
    }
    if (!date_parse(str_sub(text, 0, DATE_TEXT_BYTES), &day))
        return false;
    if (s.n && ((!take_char(&s, 'T') && !take_char(&s, ' ')) || !take_clock(&s, &us) ||
                !take_zone(&s, &offset_s)))
        return false;
    *out = day * MOMENT_DAY_US + us - offset_s * SECOND_US;
    return s.n == 0;
}

const char *when_text(struct arena *a, int64_t seconds)
{
    time_t at = (time_t)seconds;
    struct tm t;
    char text[64];
    const char *copy = NULL;

    if (gmtime_r(&at, &t) && strftime(text, sizeof text, "%Y-%m-%d %H:%M", &t))
        copy = arena_cstr(a, str_of(text));
    return copy ? copy : "?";
}

const char *when_span_text(struct arena *a, int64_t us)
{
    double s = (double)us / 1e6;
    const char *text;

    if (s < 0.0995)
        text = arena_printf(a, "%.1f ms", s * 1000);
    else if (s < 1)
        text = arena_printf(a, "%.0f ms", s * 1000);
    else if (s < 120)
        text = arena_printf(a, "%.1f s", s);
    else
        text = arena_printf(a, "%d min %d s", (int)(s / 60), (int)s % 60);
    return text ? text : "?";
}
