/* The evaluators of signal.def, and the table itself at the end. Each is a few lines over the
 * scene; what they need to be told differently per row is in the row. */
#include "base/str.h"
#include "domain/hostname.h"
#include "domain/moment.h"
#include "domain/money.h"
#include "domain/signal.h"
#include "domain/text.h"

static const struct signal_value missing = {.known = false};

static struct signal_value say(int share, const char *text)
{
    return (struct signal_value){.known = true, .share = share, .text = text};
}

static struct signal_value measured(int share, int64_t number)
{
    return (struct signal_value){.known = true, .share = share, .number = number};
}

/* n of `full`, at most all of it. */
static int part(int64_t n, int64_t full)
{
    return n >= full ? 1000 : n <= 0 ? 0 : (int)(n * 1000 / full);
}

/* One row per upper bound (included), in order; the last row is for everything above. */
struct band {
    int64_t upto;
    int share;
};

static int band_of(const struct band *bands, int64_t n)
{
    while (n > bands->upto)
        bands++;
    return bands->share;
}

/* One of the blank-separated words stands in text as a whole word. */
static bool has_word(str text, const char *words)
{
    str list = str_of(words);

    while (list.n) {
        str word = str_cut(&list, ' ');

        for (size_t i = 0; word.n && i + word.n <= text.n; i++) {
            bool starts = i == 0 || !text_is_word_rune((unsigned char)text.p[i - 1]);
            bool ends =
                i + word.n == text.n || !text_is_word_rune((unsigned char)text.p[i + word.n]);

            if (starts && ends && memcmp(text.p + i, word.p, word.n) == 0)
                return true;
        }
    }
    return false;
}

static const AttributeValue *attribute(const struct scene *s, const char *key)
{
    for (size_t i = 0; i < s->lead->n_attributes; i++)
        if (strcmp(s->lead->attributes[i]->key, key) == 0)
            return s->lead->attributes[i]->value;
    return NULL;
}

static bool is_number(const AttributeValue *v)
{
    return v && v->kind_case == SALES__V1__ATTRIBUTE_VALUE__KIND_NUMBER_VALUE;
}

static struct signal_value text_at(const void *message, int offset)
{
    const char *text = *(char *const *)((const char *)message + offset);

    return *text ? say(1000, text) : missing;
}

static struct signal_value lead_text(const struct scene *s, const struct signal *row)
{
    return text_at(s->lead, row->a);
}

static struct signal_value company_text(const struct scene *s, const struct signal *row)
{
    return text_at(s->company, row->a);
}

/* The company ------------------------------------------------------------------------------------
 */

static struct signal_value employees(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{9, 0},       {49, 300},    {249, 700},
                                        {4999, 1000}, {49999, 800}, {INT64_MAX, 500}};
    int64_t n = s->company->employees, least = s->policy->ideal_employees_min,
            most = s->policy->ideal_employees_max;

    (void)row;
    if (n == 0)
        return missing;
    if (!least && !most)
        return measured(band_of(bands, n), n);
    if (n >= least && (!most || n <= most))
        return measured(1000, n);
    if (n >= least / 2 && (!most || n <= most * 2))
        return measured(400, n);
    return measured(-500, n);
}

static struct signal_value revenue(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {
        {999999, 0}, {9999999, 400}, {49999999, 700}, {INT64_MAX, 1000}};
    const Money *m = s->company->annual_revenue;
    unsigned digits;
    int64_t major;

    (void)row;
    if (!m || !currency_find(str_of(m->currency_code), &digits))
        return missing;
    for (major = m->amount_minor; digits > 0; digits--)
        major /= 10;
    return measured(band_of(bands, major), major);
}

static struct signal_value industry(const struct scene *s, const struct signal *row)
{
    const char *name = s->company->industry;

    (void)row;
    if (!*name)
        return missing;
    for (size_t i = 0; i < s->policy->n_ideal_industries; i++)
        if (str_eq_nocase(str_of(name), str_of(s->policy->ideal_industries[i])))
            return say(1000, name);
    return say(s->policy->n_ideal_industries ? -300 : 300, name);
}

static struct signal_value country_served(const struct scene *s, const struct signal *row)
{
    (void)row;
    return *s->country ? say(1000, s->country) : missing; /* out of territory is a hard rule */
}

