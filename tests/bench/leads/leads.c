/* leads: field numbers of proto/sales/v1/lead.proto and the made-up people behind them. */
#include "leads.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { COMPANIES = 5000, OUTCOME_CREATED = 1 };

/* Field numbers of Lead, Company and AttributeValue. */
enum {
    LEAD_ID = 1,
    LEAD_ETAG = 2,
    LEAD_EXTERNAL_ID = 5,
    LEAD_GIVEN_NAME = 7,
    LEAD_FAMILY_NAME = 8,
    LEAD_EMAIL = 10,
    LEAD_PHONE = 12,
    LEAD_JOB_TITLE = 14,
    LEAD_SENIORITY = 15,
    LEAD_COMPANY = 18,
    LEAD_SOURCE = 19,
    LEAD_CAMPAIGN = 21,
    LEAD_COUNTRY_CODE = 22,
    LEAD_CITY = 24,
    LEAD_LANGUAGE = 25,
    LEAD_TIME_ZONE = 26,
    LEAD_TAGS = 29,
    LEAD_OWNER_ID = 30,
    LEAD_ATTRIBUTES = 32,
    COMPANY_NAME = 1,
    COMPANY_DOMAIN = 2,
    COMPANY_EMPLOYEES = 3,
    COMPANY_INDUSTRY = 4,
    COMPANY_COUNTRY_CODE = 7,
    COMPANY_WEBSITE = 11,
    ATTRIBUTE_STRING = 1,
    ATTRIBUTE_NUMBER = 2,
};

static const char *const GIVEN[] = {"Anna",  "Bruno", "Clara", "David", "Elif",  "Franz",
                                    "Greta", "Hugo",  "Ines",  "Jakob", "Klara", "Lukas",
                                    "Maria", "Noah",  "Olga",  "Paul"};
static const char *const FAMILY[] = {"Gruber", "Huber",   "Wagner", "Pichler", "Moser", "Mayer",
                                     "Hofer",  "Leitner", "Berger", "Fuchs",   "Eder",  "Fischer",
                                     "Schmid", "Winkler", "Weber",  "Maier"};
static const char *const TITLE[] = {
    "Head of Sales", "Buyer", "Managing Director", "CTO", "Operations Manager",
    "Analyst",       "Owner", "Marketing Lead"};
static const char *const INDUSTRY[] = {"Software", "Machinery", "Logistics", "Retail", "Health"};
static const char *const SOURCE[] = {"webinar", "referral", "trade fair", "web form", "list"};
static const char *const COUNTRY[] = {"AT", "DE", "CH", "IT", "CZ", "FR"};

#define PICK(table, number) ((table)[(number) % (sizeof(table) / sizeof *(table))])

/* The address as people type it; normalisation makes the domain lower case. */
static void email_of(uint64_t number, char *out, size_t cap)
{
    snprintf(out, cap, "%s.%s%" PRIu64 "@Company%" PRIu64 ".example", PICK(GIVEN, number),
             PICK(FAMILY, number / 16), number, number % COMPANIES);
}

/* A family name of its own for every number, so that no two people match by name and domain. */
static void family_of(uint64_t number, char *out, size_t cap)
{
    size_t n = (size_t)snprintf(out, cap, "%s", PICK(FAMILY, number / 16));

    for (uint64_t rest = number; n + 2 < cap; rest /= 20) {
        out[n++] = "bcdfghjklmnpqrstvwxz"[rest % 20];
        out[n++] = "aeiou"[rest % 5];
        if (rest < 20)
            break;
    }
    out[n] = 0;
}

static void put_attribute(struct wire_out *o, const char *key, const char *text, double number)
{
    uint8_t value_bytes[64], pair_bytes[128];
    struct wire_out value = {.data = value_bytes, .cap = sizeof value_bytes};
    struct wire_out pair = {.data = pair_bytes, .cap = sizeof pair_bytes};

    if (text)
        wire_put_text(&value, ATTRIBUTE_STRING, text);
    else
        wire_put_double(&value, ATTRIBUTE_NUMBER, number);
    wire_put_text(&pair, 1, key);
    wire_put_message(&pair, 2, &value);
    wire_put_message(o, LEAD_ATTRIBUTES, &pair);
}

