/* phone: numbers in the ways people write them. */
#include <stdio.h>

#include "domain/phone.h"
#include "support/table.h"

struct phone_case {
    const char *in, *home, *e164, *country, *extension;
};

static const struct phone_case accepted[] = {
    {"+49 151 12345678", "", "+4915112345678", "DE", ""},
    {"0151 / 12 34 56 78", "DE", "+4915112345678", "DE", ""},
    {"+49 (0)151 12345678", "", "+4915112345678", "DE", ""},
    {"0049-151-12345678", "DE", "+4915112345678", "DE", ""},
    {"49 151 1234567890", "DE", "+491511234567890", "DE", ""},
    {"(415) 555-2671", "US", "+14155552671", "US", ""},
    {"1-415-555-2671", "US", "+14155552671", "US", ""},
    {"+1 (604) 555-2671", "", "+16045552671", "CA", ""},
    {"+1 787 555 2671", "", "+17875552671", "PR", ""},
    {"011 44 20 7946 0958", "US", "+442079460958", "GB", ""},
    {"1-800-FLOWERS", "US", "+18003569377", "US", ""},
    {"+44 (0)20 7946 0958", "", "+442079460958", "GB", ""},
    {"020 7946 0958 ext. 12", "GB", "+442079460958", "GB", "12"},
    {"020 7946 0958 x123", "GB", "+442079460958", "GB", "123"},
    {"tel:+44-20-7946-0958;ext=7", "", "+442079460958", "GB", "7"},
    {"+44 1534 123456", "", "+441534123456", "JE", ""},
    {"+39 06 698 12345", "", "+390669812345", "VA", ""},
    {"02 1234 5678", "IT", "+390212345678", "IT", ""},
    {"8 (800) 555-35-35", "RU", "+78005553535", "RU", ""},
    {"+7 800 555 35 35", "", "+78005553535", "RU", ""},
    {"8 701 555 35 35", "KZ", "+77015553535", "KZ", ""},
    {"06 1 234 5678", "HU", "+3612345678", "HU", ""},
    {"+33 6 12 34 56 78", "", "+33612345678", "FR", ""},
    {"06 12 34 56 78", "FR", "+33612345678", "FR", ""},
    {"0011 49 30 123456", "AU", "+4930123456", "DE", ""},
    {"+81 (0)90-1234-5678", "", "+819012345678", "JP", ""},
    {"+55 11 91234-5678", "", "+5511912345678", "BR", ""},
    {"+800 1234 5678", "", "+80012345678", "", ""},
    {"\xEF\xBC\x8B\xEF\xBC\x94\xEF\xBC\x99 151\xC2\xA0"
     "123\xE2\x80\x93"
     "45678",
     "", "+4915112345678", "DE", ""},
};

TABLE_TEST(phone, reads_what_people_write, struct phone_case, accepted)
{
    struct arena a;
    struct refusal why;
    struct phone p;

    arena_init(&a, 1 << 20);
    cr_assert_eq(phone_parse(&a, str_of(row->in), country_find(str_of(row->home)), &p, &why),
                 STATUS_OK, "[%s] %s", row->in, why.rule);
    cr_assert(str_eq(p.e164, str_of(row->e164)), "[%s] " STR_FMT, row->in, STR_ARG(p.e164));
    cr_assert(str_eq(p.extension, str_of(row->extension)), "[%s] " STR_FMT, row->in,
              STR_ARG(p.extension));
    cr_assert_str_eq(p.country ? p.country->alpha2 : "", row->country, "[%s]", row->in);
    arena_release(&a);
}

struct refused_case {
    const char *in, *home, *rule;
};

static const struct refused_case refused[] = {
    {"", "DE", "phone.empty"},
    {"   ", "DE", "phone.empty"},
    {"0151 12345678", "", "phone.country"},
    {"call me", "DE", "phone.letters"},
    {"12", "DE", "phone.national_length"},
    {"+49 1", "", "phone.national_length"},
    {"+1 415 555 267", "", "phone.national_length"},
    {"+1 115 555 2671", "", "phone.area_code"},
    {"+1 411 555 2671", "", "phone.area_code"},
    {"+1 415 155 2671", "", "phone.area_code"},
    {"+999 123456", "", "phone.calling_code"},
    {"+0 123456", "", "phone.calling_code"},
    {"+", "", "phone.calling_code"},
    {"49+151", "DE", "phone.plus"},
    {"++49151", "DE", "phone.plus"},
    {"0151*12345678", "DE", "phone.characters"},
    {"123456789012345678901", "DE", "phone.length"},
    {"+4912345678901234567", "", "phone.length"},
    {"020 7946 0958 ext.", "GB", "phone.extension"},
    {"020 7946 0958 ext 123456789012", "GB", "phone.extension"},
    {"\xFF", "GB", "phone.text"},
    {"12345", "AQ", "phone.country"},
};

TABLE_TEST(phone, says_which_rule_refused, struct refused_case, refused)
{
    struct arena a;
    struct refusal why;
    struct phone p;

    arena_init(&a, 1 << 20);
    cr_assert_eq(phone_parse(&a, str_of(row->in), country_find(str_of(row->home)), &p, &why),
                 STATUS_INVALID, "[%s]", row->in);
    cr_assert_str_eq(why.rule, row->rule, "[%s] gave %s", row->in, why.rule);
    cr_assert_eq(p.e164.n, 0);
    arena_release(&a);
}

static bool is_shared(uint32_t code, const struct country *rows, size_t n)
{
    size_t n_owners = 0;

    for (size_t i = 0; i < n; i++)
        n_owners += rows[i].calling_code == code;
    return n_owners != 1;
}

/* Whatever is accepted is a fixed point: reading the result again changes nothing. */
Test(phone, e164_reads_back_as_itself_for_every_country_and_length)
{
    size_t n_countries, n = 0;
    const struct country *rows = country_rows(&n_countries);
    struct arena a;

    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < n_countries; i++) {
        for (size_t len = 1; len <= 14; len++) {
            struct refusal why;
            struct phone p, again;
            char text[32];

            if (!(rows[i].n_digits >> len & 1) ||
                is_shared(rows[i].calling_code, rows, n_countries))
                continue;
            snprintf(text, sizeof text, "+%u%.*s", rows[i].calling_code, (int)len,
                     "23323232323232");
            cr_assert_eq(phone_parse(&a, str_of(text), NULL, &p, &why), STATUS_OK, "%s %s", text,
                         why.rule);
            cr_assert(str_eq(p.e164, str_of(text)), "%s", text);
            cr_assert_eq(phone_parse(&a, p.e164, &rows[(i * 7) % n_countries], &again, &why),
                         STATUS_OK);
            cr_assert(str_eq(p.e164, again.e164), "%s", text);
            arena_reset(&a);
            n++;
        }
    }
    cr_assert_gt(n, 400);
    arena_release(&a);
}