static struct signal_value company_age(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{0, -500}, {2, 300}, {INT64_MAX, 1000}};
    char today[DATE_TEXT_BYTES + 1];
    long long year = 0;

    (void)row;
    date_of(s->in->as_of_us, today);
    if (!s->company->founded_year || !str_to_int64(str_sub(str_of(today), 0, 4), &year))
        return missing;
    return measured(band_of(bands, year - s->company->founded_year),
                    year - s->company->founded_year);
}

static struct signal_value technologies(const struct scene *s, const struct signal *row)
{
    size_t n = s->company->n_technologies;

    return n ? measured(part((int64_t)n, row->a), (int64_t)n) : missing;
}

static struct signal_value technology_of(const struct scene *s, const struct signal *row)
{
    for (size_t i = 0; i < s->company->n_technologies; i++) {
        str folded = text_fold(s->arena, str_of(s->company->technologies[i]));

        if (folded.p && has_word(folded, row->text))
            return say(1000, s->company->technologies[i]);
    }
    return s->company->n_technologies ? say(0, "none of them") : missing;
}

/* Custom attributes ------------------------------------------------------------------------------
 */

static struct signal_value attribute_yes(const struct scene *s, const struct signal *row)
{
    const AttributeValue *v = attribute(s, row->text);

    if (!v || v->kind_case != SALES__V1__ATTRIBUTE_VALUE__KIND_BOOL_VALUE)
        return missing;
    return say(v->bool_value ? 1000 : 0, v->bool_value ? "yes" : "no");
}

static struct signal_value attribute_text(const struct scene *s, const struct signal *row)
{
    const AttributeValue *v = attribute(s, row->text);

    if (!v || v->kind_case != SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE || !*v->string_value)
        return missing;
    return say(1000, "present");
}

static struct signal_value attribute_at_least(const struct scene *s, const struct signal *row)
{
    const AttributeValue *v = attribute(s, row->text);

    if (!is_number(v))
        return missing;
    return say(v->number_value >= row->a ? 1000 : 0,
               v->number_value >= row->a ? "enough" : "too little");
}

static struct signal_value attribute_recent(const struct scene *s, const struct signal *row)
{
    const AttributeValue *v = attribute(s, row->text);
    int64_t us;

    if (!v || v->kind_case != SALES__V1__ATTRIBUTE_VALUE__KIND_TIME_VALUE)
        return missing;
    us = moment_us(v->time_value, INT64_MAX);
    if (us > s->in->as_of_us) /* not known yet at that time */
        return missing;
    return measured(s->in->as_of_us - us <= row->a * MOMENT_DAY_US ? 1000 : 0,
                    (s->in->as_of_us - us) / MOMENT_DAY_US);
}

static struct signal_value timeline(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{90, 1000}, {180, 500}, {365, 0}, {INT64_MAX, -400}};
    const AttributeValue *v = attribute(s, row->text);

    if (!is_number(v) || !(v->number_value >= 0 && v->number_value < 1e6))
        return missing;
    return measured(band_of(bands, (int64_t)v->number_value), (int64_t)v->number_value);
}

/* The person -------------------------------------------------------------------------------------
 */

static struct signal_value seniority(const struct scene *s, const struct signal *row)
{
    static const int shares[SENIORITY_N] = {
        [SENIORITY_TRAINEE] = -500, [SENIORITY_STAFF] = 150,    [SENIORITY_SENIOR] = 350,
        [SENIORITY_MANAGER] = 600,  [SENIORITY_DIRECTOR] = 850, [SENIORITY_VP] = 950,
        [SENIORITY_C_LEVEL] = 1000, [SENIORITY_OWNER] = 1000};
    unsigned n = s->lead->seniority;

    (void)row;
    return n > 0 && n < SENIORITY_N ? say(shares[n], seniority_name(s->lead->seniority)) : missing;
}

static struct signal_value job_function(const struct scene *s, const struct signal *row)
{
    static const int shares[JOB_FUNCTION_N] = {
        [JOB_FUNCTION_MANAGEMENT] = 1000, [JOB_FUNCTION_SALES] = 900,
        [JOB_FUNCTION_MARKETING] = 700,   [JOB_FUNCTION_FINANCE] = 600,
        [JOB_FUNCTION_IT] = 600,          [JOB_FUNCTION_OPERATIONS] = 500,
        [JOB_FUNCTION_ENGINEERING] = 300, [JOB_FUNCTION_SUPPORT] = 300,
        [JOB_FUNCTION_HR] = 200,          [JOB_FUNCTION_LEGAL] = 200};
    unsigned n = s->lead->job_function;

