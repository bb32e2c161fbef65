/* Countries: one sorted table, and a second one of other names folded to letters only. */
#include "domain/country.h"

#include "domain/text.h"

static const struct country countries[] = {
#define X(a2, a3, name, code, abroad, trunk, digits) {#a2, #a3, name, code, abroad, trunk, digits},
#include "domain/country.def"
#undef X
};

enum { N_COUNTRIES = sizeof countries / sizeof *countries };

/* Names that the main table does not spell: letters only, lower case, without accents. */
static const struct {
    const char *name, *alpha2;
} aliases[] = {
#define X(name, alpha2) {name, alpha2},
#include "domain/country_alias.def"
#undef X
};

/* Country domains that the world registers as generic ones. */
static const char *const generic_tlds[] = {"ac", "ai", "cc", "co", "fm", "gg", "gl",
                                           "io", "la", "ly", "me", "nu", "pw", "sh",
                                           "st", "to", "tv", "vc", "ws"};

const struct country *country_rows(size_t *n)
{
    *n = N_COUNTRIES;
    return countries;
}

static char upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 0x20 : c);
}

const struct country *country_find(str alpha2)
{
    size_t lo = 0, hi = N_COUNTRIES;
    char key[3] = "";

    if (alpha2.n != 2)
        return NULL;
    key[0] = upper(alpha2.p[0]);
    key[1] = upper(alpha2.p[1]);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = memcmp(countries[mid].alpha2, key, 2);

        if (order == 0)
            return &countries[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* Letters of the folded text, in place of it. */
static str letters(struct arena *a, str text)
{
    str folded = text_fold_marks(a, text);
    char *p = (char *)folded.p;
    size_t n = 0;

    for (str rest = folded; rest.n;) {
        const char *at = rest.p;

        if (text_is_letter(text_rune(&rest)))
            while (at < rest.p)
                p[n++] = *at++;
        if (!rest.p)
            break;
    }
    return (str){p, n};
}

static const struct country *by_alias(str key)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (str_eq(key, str_of(aliases[i].name)))
            return country_find(str_of(aliases[i].alpha2));
    return NULL;
}

/* Compares a table name with folded letters, without memory: names in the table are near enough to
 * ASCII that the few others have an alias. */
static bool same_letters(const char *name, str key)
{
    size_t i = 0;

    for (; *name; name++) {
        char c = (char)(*name >= 'A' && *name <= 'Z' ? *name | 0x20 : *name);

        if (c < 'a' || c > 'z')
            continue;
        if (i == key.n || key.p[i++] != c)
            return false;
    }
    return i == key.n;
}

/* "de-AT", "pt_BR", "zh-Hant-TW", "en_US.UTF-8": the part that is two capital or any two letters.
 */
static const struct country *by_locale(str text)
{
    str rest = text, part = str_cut(&rest, text.n && memchr(text.p, '_', text.n) ? '_' : '-');

    if (part.n < 2 || part.n > 3)
        return NULL;
    while (rest.n) {
        str next = rest;

        part = str_cut(&next, '-');
        part = str_cut(&part, '.');
        if (part.n == 2)
            return country_find(part);
        rest = next;
    }
    return NULL;
}

enum status country_parse(struct arena *a, str text, const struct country **out,
                          struct refusal *why)
{
    str s = str_trim(text), key;

    *out = NULL;
    *why = (struct refusal){0};
    if (!str_is_text(s) || s.n > 200)
        return refuse(why, "country.text", "a country in at most 200 bytes of UTF-8");
    if ((*out = country_find(s)) != NULL || (s.n == 2 && (*out = by_alias(letters(a, s))) != NULL))
        return STATUS_OK;
    if ((*out = by_locale(s)) != NULL)
        return STATUS_OK;
    key = letters(a, s);
    if (!key.p)
        return refuse_nomem(why);
    if ((*out = by_alias(key)) != NULL)
        return STATUS_OK;
    for (size_t i = 0; i < N_COUNTRIES && key.n; i++) {
        if ((key.n == 3 && str_eq_nocase(key, str_of(countries[i].alpha3))) ||
            same_letters(countries[i].name, key)) {
            *out = &countries[i];
            return STATUS_OK;
        }
    }
    return refuse(why, "country.unknown", "an ISO 3166-1 code or a country's name");
}

const struct country *country_of_tld(str tld)
{
    size_t n = sizeof generic_tlds / sizeof *generic_tlds;

    if (tld.n != 2 || text_find(generic_tlds, n, tld) < n)
        return NULL;
    if (str_eq(tld, STR("uk")))
        return country_find(STR("GB"));
    return country_find(tld); /* .eu and .su are no countries of the table */
}
