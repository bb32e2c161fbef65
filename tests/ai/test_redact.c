/* What leaves the server, what stays, and what comes back. */
#include <stdio.h>

#include "ai/redact.h"
#include "support/table.h"

static const str names[] = {{"Ada Lovelace", 12}, {"Müller, Jörg", 14}, {"Will Rose", 9}};

struct row {
    const char *in, *normal, *strict; /* NULL: as normal */
};

/* clang-format off */
static const struct row rows[] = {
    {"", "", NULL},
    {"Nothing to hide: 3 offers, 12,000 EUR, 50% off, v1.2.3", "Nothing to hide: 3 offers, 12,000 EUR, 50% off, v1.2.3", NULL},
    {"mail ada@example.com or ADA@example.com", "mail [EMAIL_1] or [EMAIL_1]", NULL},
    {"ada (at) example (dot) com", "[EMAIL_1]", NULL},
    {"Ada and ada lovelace; Lovelace, Ada!", "[PERSON_1] and [PERSON_2]; [PERSON_3]!", NULL},
    {"MULLER called, Jorg too", "[PERSON_1] called, [PERSON_2] too", NULL},
    {"I will rise. Will rose.", "I will rise. [PERSON_1] rose.", "I [PERSON_1] rise. [PERSON_2]."},
    {"adamant", "adamant", NULL},
    {"card 4111 1111 1111 1111.", "card [CARD_1].", NULL},
    {"order 4111 1111 1111 1112 of", "order 4111 1111 1111 1112 of", NULL},
    {"IBAN DE89 3704 0044 0532 0130 00 AND MORE", "IBAN [IBAN_1] AND MORE", NULL},
    {"GB82WEST12345698765432", "[IBAN_1]", NULL},
    {"SSN 078-05-1120", "SSN [SSN_1]", NULL},
    {"area 000-05-1120 is none", "area [PHONE_1] is none", NULL},
    {"call +49 (0)30 901820 or 020 7946 0958", "call [PHONE_1] or [PHONE_2]", NULL},
    {"(555) 123-4567 x89", "[PHONE_1]", NULL},
    {"from 10.1.2.3 and 2001:db8::1", "from [IP_1] and [IP_2]", NULL},
    {"999.1.2.3 is none", "999.1.2.3 is none", NULL},
    {"https://x.example/r?token=abc&y=1 done", "[URL_1] done", NULL},
    {"https://ada:pw@x.example/", "[URL_1]", NULL},
    {"see https://example.com/pricing", "see https://example.com/pricing", "see [URL_1]"},
    {"password: hunter22", "password: [SECRET_1]", NULL},
    {"sk-ant-api03-abcdefghijklmnop", "[SECRET_1]", NULL},
    {"born on 12/10/1985", "born on [BIRTH_1]", NULL},
    {"seen on 2026-11-20 and May 3, 2026", "seen on 2026-11-20 and May 3, 2026", "seen on [DATE_1] and [DATE_2]"},
    {"10 Downing Street, now", "[ADDRESS_1], now", NULL},
    {"Hauptstraße 5 in Ulm", "[ADDRESS_1] in Ulm", NULL},
    {"passport no. C01X00T478", "passport no. [ID_1]", NULL},
    {"Dear Grace Hopper,", "Dear [PERSON_1],", NULL},
    {"Mrs. Hopper wrote", "Mrs. [PERSON_1] wrote", NULL},
    /* A value of another's cannot be asked for by its name. */
    {"ada@example.com wants [EMAIL_1]", "[EMAIL_1] wants [TEXT_1]", NULL},
};
/* clang-format on */

static struct redactor *redactor;
static struct call call;

static void open_redaction(struct redaction *r, enum redact_mode mode)
{
    const struct redact_options o = {mode, names, sizeof names / sizeof *names};

    call_init(&call, NULL, 16 << 20);
    cr_assert_eq(redactor_open(&call, &redactor), STATUS_OK, "%s", call.fault.why);
    cr_assert_eq(redact_begin(r, redactor, &call, &o), STATUS_OK);
}

static void close_redaction(struct redaction *r)
{
    redact_end(r);
    redactor_close(redactor);
    call_release(&call);
}

static void expect(const struct row *row, enum redact_mode mode, const char *want)
{
    struct redaction r;
    str sent, back;

    open_redaction(&r, mode);
    cr_assert_eq(redact_text(&r, str_of(row->in), &sent), STATUS_OK, "%s", call.fault.why);
    cr_assert(str_eq(sent, str_of(want)), "\"%s\" gave \"" STR_FMT "\"", row->in, STR_ARG(sent));
    cr_assert_eq(redact_restore(&r, &call, sent, &back), STATUS_OK);
    cr_assert(str_eq_nocase(back, str_of(row->in)), "\"%s\" came back as \"" STR_FMT "\"", row->in,
              STR_ARG(back));
    close_redaction(&r);
}

