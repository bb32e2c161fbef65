/* Guessing without asking: one reader per key, each with the confidence it deserves. */
#include "domain/enrich_offline.h"

#include <assert.h>

#include "domain/country.h"
#include "domain/email.h"
#include "domain/name.h"
#include "domain/phone.h"
#include "domain/text.h"

/* Confidences. Where a list or a grammar decides it is near 1; where a habit does it is a guess. */
#define SURE             0.95
#define OF_AN_EMPLOYER   0.8
#define COUNTRY_OF_PHONE 0.5
#define COUNTRY_OF_TLD   0.4
#define COUNTRY_OF_LANG  0.3
#define COUNTRY_MOST     0.5
#define PERSON_OF_LOCAL  0.4
#define COMPANY_OF_LABEL 0.3

enum { NAME_PARTS_MAX = 3, NAME_PART_BYTES_MIN = 2, EVIDENCE_MAX = 3 };

/* One answer in the making. */
struct offline {
    struct arena *arena;
    const struct enrich_subject *subject;
    int64_t at_us;
    struct enrich_fact *out;
    size_t n;
    struct email email;
    bool email_ok;
};

static void put(struct offline *o, struct enrich_fact fact)
{
    assert(o->n < ENRICH_OFFLINE_FACTS_MAX);
    fact.source = "offline";
    fact.observed_at_us = o->at_us;
    o->out[o->n++] = fact;
}

static void put_bool(struct offline *o, const char *key, bool yes)
{
    put(o,
        (struct enrich_fact){
            .key = key, .value = yes ? "true" : "false", .type = ENRICH_BOOL, .confidence = SURE});
}

static void put_text(struct offline *o, const char *key, const char *value, double confidence)
{
    put(o, (struct enrich_fact){
               .key = key, .value = value, .type = ENRICH_TEXT, .confidence = confidence});
}

static enum status read_email(struct offline *o)
{
    struct refusal why;
    enum status status;

    if (!o->subject->email.n)
        return STATUS_OK;
    status = email_parse(o->arena, o->subject->email, &o->email, &why);
    if (status == STATUS_EXHAUSTED)
        return status;
    o->email_ok = status == STATUS_OK;
    put_bool(o, "email.valid", o->email_ok);
    if (!o->email_ok)
        return STATUS_OK;
    put_bool(o, "email.role", o->email.is_role);
    put_text(o, "email.kind", o->email.kind == EMAIL_FREE ? "free" : email_kind_name(o->email.kind),
             SURE);
    return STATUS_OK;
}

/* Writes words with a capital each, '-' made a space where asked for; NULL: the arena is full. */
static char *title_case(struct arena *a, str s, char separator)
{
    char *p = arena_cstr(a, s);
    bool first = true;

    for (size_t i = 0; p && i < s.n; i++) {
        if (p[i] == separator)
            p[i] = ' ';
        if (first && p[i] >= 'a' && p[i] <= 'z')
            p[i] = (char)(p[i] - 'a' + 'A');
        first = p[i] == ' ' || p[i] == '-';
    }
    return p;
}

/* The first label of the registrable domain, as people read it. */
static str label_of(const struct hostname *h)
{
    size_t n_below = 0; /* labels in front of the registrable domain */
    str rest = h->name, label;

    for (size_t i = 0; i + h->registrable.n < h->ascii.n; i++)
        n_below += h->ascii.p[i] == '.';
    do
        label = str_cut(&rest, '.');
    while (n_below-- > 0);
    return label;
}

static enum status read_company(struct offline *o)
{
    str domain, given = o->subject->company_domain;
    char *text, *name;
    str label;

    if (!o->email_ok || (domain = email_company_domain(&o->email)).n == 0)
        return STATUS_OK;
    text = arena_cstr(o->arena, domain);
    label = label_of(&o->email.host);
    name = title_case(o->arena, label, '-');
    if (!text || !name)
        return STATUS_EXHAUSTED;
    put_text(o, "company.domain", text, OF_AN_EMPLOYER);
    if (!str_starts(label, STR("xn--"))) /* given as the DNS spells it: nothing to read */
        put_text(o, "company.name", name, COMPANY_OF_LABEL);
    if (given.n)
        put_bool(o, "company.domain_matches_email",
                 hostname_is_under(o->email.host.ascii, given) || hostname_is_under(given, domain));
    return STATUS_OK;
}

/* A country and how far what pointed to it is to be trusted. */
struct evidence {
    const struct country *country;
    double confidence;
};

static enum status country_of_phone(struct offline *o, struct evidence *out)
{
    struct phone phone;
    struct refusal why;
    enum status status;

    if (!o->subject->phone.n)
        return STATUS_OK;
    status = phone_parse(o->arena, o->subject->phone, NULL, &phone, &why);
    if (status == STATUS_OK)
        *out = (struct evidence){phone.country, COUNTRY_OF_PHONE};
    return status == STATUS_EXHAUSTED ? status : STATUS_OK;
}

