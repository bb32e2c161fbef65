/* Every rule of policy_check, one row each, and all of them at once. */
#include "agent/policy_check.h"
#include "domain/pipeline.h"
#include "support/table.h"

/* ---- parts of policies, with one fault each -------------------------------------------------- */

static QualificationPolicy qualification = QUALIFICATION_POLICY_INIT;
static ToolPolicy tools[2] = {TOOL_POLICY_INIT, TOOL_POLICY_INIT},
                  *tool_list[] = {tools, tools + 1};
static RetentionRule rules[2] = {RETENTION_RULE_INIT, RETENTION_RULE_INIT},
                     *rule_list[] = {rules, rules + 1};
static QuietHours quiet[2] = {QUIET_HOURS_INIT, QUIET_HOURS_INIT},
                  *quiet_list[] = {quiet, quiet + 1};
static LocalHours hours = LOCAL_HOURS_INIT, *hour_list[] = {&hours};
static SendingPolicy sending = SENDING_POLICY_INIT;
static ForecastPolicy forecast = FORECAST_POLICY_INIT;
static CurrencyRate rates[2] = {CURRENCY_RATE_INIT, CURRENCY_RATE_INIT},
                    *rate_list[] = {rates, rates + 1};
static AiPolicy ai = AI_POLICY_INIT;
static CoachingPolicy coaching = COACHING_POLICY_INIT;
static Pipeline pipelines[2], *pipeline_list[] = {pipelines, pipelines + 1};
static Role propose[] = {ROLE_REP, ROLE_VIEWER};
static char *unknown_country[] = {"DE", "XX"}, *one_country[] = {"DE"},
            *no_domain[] = {"not a domain"};

static void zone(TenantPolicy *p)
{
    p->default_time_zone = "Mars/Olympus";
}
static void country(TenantPolicy *p)
{
    p->default_country_code = "XX";
}
static void currency(TenantPolicy *p)
{
    p->default_currency_code = "ZZZ";
}
static void language(TenantPolicy *p)
{
    p->default_language = "x";
}

static void blocked(TenantPolicy *p)
{
    p->qualification = &qualification;
    qualification.blocked_country_codes = unknown_country;
    qualification.n_blocked_country_codes = 2;
}

static void territory(TenantPolicy *p)
{
    p->qualification = &qualification;
    qualification.territory_country_codes = unknown_country;
    qualification.n_territory_country_codes = 2;
}

static void both(TenantPolicy *p)
{
    p->qualification = &qualification;
    qualification.blocked_country_codes = qualification.territory_country_codes = one_country;
    qualification.n_blocked_country_codes = qualification.n_territory_country_codes = 1;
}

static void competitor(TenantPolicy *p)
{
    p->qualification = &qualification;
    qualification.competitor_domains = no_domain;
    qualification.n_competitor_domains = 1;
}

static void scores(TenantPolicy *p)
{
    p->qualification = &qualification;
    qualification.qualify_min_score = 90; /* premium: 80 where nothing is said */
}

static void employees(TenantPolicy *p)
{
    p->qualification = &qualification;
    qualification.ideal_employees_min = 100;
    qualification.ideal_employees_max = 10;
}

static void put_tools(TenantPolicy *p, size_t n)
{
    p->tools = tool_list;
    p->n_tools = n;
    tools[0].tool = tools[1].tool = TOOL_SEND_OUTREACH_EMAIL;
}

static void tool_twice(TenantPolicy *p)
{
    put_tools(p, 2);
}

static void proposer(TenantPolicy *p)
{
    put_tools(p, 1);
    tools[0].propose_roles = propose;
    tools[0].n_propose_roles = 2;
}

static void approver(TenantPolicy *p)
{
    put_tools(p, 1);
    tools[0].approve_role = ROLE_AGENT;
}

static void put_rules(TenantPolicy *p, DataClass first, DataClass second, int32_t days)
{
    p->retention = rule_list;
    p->n_retention = 2;
    rules[0].data_class = first;
    rules[1].data_class = second;
    rules[0].days = days;
    rules[1].days = 365;
}

static void class_twice(TenantPolicy *p)
{
    put_rules(p, DATA_CLASS_AUDIT, DATA_CLASS_AUDIT, 365);
}
static void short_trail(TenantPolicy *p)
{
    put_rules(p, DATA_CLASS_AUDIT, DATA_CLASS_CALL, 10);
}

static void put_quiet(TenantPolicy *p, char *first, char *second)
{
    p->quiet_hours = quiet_list;
    p->n_quiet_hours = 2;
    quiet[0].channel = quiet[1].channel = CHANNEL_EMAIL;
    quiet[0].country_code = first;
    quiet[1].country_code = second;
}

