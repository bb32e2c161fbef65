/* Signals that somebody has to tell: a custom attribute, else a fact of enrichment. The text of a
 * row names them: "attribute_key fact.key", the second may be missing. */
#include <stdio.h>

#include "domain/moment.h"
#include "domain/signal_eval.h"

const struct enrich_fact *signal_fact(const struct scene *s, str key)
{
    return key.n ? enrich_fact_best(s->in->facts, s->in->n_facts, key, s->in->as_of_us) : NULL;
}

/* Who tells: at most one of the two is set. */
struct told {
    const AttributeValue *attribute;
    const struct enrich_fact *fact;
};

static struct told ask(const struct scene *s, const struct signal *row)
{
    str fact = str_of(row->text), attribute = str_cut(&fact, ' ');
    struct told t = {.attribute = signal_attribute(s, attribute)};

    if (!t.attribute)
        t.fact = signal_fact(s, fact);
    return t;
}

static bool told_number(struct told t, double *out)
{
    if (t.fact)
        return enrich_fact_number(t.fact, out) && *out <= SIGNAL_NUMBER_MAX &&
               *out >= -SIGNAL_NUMBER_MAX;
    return signal_attribute_number(t.attribute, out);
}

/* A date after the instant was not known then, or has not come. */
static bool told_time(const struct scene *s, struct told t, int64_t *us_out)
{
    bool told = t.fact ? enrich_fact_date(t.fact, us_out) && signal_is_date(*us_out)
                       : signal_attribute_time(t.attribute, us_out);

    return told && *us_out <= s->in->as_of_us;
}

static const char *told_text(struct told t)
{
    const AttributeValue *v = t.attribute;

    if (t.fact)
        return t.fact->type == ENRICH_TEXT ? t.fact->value : "";
    return v && v->kind_case == SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE ? v->string_value
                                                                              : "";
}

struct signal_value eval_attribute_yes(const struct scene *s, const struct signal *row)
{
    struct told t = ask(s, row);
    bool yes;

    if (t.fact)
        return enrich_fact_bool(t.fact, &yes) ? yes_no(yes) : SIGNAL_MISSING;
    if (!t.attribute || t.attribute->kind_case != SALES__V1__ATTRIBUTE_VALUE__KIND_BOOL_VALUE)
        return SIGNAL_MISSING;
    return yes_no(t.attribute->bool_value);
}

struct signal_value eval_attribute_text(const struct scene *s, const struct signal *row)
{
    return *told_text(ask(s, row)) ? say(1000, "present") : SIGNAL_MISSING;
}

struct signal_value eval_attribute_category(const struct scene *s, const struct signal *row)
{
    const char *text = told_text(ask(s, row));

    return *text ? say(1000, text) : SIGNAL_MISSING;
}

/* All of the points from row->a on. */
struct signal_value eval_attribute_at_least(const struct scene *s, const struct signal *row)
{
    double number;

    if (!told_number(ask(s, row), &number))
        return SIGNAL_MISSING;
    return measured(number >= row->a ? 1000 : 0, number);
}

/* Points in proportion, all of them at row->a; less than nothing hurts. */
struct signal_value eval_attribute_number(const struct scene *s, const struct signal *row)
{
    double number, share;

    if (!told_number(ask(s, row), &number))
        return SIGNAL_MISSING;
    share = 1000 * number / row->a;
    return measured(share > 1000 ? 1000 : share < -1000 ? -1000 : (int)share, number);
}

struct signal_value eval_attribute_recent(const struct scene *s, const struct signal *row)
{
    int64_t us, days;

    if (!told_time(s, ask(s, row), &us))
        return SIGNAL_MISSING;
    days = (s->in->as_of_us - us) / MOMENT_DAY_US;
    return measured(s->in->as_of_us - us <= row->a * MOMENT_DAY_US ? 1000 : 0, (double)days);
}

struct signal_value eval_timeline(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{90, 1000}, {180, 500}, {365, 0}, {INT64_MAX, -400}};
    double days;

    if (!told_number(ask(s, row), &days) || !(days >= 0 && days < 1e6))
        return SIGNAL_MISSING;
    return measured(band_of(bands, (int64_t)days), days);
}

/* Days from the instant to the end of the month in which the company's fiscal year ends. */
struct signal_value eval_fiscal_year_end(const struct scene *s, const struct signal *row)
{
    char today[DATE_TEXT_BYTES + 1], next[32];
    long long year = 0, month = 0;
    int64_t day, end;
    double last;

    if (!told_number(ask(s, row), &last) || !(last >= 1 && last <= 12))
        return SIGNAL_MISSING;
    date_of(s->in->as_of_us, today);
    if (!str_to_int64(str_sub(str_of(today), 0, 4), &year) ||
        !str_to_int64(str_sub(str_of(today), 5, 2), &month) || !date_parse(str_of(today), &day))
        return SIGNAL_MISSING;
    year += month > (int)last || (int)last == 12; /* of the month after the last one */
    snprintf(next, sizeof next, "%04lld-%02d-01", year, (int)last % 12 + 1);
    if (!date_parse(str_of(next), &end))
        return SIGNAL_MISSING;
    return measured(0, (double)(end - 1 - day));
}