    (void)row;
    return n > 0 && n < JOB_FUNCTION_N ? say(shares[n], job_function_name(s->lead->job_function))
                                       : missing;
}

static struct signal_value buying_role(const struct scene *s, const struct signal *row)
{
    static const int shares[BUYING_ROLE_N] = {
        [BUYING_ROLE_ECONOMIC_BUYER] = 1000, [BUYING_ROLE_DECISION_MAKER] = 950,
        [BUYING_ROLE_CHAMPION] = 800,        [BUYING_ROLE_INFLUENCER] = 400,
        [BUYING_ROLE_PROCUREMENT] = 300,     [BUYING_ROLE_USER] = 200,
        [BUYING_ROLE_BLOCKER] = -1000};
    unsigned n = s->lead->buying_role;

    (void)row;
    return n > 0 && n < BUYING_ROLE_N ? say(shares[n], buying_role_name(s->lead->buying_role))
                                      : missing;
}

static struct signal_value title_match(const struct scene *s, const struct signal *row)
{
    if (!s->title.n)
        return missing;
    return has_word(s->title, row->text) ? say(1000, s->lead->job_title)
                                         : say(200, s->lead->job_title);
}

static struct signal_value title_has(const struct scene *s, const struct signal *row)
{
    if (!s->title.n)
        return missing;
    return has_word(s->title, row->text) ? say(1000, s->lead->job_title)
                                         : say(0, s->lead->job_title);
}

static struct signal_value tag(const struct scene *s, const struct signal *row)
{
    for (size_t i = 0; i < s->lead->n_tags; i++) {
        str list = str_of(row->text);

        while (list.n)
            if (str_eq_nocase(str_cut(&list, ' '), str_of(s->lead->tags[i])))
                return say(1000, s->lead->tags[i]);
    }
    return missing;
}

/* Where it came from -----------------------------------------------------------------------------
 */

struct rank {
    const char *word;
    int share;
};

/* The first row whose word stands in text; one that nobody ranked is worth a little. */
static int rank_of(const struct rank *ranks, size_t n, str text)
{
    for (size_t i = 0; i < n; i++)
        if (has_word(text, ranks[i].word))
            return ranks[i].share;
    return 200;
}

static struct signal_value source_rank(const struct scene *s, const struct signal *row)
{
    static const struct rank ranks[] = {
        {"referral", 1000},   {"partner", 800},  {"demo", 900},   {"inbound", 700},
        {"webinar", 600},     {"event", 500},    {"trade", 500},  {"website", 500},
        {"organic", 500},     {"content", 400},  {"social", 200}, {"ads", 200},
        {"telemarketing", 0}, {"outbound", 0},   {"cold", -200},  {"list", -600},
        {"purchased", -800},  {"scraped", -1000}};

    (void)row;
    if (!*s->lead->source)
        return missing;
    return say(rank_of(ranks, sizeof ranks / sizeof *ranks, s->source), s->lead->source);
}

static struct signal_value medium_rank(const struct scene *s, const struct signal *row)
{
    static const struct rank ranks[] = {{"referral", 1000}, {"organic", 700}, {"email", 500},
                                        {"cellular", 500},  {"cpc", 400},     {"social", 300},
                                        {"telephone", 100}, {"display", 0}};

    (void)row;
    if (!*s->lead->medium)
        return missing;
    return say(rank_of(ranks, sizeof ranks / sizeof *ranks, s->source), s->lead->medium);
}

static struct signal_value source_has(const struct scene *s, const struct signal *row)
{
    if (!*s->lead->source && !*s->lead->medium)
        return missing;
    return has_word(s->source, row->text) ? say(1000, s->lead->source) : say(0, s->lead->source);
}

/* What the person did ----------------------------------------------------------------------------
 */

static struct signal_value events(const struct scene *s, const struct signal *row)
{
    if (!s->r)
        return missing;
    return measured(part(s->r->n_event[row->a][row->b], row->c), s->r->n_event[row->a][row->b]);
}

static struct signal_value kinds(const struct scene *s, const struct signal *row)
{
    if (!s->r)
        return missing;
    return measured(part(s->r->n_kind[row->a][row->b], row->c), s->r->n_kind[row->a][row->b]);
}

static struct signal_value active_days(const struct scene *s, const struct signal *row)
{
    int n = 0;