static void quiet_nowhere(TenantPolicy *p)
{
    put_quiet(p, "DE", "XX");
}
static void quiet_twice(TenantPolicy *p)
{
    put_quiet(p, "DE", "DE");
}

static void no_hours(TenantPolicy *p)
{
    put_quiet(p, "DE", "AT");
    quiet[1].hours = hour_list;
    quiet[1].n_hours = 1;
    hours.start_minute = hours.end_minute = 480;
}

static void mailbox(TenantPolicy *p)
{
    p->sending = &sending;
    sending.max_per_day = 10;
    sending.max_per_mailbox_day = 11;
}

static void domain(TenantPolicy *p)
{
    p->sending = &sending;
    sending.max_per_day = 10;
    sending.max_per_domain_day = 11;
}

static void forecast_currency(TenantPolicy *p)
{
    p->forecast = &forecast;
    forecast.currency_code = "ZZZ";
}

static void put_rates(TenantPolicy *p, char *from, char *to, char *date)
{
    p->forecast = &forecast;
    forecast.rates = rate_list;
    forecast.n_rates = 2;
    rates[0].from_currency = from;
    rates[0].to_currency = to;
    rates[0].date = date;
    rates[1].from_currency = "EUR";
    rates[1].to_currency = "USD";
    rates[1].date = "2026-01-31";
}

static void rate_from(TenantPolicy *p)
{
    put_rates(p, "ZZZ", "USD", "2026-01-31");
}
static void rate_to(TenantPolicy *p)
{
    put_rates(p, "EUR", "ZZZ", "2026-01-31");
}
static void rate_date(TenantPolicy *p)
{
    put_rates(p, "EUR", "USD", "2026-02-30");
}
static void rate_self(TenantPolicy *p)
{
    put_rates(p, "EUR", "EUR", "2026-01-31");
}
static void rate_twice(TenantPolicy *p)
{
    put_rates(p, "EUR", "USD", "2026-01-31");
}

static void agreement(TenantPolicy *p)
{
    p->ai = &ai;
    ai.external_disabled = ai.external_under_hipaa = true;
}

static void budget(TenantPolicy *p)
{
    p->ai = &ai;
    ai.monthly_budget_micro_usd = 5;
    ai.user_daily_budget_micro_usd = 6;
}

static void audio(TenantPolicy *p)
{
    p->hipaa_mode = true;
    p->coaching = &coaching;
    coaching.store_audio = true;
}

static void transcripts(TenantPolicy *p)
{
    p->hipaa_mode = true;
    p->coaching = &coaching;
    coaching.keep_personal_data = true;
}

static void put_pipelines(TenantPolicy *p, size_t n)
{
    p->pipelines = pipeline_list;
    p->n_pipelines = n;
    pipelines[0] = pipelines[1] = *pipeline_default();
}

static void pipeline_twice(TenantPolicy *p)
{
    put_pipelines(p, 2);
}

static void no_stages(TenantPolicy *p)
{
    put_pipelines(p, 1);
    pipelines[0].n_stages = 0;
}

/* ---- one row per rule ------------------------------------------------------------------------ */

struct fault_row {
    void (*make)(TenantPolicy *p);
    const char *rule, *field;
};

