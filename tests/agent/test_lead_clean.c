#include "agent/lead_clean.h"
#include "support/table.h"

static struct call c;

static void setup(void)
{
    call_init(&c, NULL, 1 << 20);
}

static void teardown(void)
{
    call_release(&c);
}

TestSuite(lead_clean, .init = setup, .fini = teardown);

struct spelling {
    const char *what;
    size_t offset; /* of the text in Lead */
    const char *in, *out;
    const char *changed; /* path reported; NULL: none */
};

/* clang-format off */
static const struct spelling spellings[] = {
    {"mail keeps its local part", offsetof(Lead, email), "Ada.L@Acme.EXAMPLE", "Ada.L@acme.example", "email"},
    {"mail that is clean",        offsetof(Lead, email), "ada@acme.example", "ada@acme.example", NULL},
    {"national number",           offsetof(Lead, phone), "0171 1234567", "+491711234567", "phone"},
    {"international number",      offsetof(Lead, phone), "+1 (202) 555-0143", "+12025550143", "phone"},
    {"extension",                 offsetof(Lead, phone), "+12025550143 ext. 12", "+12025550143;ext=12", "phone"},
    {"country by name",           offsetof(Lead, country_code), "Deutschland", "DE", "country_code"},
    {"country by code",           offsetof(Lead, country_code), " aut ", "AT", "country_code"},
    {"time zone",                 offsetof(Lead, time_zone), " Europe/Vienna ", "Europe/Vienna", "time_zone"},
    {"white space",               offsetof(Lead, city), "  New \t York ", "New York", "city"},
    {"name",                      offsetof(Lead, full_name), "Ada  Lovelace", "Ada Lovelace", "full_name"},
};
/* clang-format on */

static bool reports(const struct lead_changed *changed, const char *path)
{
    for (size_t i = 0; i < changed->n_paths; i++)
        if (str_eq(str_of(changed->paths[i]), str_of(path)))
            return true;
    return false;
}

TABLE_TEST(lead_clean, stores_one_spelling, struct spelling, spellings)
{
    TenantPolicy policy = TENANT_POLICY_INIT;
    Lead lead = LEAD_INIT;
    struct lead_changed changed;

    policy.default_country_code = "DE";
    *(const char **)((char *)&lead + row->offset) = row->in;
    cr_assert_eq(lead_clean(&c, &policy, &lead, &changed), STATUS_OK, "%s: %s", row->what,
                 c.fault.why);
    cr_assert_str_eq(*(char **)((char *)&lead + row->offset), row->out, "%s", row->what);
    cr_assert_eq(row->changed && reports(&changed, row->changed), row->changed != NULL, "%s",
                 row->what);
    for (int again = 0; again < 2; again++)
        cr_assert_eq(lead_clean(&c, &policy, &lead, &changed), STATUS_OK, "%s", row->what);
    cr_assert_str_eq(*(char **)((char *)&lead + row->offset), row->out, "%s: clean stays clean",
                     row->what);
}

struct refusal_row {
    size_t offset;
    const char *in, *field;
};

static const struct refusal_row refusals[] = {
    {offsetof(Lead, email), "no at sign", "lead.email"},
    {offsetof(Lead, phone), "123", "lead.phone"},
    {offsetof(Lead, city), "a\nb", "lead.city"},
    {offsetof(Lead, country_code), "Atlantis", "lead.country_code"},
    {offsetof(Lead, country_code), "XX", "lead.country_code"},
    {offsetof(Lead, time_zone), "Mars/Olympus", "lead.time_zone"},
    {offsetof(Lead, time_zone), "europe/vienna", "lead.time_zone"},
    {offsetof(Lead, time_zone), "+02:00", "lead.time_zone"},
};

TABLE_TEST(lead_clean, names_the_field_it_cannot_read, struct refusal_row, refusals)
{
    TenantPolicy policy = TENANT_POLICY_INIT;
    Lead lead = LEAD_INIT;
    struct lead_changed changed;

    policy.default_country_code = "DE";
    *(const char **)((char *)&lead + row->offset) = row->in;
    cr_assert_eq(lead_clean(&c, &policy, &lead, &changed), STATUS_INVALID, "\"%s\"", row->in);
    cr_assert_eq(c.fault.n_details, 1);
    cr_assert_str_eq(c.fault.details[0].subject.p, row->field);
    cr_assert_null(strstr(c.fault.details[0].text.p, row->in), "the value stays out of the text");
}

Test(lead_clean, finds_name_and_company_in_what_there_is)
{
    TenantPolicy policy = TENANT_POLICY_INIT;
    Lead lead = LEAD_INIT, free_mail = LEAD_INIT;
    struct lead_changed changed;

    lead.given_name = "Ada";
    lead.family_name = "Lovelace";
    lead.email = "ada@mail.acme.co.uk";
    cr_assert_eq(lead_clean(&c, &policy, &lead, &changed), STATUS_OK, "%s", c.fault.why);
    cr_assert_str_eq(lead.full_name, "Ada Lovelace");
    cr_assert_str_eq(lead.company->domain, "acme.co.uk");
    free_mail.email = "ada@gmail.com";
    cr_assert_eq(lead_clean(&c, &policy, &free_mail, &changed), STATUS_OK);
    cr_assert_null(free_mail.company, "a free mailbox is no company");
}