    if (!s->r)
        return missing;
    for (uint64_t bits = s->r->inbound_days_28; bits; bits &= bits - 1)
        n++;
    return measured(part(n - 1, row->a), n); /* a single day is no return */
}

static struct signal_value channels(const struct scene *s, const struct signal *row)
{
    int n = 0;

    if (!s->r)
        return missing;
    for (int k = ACTIVITY_KIND_EMAIL; k < ACTIVITY_KIND_N; k++)
        if (k != ACTIVITY_KIND_NOTE && k != ACTIVITY_KIND_TASK)
            n += s->r->n_kind[k][ROLLUP_90D] > 0;
    return measured(part(n - 1, row->a - 1), n);
}

static struct signal_value hand_raise(const struct scene *s, const struct signal *row)
{
    if (!s->r)
        return missing;
    if (s->r->last_inbound_us == ROLLUP_NEVER)
        return measured(0, 0);
    return say(s->in->as_of_us - s->r->last_inbound_us <= row->a * MOMENT_DAY_US ? 1000 : 0,
               "they came to us");
}

static struct signal_value reply(const struct scene *s, const struct signal *row)
{
    static const int shares[REPLY_CLASS_N] = {
        [REPLY_CLASS_POSITIVE] = 1000, [REPLY_CLASS_MEETING] = 1000,  [REPLY_CLASS_QUESTION] = 600,
        [REPLY_CLASS_REFERRAL] = 300,  [REPLY_CLASS_OBJECTION] = 100, [REPLY_CLASS_NOT_NOW] = -200};

    (void)row;
    if (!s->r || s->r->last_reply == REPLY_CLASS_UNSPECIFIED)
        return missing;
    return say(shares[s->r->last_reply], reply_class_name(s->r->last_reply));
}

static struct signal_value reply_is(const struct scene *s, const struct signal *row)
{
    int class;

    if (!s->r)
        return missing;
    class = (int)s->r->last_reply;
    return class && (class == row->a || class == row->b)
               ? say(1000, reply_class_name(s->r->last_reply))
               : measured(0, 0);
}

/* The account ------------------------------------------------------------------------------------
 */

static struct signal_value account_count(const struct scene *s, const struct signal *row)
{
    uint32_t n;

    if (!s->account)
        return missing;
    n = row->a == 0   ? s->account->n_contacts
        : row->a == 1 ? s->account->n_active_14d
                      : s->account->n_roles;
    return measured(part((int64_t)n - 1, row->b - 1), n); /* the first is the lead itself */
}

static struct signal_value account_flag(const struct scene *s, const struct signal *row)
{
    bool set;

    if (!s->account)
        return missing;
    set = row->a == 0   ? s->account->economic_buyer_seen
          : row->a == 1 ? s->account->open_deal
          : row->a == 2 ? s->account->won_before
                        : s->account->lost_90d;
    return say(set ? 1000 : 0, set ? "yes" : "no");
}

/* Recency ----------------------------------------------------------------------------------------
 */

static struct signal_value age(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {
        {7, 1000}, {30, 500}, {90, 0}, {365, -500}, {INT64_MAX, -1000}};
    int64_t born = moment_us(s->lead->created_at, moment_us(s->lead->create_time, INT64_MIN)), days;

    (void)row;
    if (born == INT64_MIN || born > s->in->as_of_us)
        return missing;
    days = (s->in->as_of_us - born) / MOMENT_DAY_US;
    return measured(band_of(bands, days), days);
}

static struct signal_value since(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{7, 1000}, {30, 400}, {90, -300}, {INT64_MAX, -1000}};
    int64_t last = !s->r    ? ROLLUP_NEVER
                   : row->a ? s->r->last_inbound_us
                            : s->r->last_touch_us,
            days;

    if (last == ROLLUP_NEVER)
        return missing;
    days = (s->in->as_of_us - last) / MOMENT_DAY_US;
    return measured(band_of(bands, days), days);
}

/* Contacts of the last 7 days against a quarter of those of 28. */
static struct signal_value velocity(const struct scene *s, const struct signal *row)
{
    int64_t week, month;

    (void)row;
    if (!s->r)
        return missing;
    week = (int64_t)s->r->n_inbound[ROLLUP_7D];
    month = (int64_t)s->r->n_inbound[ROLLUP_28D];
    if (!month)
        return measured(0, 0);
    return measured((int)((4 * week - month) * 1000 / (3 * month)), 100 * week / month);
}

