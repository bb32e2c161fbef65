/* Money: the currency table and exact sums. */
#include "domain/money.h"

enum { MICRO = 1000000 };

static const struct {
    const char *code;
    unsigned digits;
} currencies[] = {
#define X(code, digits, name) {#code, digits},
#include "domain/currency.def"
#undef X
};

bool currency_find(str code, unsigned *digits_out)
{
    size_t lo = 0, hi = sizeof currencies / sizeof *currencies;

    *digits_out = 0;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = str_cmp(str_of(currencies[mid].code), code);

        if (order == 0) {
            *digits_out = currencies[mid].digits;
            return true;
        }
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return false;
}

static bool all_digits(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

bool money_parse(str text, unsigned digits, int64_t *minor_out)
{
    str whole = str_trim(text), fraction = {0};
    bool negative = whole.n && whole.p[0] == '-';
    long long value;

    *minor_out = 0;
    if (negative || (whole.n && whole.p[0] == '+'))
        whole = str_sub(whole, 1, whole.n);
    for (size_t i = 0; i < whole.n; i++) {
        if (whole.p[i] == '.' || whole.p[i] == ',') {
            fraction = str_sub(whole, i + 1, whole.n);
            whole = str_sub(whole, 0, i);
        }
    }
    while (fraction.n > digits && fraction.p[fraction.n - 1] == '0')
        fraction.n--;
    if (!whole.n || !all_digits(whole) || !all_digits(fraction) || fraction.n > digits ||
        !str_to_int64(whole, &value))
        return false;
    for (unsigned i = 0; i < digits; i++) {
        int digit = i < fraction.n ? fraction.p[i] - '0' : 0;

        if (value > (INT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *minor_out = negative ? -value : value;
    return true;
}

char *money_format(struct arena *a, int64_t minor, str code)
{
    unsigned digits = 0;
    uint64_t size = minor < 0 ? 0 - (uint64_t)minor : (uint64_t)minor, unit = 1;

    if (!currency_find(code, &digits))
        return arena_printf(a, "%lld minor " STR_FMT, (long long)minor, STR_ARG(code));
    for (unsigned i = 0; i < digits; i++)
        unit *= 10;
    if (!digits)
        return arena_printf(a, "%lld " STR_FMT, (long long)minor, STR_ARG(code));
    return arena_printf(a, "%s%llu.%0*llu " STR_FMT, minor < 0 ? "-" : "",
                        (unsigned long long)(size / unit), (int)digits,
                        (unsigned long long)(size % unit), STR_ARG(code));
}

bool money_add(int64_t *sum, int64_t minor)
{
    if (minor > 0 && *sum > INT64_MAX - minor) {
        *sum = INT64_MAX;
        return true;
    }
    if (minor < 0 && *sum < INT64_MIN - minor) {
        *sum = INT64_MIN;
        return true;
    }
    *sum += minor;
    return false;
}

static int64_t chance_ppm(double chance)
{
    if (!(chance > 0)) /* NaN too */
        return 0;
    return chance >= 1 ? MICRO : (int64_t)(chance * MICRO + 0.5);
}

void money_sum_add(struct money_sum *s, int64_t minor, double chance)
{
    int64_t ppm = chance_ppm(chance);
    /* minor * ppm = (whole * MICRO + rest) * ppm; each part stays far below int64 */
    int64_t whole = minor / MICRO, rest = minor % MICRO, micro = s->weighted_micro + rest * ppm;
    int64_t carry = micro / MICRO - (micro % MICRO < 0);

    s->count++;
    s->overflowed |= money_add(&s->minor, minor);
    s->overflowed |= money_add(&s->weighted_minor, whole * ppm);
    s->overflowed |= money_add(&s->weighted_minor, carry);
    s->weighted_micro = micro - carry * MICRO;
}

int64_t money_sum_weighted(const struct money_sum *s)
{
    int64_t sum = s->weighted_minor;

    if (s->weighted_micro >= MICRO / 2)
        money_add(&sum, 1);
    return sum;
}

int64_t money_weighted(int64_t minor, double chance)
{
    struct money_sum s = {0};

    money_sum_add(&s, minor, chance);
    return money_sum_weighted(&s);
}