static void put_company(struct wire_out *o, uint64_t number)
{
    uint8_t bytes[256];
    char text[64];
    struct wire_out company = {.data = bytes, .cap = sizeof bytes};

    snprintf(text, sizeof text, "Company %" PRIu64 " GmbH", number % COMPANIES);
    wire_put_text(&company, COMPANY_NAME, text);
    snprintf(text, sizeof text, "www.company%" PRIu64 ".example", number % COMPANIES);
    wire_put_text(&company, COMPANY_DOMAIN, text);
    wire_put_uint(&company, COMPANY_EMPLOYEES, 5 + number % 900);
    wire_put_text(&company, COMPANY_INDUSTRY, PICK(INDUSTRY, number));
    wire_put_text(&company, COMPANY_COUNTRY_CODE, PICK(COUNTRY, number));
    snprintf(text, sizeof text, "https://www.company%" PRIu64 ".example/", number % COMPANIES);
    wire_put_text(&company, COMPANY_WEBSITE, text);
    wire_put_message(o, LEAD_COMPANY, &company);
}

static void put_lead(struct wire_out *o, uint32_t field, uint64_t number)
{
    uint8_t bytes[LEAD_BYTES_MAX];
    char text[128];
    struct wire_out lead = {.data = bytes, .cap = sizeof bytes};

    snprintf(text, sizeof text, "crm-%012" PRIu64, number);
    wire_put_text(&lead, LEAD_EXTERNAL_ID, text);
    wire_put_text(&lead, LEAD_GIVEN_NAME, PICK(GIVEN, number));
    family_of(number, text, sizeof text);
    wire_put_text(&lead, LEAD_FAMILY_NAME, text);
    email_of(number, text, sizeof text);
    wire_put_text(&lead, LEAD_EMAIL, text);
    snprintf(text, sizeof text, "+43 664 %08" PRIu64, number);
    wire_put_text(&lead, LEAD_PHONE, text);
    wire_put_text(&lead, LEAD_JOB_TITLE, PICK(TITLE, number));
    wire_put_uint(&lead, LEAD_SENIORITY, 2 + number % 7);
    put_company(&lead, number);
    wire_put_text(&lead, LEAD_SOURCE, PICK(SOURCE, number));
    wire_put_text(&lead, LEAD_CAMPAIGN, "autumn 2026");
    wire_put_text(&lead, LEAD_COUNTRY_CODE, PICK(COUNTRY, number));
    wire_put_text(&lead, LEAD_CITY, "Klagenfurt");
    wire_put_text(&lead, LEAD_LANGUAGE, "de-AT");
    wire_put_text(&lead, LEAD_TIME_ZONE, "Europe/Vienna");
    wire_put_text(&lead, LEAD_TAGS, "bench");
    wire_put_text(&lead, LEAD_TAGS, number % 2 ? "odd" : "even");
    snprintf(text, sizeof text, "user-%" PRIu64, number % 40);
    wire_put_text(&lead, LEAD_OWNER_ID, text);
    put_attribute(&lead, "plan", number % 3 ? "team" : "enterprise", 0);
    put_attribute(&lead, "visits", NULL, (double)(number % 37));
    wire_put_message(o, field, &lead);
}

void leads_put_create(struct wire_out *o, uint64_t number)
{
    put_lead(o, 2, number);
}

/* A random UUID, as clients make them. */
void leads_put_request_id(struct wire_out *o, uint64_t a, uint64_t b)
{
    char text[LEAD_ID_BYTES + 1];

    snprintf(text, sizeof text, "%08x-%04x-4%03x-8%03x-%012" PRIx64, (unsigned)(a >> 32),
             (unsigned)(a >> 16 & 0xffff), (unsigned)(a & 0xfff), (unsigned)(b >> 52),
             b & 0xffffffffffff);
    wire_put_text(o, 1, text);
}

void leads_put_get(struct wire_out *o, const char *id)
{
    wire_put_bytes(o, 1, id, LEAD_ID_BYTES);
}

void leads_put_list(struct wire_out *o)
{
    wire_put_uint(o, 1, PAGE_SIZE);
}

void leads_put_open(struct wire_out *o, const char *import_id, uint64_t rows)
{
    uint8_t bytes[128];
    struct wire_out open = {.data = bytes, .cap = sizeof bytes};

    wire_put_text(&open, 1, import_id);
    wire_put_uint(&open, 5, rows);
    wire_put_text(&open, 6, "bench");
    wire_put_message(o, 2, &open);
}