static struct signal_value response(const struct scene *s, const struct signal *row)
{
    static const struct band bands[] = {{60, 1000}, {1440, 300}, {INT64_MAX, -500}};
    int64_t minutes;

    (void)row;
    if (!s->r || s->r->first_inbound_us == ROLLUP_NEVER ||
        s->r->first_outbound_us < s->r->first_inbound_us)
        return missing;
    minutes = (s->r->first_outbound_us - s->r->first_inbound_us) / (60 * MOMENT_SECOND_US);
    return measured(band_of(bands, minutes), minutes);
}

static struct signal_value untouched(const struct scene *s, const struct signal *row)
{
    int64_t born = moment_us(s->lead->created_at, moment_us(s->lead->create_time, INT64_MAX));

    if (!s->r || born == INT64_MAX)
        return missing;
    return measured(s->r->last_outbound_us == ROLLUP_NEVER &&
                            s->in->as_of_us - born > row->a * MOMENT_DAY_US
                        ? 1000
                        : 0,
                    row->a);
}

static struct signal_value inactive(const struct scene *s, const struct signal *row)
{
    if (!s->r || s->r->last_inbound_us == ROLLUP_NEVER)
        return missing;
    return measured(s->in->as_of_us - s->r->last_inbound_us > row->a * MOMENT_DAY_US ? 1000 : 0,
                    (s->in->as_of_us - s->r->last_inbound_us) / MOMENT_DAY_US);
}

/* The record -------------------------------------------------------------------------------------
 */

static struct signal_value email_ok(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!s->has_email)
        return missing;
    return s->email_ok ? say(1000, email_kind_name(s->email.kind)) : say(-1000, "not an address");
}

static struct signal_value email_is(const struct scene *s, const struct signal *row)
{
    if (!s->email_ok)
        return missing;
    return say((int)s->email.kind == row->a ? 1000 : 0, email_kind_name(s->email.kind));
}

static struct signal_value email_role(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!s->email_ok)
        return missing;
    return say(s->email.is_role ? 1000 : 0, s->email.is_role ? "a function" : "a person");
}

static struct signal_value phone_ok(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!s->has_phone)
        return missing;
    return s->phone_ok ? say(1000, "can exist") : say(-500, "cannot be read");
}

static struct signal_value phone_country(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!s->phone_ok || !s->phone.country || !*s->country)
        return missing;
    return say(strcmp(s->phone.country->alpha2, s->country) == 0 ? 1000 : -500,
               s->phone.country->alpha2);
}

static struct signal_value domain_match(const struct scene *s, const struct signal *row)
{
    str domain = str_of(s->company->domain);

    (void)row;
    if (!domain.n || !s->email_ok || !email_company_domain(&s->email).n)
        return missing;
    return hostname_is_under(s->email.host.ascii, domain) ? say(1000, "the same domain")
                                                          : say(-500, "another domain");
}

static struct signal_value name_ok(const struct scene *s, const struct signal *row)
{
    (void)row;
    if (!*s->lead->full_name)
        return missing;
    return say(s->name_flaw == NAME_FLAW_NONE ? 1000 : -1000, name_flaw_text(s->name_flaw));
}

static struct signal_value completeness(const struct scene *s, const struct signal *row)
{
    (void)row;
    return measured(s->completeness_permille, s->completeness_permille / 10);
}

static struct signal_value consent(const struct scene *s, const struct signal *row)
{
    const Consent *c = s->lead->consent;

    (void)row;
    if (!c || c->email == CONSENT_STATE_UNSPECIFIED)
        return missing;
    return c->email == CONSENT_STATE_GRANTED ? say(1000, "given") : say(-1000, "refused");
}

static struct signal_value academic(const struct scene *s, const struct signal *row)
{
    if (s->email_ok && s->email.kind == EMAIL_ACADEMIC)
        return say(1000, "academic mail address");
    return title_has(s, row);
}

static const struct signal rows[] = {
#define X(name, group, points, weight, field, eval, a, b, c, text, words)                          \
    {#name,    SIGNAL_GROUP_##group,                                                               \
     points,   weight,                                                                             \
     field,    eval,                                                                               \
     (int)(a), (int)(b),                                                                           \
     (int)(c), text,                                                                               \
     words,    #eval "(" #a ", " #b ", " #c ")"},
#include "domain/signal.def"
#undef X
};

const struct signal *signal_rows(size_t *n)
{
    *n = sizeof rows / sizeof *rows;
    return rows;
}