TABLE_TEST(redact, a_text_goes_out_without_and_comes_back_with, struct row, rows)
{
    expect(row, REDACT_NORMAL, row->normal);
    expect(row, REDACT_STRICT, row->strict ? row->strict : row->normal);
}

Test(redact, placeholders_hold_across_texts_and_stop_at_the_end)
{
    struct redaction r;
    str one, two, back;

    open_redaction(&r, REDACT_NORMAL);
    cr_assert_eq(redact_text(&r, STR("bob@example.com"), &one), STATUS_OK);
    cr_assert_eq(redact_text(&r, STR("eve@example.com, bob@example.com"), &two), STATUS_OK);
    cr_assert(str_eq(two, STR("[EMAIL_2], [EMAIL_1]")));
    cr_assert_eq(r.found[REDACT_EMAIL], 3);
    cr_assert_eq(
        redact_restore(&r, &call, STR("[EMAIL_1] [EMAIL_3] [EMAIL_10] [email_1] ["), &back),
        STATUS_OK);
    cr_assert(str_eq(back, STR("bob@example.com [EMAIL_3] [EMAIL_10] [email_1] [")));
    redact_end(&r);
    cr_assert_eq(redact_restore(&r, &call, one, &back), STATUS_OK);
    cr_assert(str_eq(back, one), "wiped, but " STR_FMT, STR_ARG(back));
    close_redaction(&r);
}

static const struct {
    const char *name;
    char byte;
    size_t n;
    bool passes;
} odd[] = {
    {"not UTF-8", '\xff', 1, false},
    {"too long", 'a', REDACT_TEXT_BYTES + 1, false},
    {"as long as may be", 'a', REDACT_TEXT_BYTES, true},
    {"digits only", '1', REDACT_TEXT_BYTES, true},
    {"a wall of @", '@', REDACT_TEXT_BYTES, true},
    {"spaces", ' ', REDACT_TEXT_BYTES, true},
    {"colons", ':', REDACT_TEXT_BYTES, true},
    {"capitals", 'A', REDACT_TEXT_BYTES, true},
    {"brackets", '(', REDACT_TEXT_BYTES, true},
};

/* Fails whole or ends soon: 64 kB of the worst in well under a second. */
Test(redact, odd_texts_are_refused_or_done_soon)
{
    static char text[REDACT_TEXT_BYTES + 1];

    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        struct redaction r;
        int64_t began;
        enum status s;
        str out;

        open_redaction(&r, REDACT_STRICT);
        memset(text, odd[i].byte, odd[i].n);
        began = call_monotonic_ns(&call);
        s = redact_text(&r, (str){text, odd[i].n}, &out);
        cr_assert_eq(s == STATUS_OK, odd[i].passes, "%s: %s", odd[i].name, call.fault.why);
        cr_assert(odd[i].passes || !out.p, "%s", odd[i].name);
        cr_assert_lt(call_monotonic_ns(&call) - began, INT64_C(2000000000), "%s took %lld ms",
                     odd[i].name, (long long)((call_monotonic_ns(&call) - began) / 1000000));
        close_redaction(&r);
    }
}

Test(redact, too_many_hits_are_refused)
{
    static char text[REDACT_TEXT_BYTES];
    struct redaction r;
    size_t n = 0;
    str out;

    open_redaction(&r, REDACT_NORMAL);
    while (n + 16 < sizeof text)
        n += (size_t)snprintf(text + n, sizeof text - n, "a@b%zu.de ", n);
    cr_assert_eq(redact_text(&r, (str){text, n}, &out), STATUS_INVALID);
    cr_assert_str_eq(call.fault.reason, "AI_TEXT");
    close_redaction(&r);
}

/* Property: after a redaction no value of the table is left, wherever it stands. */
Test(redact, values_are_found_in_any_surroundings)
{
    static const char *const values[] = {"eve@example.org", "4111111111111111",
                                         "078-05-1120",     "DE89370400440532013000",
                                         "Lovelace",        "10.1.2.3"};
    static const char *const around[][2] = {
        {"", ""},     {" ", " "},      {"(", ")"},           {"\n", "\n"},    {"\"", "\"."},
        {"ü ", ", "}, {"<b>", "</b>"}, {": ", ";"},          {"é, ", "\r\n"}, {"= ", " ="},
        {"[", "]"},   {"“", "”"},      {"{\"a\":\"", "\"}"}, {"/", " "},      {"… ", "…"},
    };

    for (size_t v = 0; v < sizeof values / sizeof *values; v++)
        for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
            struct redaction r;
            char text[256];
            str out;

            open_redaction(&r, REDACT_NORMAL);
            snprintf(text, sizeof text, "%s%s%s", around[i][0], values[v], around[i][1]);
            cr_assert_eq(redact_text(&r, str_of(text), &out), STATUS_OK);
            cr_assert_null(memmem(out.p, out.n, values[v], strlen(values[v])), "%s is left in %s",
                           values[v], text);
            close_redaction(&r);
        }
}