/* The rows are packed behind the room that their own header takes, then moved down to it. */
void leads_put_rows(struct wire_out *o, uint64_t first, size_t n)
{
    static uint8_t bytes[ROWS_MAX * (LEAD_BYTES_MAX + 32)];
    uint8_t row_bytes[LEAD_BYTES_MAX + 32];
    struct wire_out rows = {.data = bytes, .cap = sizeof bytes};

    for (size_t i = 0; i < n; i++) {
        struct wire_out row = {.data = row_bytes, .cap = sizeof row_bytes};

        wire_put_uint(&row, 1, first + i + 1);
        put_lead(&row, 2, first + i);
        wire_put_message(&rows, 1, &row);
    }
    wire_put_message(o, 3, &rows);
}

static bool find(const uint8_t *data, size_t n, uint32_t number, struct wire_field *out)
{
    struct wire_in in = wire_in(data, n);

    while (wire_next(&in, out))
        if (out->number == number)
            return true;
    return false;
}

/* What is wrong with a lead from the server; id is the one expected or NULL. */
static const char *check_lead(const uint8_t *data, size_t n, const char *id, const char *email)
{
    struct wire_in in = wire_in(data, n);
    struct wire_field f;
    unsigned seen = 0;

    while (wire_next(&in, &f)) {
        if (f.number >= 32)
            continue;
        seen |= 1U << f.number;
        if (f.number == LEAD_ID && f.len != LEAD_ID_BYTES)
            return "a lead with a malformed id";
        if (f.number == LEAD_ID && id && memcmp(f.data, id, LEAD_ID_BYTES) != 0)
            return "another lead than the one asked for";
        if (f.number == LEAD_EMAIL && email &&
            (f.len != strlen(email) || memcmp(f.data, email, f.len) != 0))
            return "an e-mail address that is not normalised";
    }
    if (in.bad)
        return "a lead that is no protobuf";
    unsigned wanted = 1U << LEAD_ID | 1U << LEAD_ETAG | 1U << LEAD_EMAIL | 1U << LEAD_COMPANY |
                      1U << LEAD_FAMILY_NAME | 1U << LEAD_PHONE | 1U << LEAD_TAGS;

    return (seen & wanted) == wanted ? NULL : "a lead with fields missing";
}

const char *leads_check_create(const uint8_t *reply, size_t n, uint64_t number)
{
    char email[128];
    struct wire_field f;

    email_of(number, email, sizeof email);
    for (char *p = strchr(email, '@'); *p; p++)
        *p = (char)tolower((unsigned char)*p);
    if (!find(reply, n, 2, &f) || f.value != 1)
        return "a lead that was not created";
    return find(reply, n, 1, &f) ? check_lead(f.data, f.len, NULL, email) : "no lead";
}

const char *leads_check_get(const uint8_t *reply, size_t n, const char *id)
{
    struct wire_field f;

    return find(reply, n, 1, &f) ? check_lead(f.data, f.len, id, NULL) : "no lead";
}

const char *leads_check_list(const uint8_t *reply, size_t n)
{
    struct wire_in in = wire_in(reply, n);
    struct wire_field f;
    size_t leads = 0;
    bool token = false;

    while (wire_next(&in, &f)) {
        const char *wrong = f.number == 1 ? check_lead(f.data, f.len, NULL, NULL) : NULL;

        if (wrong)
            return wrong;
        leads += f.number == 1;
        token |= f.number == 2 && f.len > 0;
    }
    if (in.bad)
        return "a page that is no protobuf";
    return leads == PAGE_SIZE && token ? NULL : "a page that is not full or has no token";
}

static const char *read_results(const uint8_t *data, size_t n, struct import_reply *out)
{
    struct wire_in in = wire_in(data, n);
    struct wire_field row, f;

    while (wire_next(&in, &row)) {
        if (row.number != 1 || ++out->n_results > ROWS_MAX)
            return "results in another shape";
        if (!find(row.data, row.len, 2, &f) || f.value != OUTCOME_CREATED)
            continue;
        if (!find(row.data, row.len, 3, &f) || f.len != LEAD_ID_BYTES)
            return "a result without the id of its lead";
        out->ids[out->n_created++] = f.data;
    }
    return in.bad ? "results that are no protobuf" : NULL;
}

const char *leads_read_import(const uint8_t *reply, size_t n, struct import_reply *out)
{
    struct wire_field f;

    *out = (struct import_reply){0};
    out->ready = find(reply, n, 1, &f);
    if (find(reply, n, 2, &f))
        return read_results(f.data, f.len, out);
    out->summary = find(reply, n, 4, &f);
    if (out->summary && find(f.data, f.len, 2, &f))
        out->summary_created = f.value;
    return NULL;
}