/* clang-format off */
static const struct fault_row rows[] = {
    {zone,              "time_zone.known",      "policy.default_time_zone"},
    {country,           "country.known",        "policy.default_country_code"},
    {currency,          "currency.known",       "policy.default_currency_code"},
    {language,          "language.shape",       "policy.default_language"},
    {blocked,           "country.known",        "policy.qualification.blocked_country_codes[1]"},
    {territory,         "country.known",        "policy.qualification.territory_country_codes[1]"},
    {both,              "policy.contradiction", "policy.qualification.territory_country_codes[0]"},
    {competitor,        NULL,                   "policy.qualification.competitor_domains[0]"},
    {scores,            "policy.contradiction", "policy.qualification.premium_min_score"},
    {employees,         "policy.contradiction", "policy.qualification.ideal_employees_max"},
    {tool_twice,        "policy.twice",         "policy.tools[1].tool"},
    {proposer,          "tool.propose",         "policy.tools[0].propose_roles[1]"},
    {approver,          "tool.approve",         "policy.tools[0].approve_role"},
    {class_twice,       "policy.twice",         "policy.retention[1].data_class"},
    {short_trail,       NULL,                   "policy.retention[0].days"},
    {quiet_nowhere,     "country.known",        "policy.quiet_hours[1].country_code"},
    {quiet_twice,       "policy.twice",         "policy.quiet_hours[1]"},
    {no_hours,          "hours.empty",          "policy.quiet_hours[1].hours[0].end_minute"},
    {mailbox,           "policy.contradiction", "policy.sending.max_per_mailbox_day"},
    {domain,            "policy.contradiction", "policy.sending.max_per_domain_day"},
    {forecast_currency, "currency.known",       "policy.forecast.currency_code"},
    {rate_from,         "currency.known",       "policy.forecast.rates[0].from_currency"},
    {rate_to,           "currency.known",       "policy.forecast.rates[0].to_currency"},
    {rate_date,         "date.known",           "policy.forecast.rates[0].date"},
    {rate_self,         "policy.contradiction", "policy.forecast.rates[0].to_currency"},
    {rate_twice,        "policy.twice",         "policy.forecast.rates[1]"},
    {agreement,         "policy.contradiction", "policy.ai.external_under_hipaa"},
    {budget,            "policy.contradiction", "policy.ai.user_daily_budget_micro_usd"},
    {audio,             "hipaa.audio",          "policy.coaching.store_audio"},
    {transcripts,       "hipaa.redaction",      "policy.coaching.keep_personal_data"},
    {pipeline_twice,    "policy.twice",         "policy.pipelines[1].id"},
    {no_stages,         NULL,                   "policy.pipelines[0].stages"},
};
/* clang-format on */

static bool says(const struct call *c, const char *rule, const char *field)
{
    for (size_t i = 0; i < c->fault.n_details; i++) {
        const struct fault_detail *d = &c->fault.details[i];

        if (str_eq(d->subject, str_of(field)) && (!rule || str_eq(d->type, str_of(rule))))
            return d->text.n > 0;
    }
    return false;
}

TABLE_TEST(policy_check, each_rule_names_its_field_and_nothing_else, struct fault_row, rows)
{
    TenantPolicy p = TENANT_POLICY_INIT;
    struct call c;

    call_init(&c, NULL, 1 << 20);
    row->make(&p);
    cr_assert_eq(policy_check(&c, "policy", &p), STATUS_INVALID, "%s", row->field);
    cr_assert_str_eq(c.fault.reason, "POLICY");
    cr_assert(says(&c, row->rule, row->field), "%s", row->field);
    cr_assert_eq(c.fault.n_details, 1, "%s and %zu more", row->field, c.fault.n_details - 1);
    call_release(&c);
}

Test(policy_check, several_faults_are_told_at_once)
{
    static const struct fault_row together[] = {
        {zone, "time_zone.known", "policy.default_time_zone"},
        {employees, "policy.contradiction", "policy.qualification.ideal_employees_max"},
        {approver, "tool.approve", "policy.tools[0].approve_role"},
        {quiet_twice, "policy.twice", "policy.quiet_hours[1]"},
        {rate_date, "date.known", "policy.forecast.rates[0].date"},
        {budget, "policy.contradiction", "policy.ai.user_daily_budget_micro_usd"},
        {pipeline_twice, "policy.twice", "policy.pipelines[1].id"},
    };
    enum { N = sizeof together / sizeof *together };
    TenantPolicy p = TENANT_POLICY_INIT;
    struct call c;

    call_init(&c, NULL, 1 << 20);
    for (size_t i = 0; i < N; i++)
        together[i].make(&p);
    cr_assert_eq(policy_check(&c, "policy", &p), STATUS_INVALID);
    for (size_t i = 0; i < N; i++)
        cr_assert(says(&c, together[i].rule, together[i].field), "%s", together[i].field);
    cr_assert_eq(c.fault.n_details, N);
    call_release(&c);
}

Test(policy_check, a_sound_policy_passes)
{
    TenantPolicy p = TENANT_POLICY_INIT;
    struct call c;

    call_init(&c, NULL, 1 << 20);
    cr_assert_eq(policy_check(&c, "policy", &p), STATUS_OK, "nothing said");
    put_pipelines(&p, 1);
    put_rules(&p, DATA_CLASS_AUDIT, DATA_CLASS_CALL, 365);
    put_quiet(&p, "DE", "AT");
    put_rates(&p, "EUR", "CHF", "2026-01-31");
    p.default_time_zone = "Europe/Vienna";
    p.default_country_code = "AT";
    p.default_currency_code = "EUR";
    p.default_language = "de-AT";
    cr_assert_eq(policy_check(&c, "policy", &p), STATUS_OK, "%s", c.fault.why);
    call_release(&c);
}