/* A language alone is no place: "de" is not Germany. */
static enum status country_of_locale(struct offline *o, struct evidence *out)
{
    const struct country *country;
    struct refusal why;
    str locale = o->subject->locale;
    enum status status;

    if (locale.n < sizeof "de-AT" - 1)
        return STATUS_OK;
    status = country_parse(o->arena, locale, &country, &why);
    if (status == STATUS_OK)
        *out = (struct evidence){country, COUNTRY_OF_LANG};
    return status == STATUS_EXHAUSTED ? status : STATUS_OK;
}

/* Independent hints that agree: 1 - (1 - p)(1 - q), at most COUNTRY_MOST. */
static double agreed(const struct evidence *rows, const struct country *country)
{
    double doubt = 1;

    for (size_t i = 0; i < EVIDENCE_MAX; i++)
        if (rows[i].country == country)
            doubt *= 1 - rows[i].confidence;
    return 1 - doubt < COUNTRY_MOST ? 1 - doubt : COUNTRY_MOST;
}

static enum status read_country(struct offline *o)
{
    struct evidence rows[EVIDENCE_MAX] = {0};
    const struct country *best = NULL;

    TRY(country_of_phone(o, &rows[0]));
    if (o->email_ok && o->email.kind != EMAIL_DISPOSABLE)
        rows[1] = (struct evidence){country_of_tld(o->email.host.tld), COUNTRY_OF_TLD};
    TRY(country_of_locale(o, &rows[2]));
    for (size_t i = 0; i < EVIDENCE_MAX; i++) /* of equal ones the first: the telephone */
        if (rows[i].country && (!best || agreed(rows, rows[i].country) > agreed(rows, best)))
            best = rows[i].country;
    if (best)
        put_text(o, "geo.country", best->alpha2, agreed(rows, best));
    return STATUS_OK;
}

/* Letters of any script, hyphens inside. */
static bool is_name_part(str s)
{
    if (s.n < NAME_PART_BYTES_MIN || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    while (s.n) {
        uint32_t rune = text_rune(&s);

        if (rune != '-' && !text_is_letter(rune))
            return false;
    }
    return true;
}

/* "ada.lovelace", "ada.k.lovelace", "anna-lena_meier": two names, a single letter between them. */
static bool is_person(str local, char separator)
{
    str parts[NAME_PARTS_MAX];
    size_t n = 0;

    while (local.n && n < NAME_PARTS_MAX)
        parts[n++] = str_cut(&local, separator);
    if (local.n || n < 2 || !is_name_part(parts[0]) || !is_name_part(parts[n - 1]))
        return false;
    return n == 2 || (parts[1].n == 1 && text_is_letter((unsigned char)parts[1].p[0]));
}

/* Says whether a name reads like one; a full arena is no flaw of the name. */
static enum status check_name(struct offline *o, str name, bool *ok_out)
{
    struct arena *a = o->arena;

    *ok_out = false;
    if (name.n && !text_fold_marks(a, name).p)
        return STATUS_EXHAUSTED;
    *ok_out = name_check(a, name) == NAME_FLAW_NONE;
    return STATUS_OK;
}

static enum status read_person(struct offline *o)
{
    str local = o->email.local, tagged = local;
    char separator;
    char *name;
    bool ok;

    if (!o->email_ok || o->email.is_role || o->email.kind == EMAIL_DISPOSABLE)
        return STATUS_OK;
    local = text_fold(o->arena, str_cut(&tagged, '+'));
    if (!local.p)
        return STATUS_EXHAUSTED;
    separator = memchr(local.p, '.', local.n) ? '.' : '_';
    if (!is_person(local, separator))
        return STATUS_OK;
    if ((name = title_case(o->arena, local, separator)) == NULL)
        return STATUS_EXHAUSTED;
    TRY(check_name(o, str_of(name), &ok));
    if (ok)
        put_text(o, "person.name", name, PERSON_OF_LOCAL);
    return STATUS_OK;
}

static enum status read_name(struct offline *o)
{
    bool ok;

    if (!o->subject->name.n)
        return STATUS_OK;
    TRY(check_name(o, o->subject->name, &ok));
    put_bool(o, "person.name_plausible", ok);
    return STATUS_OK;
}

enum status enrich_offline(struct arena *a, const struct enrich_subject *s, int64_t at_us,
                           struct enrich_fact out[ENRICH_OFFLINE_FACTS_MAX], size_t *n_out)
{
    struct offline o = {.arena = a, .subject = s, .at_us = at_us, .out = out};

    *n_out = 0;
    TRY(read_email(&o));
    TRY(read_company(&o));
    TRY(read_country(&o));
    TRY(read_person(&o));
    TRY(read_name(&o));
    *n_out = o.n;
    return STATUS_OK;
}
