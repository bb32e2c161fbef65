/* Telephone numbers: reduced to digits, split by the calling-code table, checked against the plan
 * of the country. */
#include "domain/phone.h"

#include <assert.h>

#include "domain/text.h"

enum { TEXT_BYTES_MAX_PHONE = 64, DIGITS_MAX = 20, E164_DIGITS_MAX = 15, CODE_DIGITS_MAX = 3 };

/* Calling codes that several countries share: leading digits of the national number -> country. The
 * first country of the list is the rest. Longest prefixes first within a code. */
static const struct {
    uint32_t code;
    const char *prefix, *alpha2;
} shared[] = {
#define X(code, prefix, alpha2) {code, prefix, alpha2},
#include "domain/calling_area.def"
#undef X
};

/* Shared and international codes that no row of the country table owns, with their allowed lengths.
 */
static const struct {
    uint32_t code, n_digits;
} global_codes[] = {
    {383, 1u << 8 | 1u << 9},  /* Kosovo: no ISO code of its own */
    {800, 1u << 8},            /* freephone */
    {808, 1u << 8},            /* shared cost */
    {870, 1u << 9 | 1u << 12}, /* Inmarsat */
    {878, 1u << 12},           /* personal */
    {881, 1u << 9 | 1u << 10}, /* satellite */
    {882, 0x7f80},             /* international networks */
    {883, 0x1600},             /* the same */
    {979, 1u << 9},            /* premium rate */
};

struct scan {
    char digits[DIGITS_MAX + 1];
    size_t n;
    bool plus; /* written with a leading + */
    size_t n_letters;
    str extension; /* as found in the text */
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char keypad(char c)
{
    static const char keys[] = "22233344455566677778889999";

    return keys[(c | 0x20) - 'a'];
}

/* The digits of what stands behind an extension mark; empty when it is not a number. */
static str extension_digits(str s)
{
    s = str_trim(s);
    while (s.n && (s.p[0] == '.' || s.p[0] == ':' || s.p[0] == ' '))
        s = str_sub(s, 1, s.n);
    for (size_t i = 0; i < s.n; i++)
        if (!is_digit(s.p[i]))
            return (str){0};
    return s.n <= PHONE_EXTENSION_DIGITS_MAX ? s : (str){0};
}

/* Where `mark` first stands behind the first byte of s; s.n when it does not. */
static size_t find_mark(str s, str mark)
{
    for (size_t i = 1; i + mark.n <= s.n; i++)
        if (str_eq_nocase(str_sub(s, i, mark.n), mark))
            return i;
    return s.n;
}

/* Cuts an extension off the end of *s. False: it is there and not a number. */
static bool cut_extension(str *s, str *out)
{
    static const char *const marks[] = {";ext=", "extension", "extn", "ext", "#", "x"};

    *out = (str){0};
    for (size_t m = 0; m < sizeof marks / sizeof *marks; m++) {
        str mark = str_of(marks[m]);
        size_t at = find_mark(*s, mark);

        if (at == s->n)
            continue;
        *out = extension_digits(str_sub(*s, at + mark.n, s->n));
        if (out->n)
            *s = str_sub(*s, 0, at);
        return out->n || mark.p[0] == 'x'; /* an x may be a keypad letter */
    }
    return true;
}

static enum status scan_byte(struct scan *sc, char c, struct refusal *why)
{
    static const char separators[] = " -./()[]\t";
    bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

    if (c && strchr(separators, c))
        return STATUS_OK;
    if (c == '+') {
        if (sc->n || sc->plus)
            return refuse(why, "phone.plus", "a + at the start only");
        sc->plus = true;
        return STATUS_OK;
    }
    if (!is_digit(c) && !letter)
        return refuse(why, "phone.characters", "digits, spaces, +, -, ., / and brackets");
    if (sc->n == DIGITS_MAX)
        return refuse(why, "phone.length", "at most 15 digits");
    sc->n_letters += letter;
    sc->digits[sc->n++] = (char)(letter ? keypad(c) : c);
    return STATUS_OK;
}

/* Full-width digits, no-break spaces and typographic dashes become their ASCII sisters. */
static str ascii_text(struct arena *a, str text)
{
    str folded = text_fold(a, text);
    char *p = (char *)folded.p;
    size_t n = 0;

    for (str rest = folded; p && rest.n;) {
        uint32_t r = text_rune(&rest);
        bool dash = (r >= 0x2010 && r <= 0x2015) || r == 0x2212;

        if (r >= 0x200B && r <= 0x200F)
            continue; /* invisible marks that come along with copied numbers */
        p[n++] = (char)(r < 0x80 ? r : dash ? '-' : '?');
    }
    return (str){p, n};
}

static enum status scan(struct arena *a, str text, struct scan *sc, struct refusal *why)
{
    str s = text;

    *sc = (struct scan){0};
    if (!text.n)
        return refuse(why, "phone.empty", "a telephone number");
    if (!text.p || text.n > TEXT_BYTES_MAX_PHONE || !str_is_text(text))
        return refuse(why, "phone.text", "at most 64 bytes of UTF-8");
    if (!text_is_ascii(s) && (s = ascii_text(a, text)).p == NULL)
        return refuse_nomem(why);
    if (s.n > 4 && str_eq_nocase(str_sub(s, 0, 4), STR("tel:")))
        s = str_sub(s, 4, s.n);
    if (!cut_extension(&s, &sc->extension))
        return refuse(why, "phone.extension", "an extension of 1 to 11 digits");
    for (size_t i = 0; i < s.n; i++)
        TRY(scan_byte(sc, s.p[i], why));
    if (sc->n_letters && (sc->n_letters < 3 || sc->n - sc->n_letters < 3))
        return refuse(why, "phone.letters",
                      "digits, or a word of at least three letters after them");
    return STATUS_OK;
}

static uint32_t number_of(const char *p, size_t n)
{
    uint32_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v * 10 + (uint32_t)(p[i] - '0');
    return v;
}

/* Country of a number below a calling code; NULL when no row of the tables has the code. */
static const struct country *country_of(uint32_t code, str national)
{
    const struct country *rows, *first = NULL;
    size_t n;

    for (size_t i = 0; i < sizeof shared / sizeof *shared; i++)
        if (shared[i].code == code && str_starts(national, str_of(shared[i].prefix)))
            return country_find(str_of(shared[i].alpha2));
    rows = country_rows(&n);
    for (size_t i = 0; i < n && !first; i++)
        if (rows[i].calling_code == code)
            first = &rows[i];
    return first;
}

static uint32_t global_lengths(uint32_t code)
{
    for (size_t i = 0; i < sizeof global_codes / sizeof *global_codes; i++)
        if (global_codes[i].code == code)
            return global_codes[i].n_digits;
    return 0;
}

static bool has_length(uint32_t lengths, size_t n)
{
    return n < 32 && (lengths >> n & 1);
}

/* North America: area code and exchange start with 2 to 9, no N11 area code. */
static bool is_nanp(str national)
{
    return national.n == 10 && national.p[0] >= '2' && national.p[3] >= '2' &&
           !(national.p[1] == '1' && national.p[2] == '1');
}

/* The national number without its trunk prefix, where one was dialled. Numbers of Italy and others
 * keep their 0: it is no trunk prefix there, so the table has none. */
static str drop_trunk(str national, const struct country *c)
{
    str trunk = str_of(c->trunk);

    if (trunk.n && str_starts(national, trunk) && has_length(c->n_digits, national.n - trunk.n))
        return str_sub(national, trunk.n, national.n);
    return national;
}

/* The same behind a calling code, where a trunk prefix is a mistake: "+44 (0)20 ...". A 0 is always
 * one; an 8 or a 1 may well be the first digit of the area code. */
static str drop_stray_trunk(str national, const struct country *c)
{
    if (strcmp(c->trunk, "0") != 0 && has_length(c->n_digits, national.n))
        return national;
    return drop_trunk(national, c);
}

static enum status finish(struct arena *a, uint32_t code, str national, struct phone *out,
                          struct refusal *why)
{
    const struct country *c = country_of(code, national);
    uint32_t lengths = c ? c->n_digits : global_lengths(code);
    char *p;

    if (!lengths)
        return refuse(why, "phone.calling_code", "a calling code that exists");
    if (!has_length(lengths, national.n))
        return refuse(why, "phone.national_length", "as many digits as the country's numbers have");
    if (code == 1 && !is_nanp(national))
        return refuse(why, "phone.area_code", "an area code and exchange that can exist");
    p = arena_printf(a, "+%u" STR_FMT, code, STR_ARG(national));
    if (!p)
        return refuse_nomem(why);
    out->e164 = str_of(p);
    out->national = str_sub(out->e164, out->e164.n - national.n, national.n);
    out->country = country_of(code, national);
    return STATUS_OK;
}

/* Calling codes are prefix-free: the first one that exists is it. */
static enum status parse_abroad(struct arena *a, str digits, struct phone *out, struct refusal *why)
{
    if (digits.n > E164_DIGITS_MAX + 2) /* room for a trunk prefix that should not be there */
        return refuse(why, "phone.length", "at most 15 digits");
    for (size_t n = 1; n <= CODE_DIGITS_MAX && n < digits.n; n++) {
        uint32_t code = number_of(digits.p, n);
        str national = str_sub(digits, n, digits.n);

        const struct country *c = country_of(code, national);

        if (digits.p[0] != '0' && (c || global_lengths(code)))
            return finish(a, code, c ? drop_stray_trunk(national, c) : national, out, why);
    }
    return refuse(why, "phone.calling_code", "a calling code that exists");
}

static enum status parse_home(struct arena *a, str digits, const struct country *home,
                              struct phone *out, struct refusal *why)
{
    str rest = digits, national = drop_trunk(digits, home);
    size_t code_digits = (size_t)(home->calling_code >= 100 ? 3 : home->calling_code >= 10 ? 2 : 1);

    if (!home->calling_code)
        return refuse(why, "phone.country", "a number with + and calling code");
    if (has_length(home->n_digits, national.n))
        return finish(a, home->calling_code, national, out, why);
    /* "49 151 ..." without the plus: only if it cannot be a number at home */
    if (rest.n > code_digits && number_of(rest.p, code_digits) == home->calling_code)
        return finish(a, home->calling_code,
                      drop_stray_trunk(str_sub(rest, code_digits, rest.n), home), out, why);
    return finish(a, home->calling_code, national, out, why);
}

static enum status parse_digits(struct arena *a, const struct scan *sc, const struct country *home,
                                struct phone *out, struct refusal *why)
{
    str digits = {sc->digits, sc->n};
    str abroad = str_of(home && home->abroad[0] ? home->abroad : "00");

    if (sc->plus)
        return parse_abroad(a, digits, out, why);
    if (str_starts(digits, abroad))
        return parse_abroad(a, str_sub(digits, abroad.n, digits.n), out, why);
    if (str_starts(digits, STR("00")))
        return parse_abroad(a, str_sub(digits, 2, digits.n), out, why);
    if (!home)
        return refuse(why, "phone.country", "a number with + and calling code, or a country");
    return parse_home(a, digits, home, out, why);
}

enum status phone_parse(struct arena *a, str text, const struct country *home, struct phone *out,
                        struct refusal *why)
{
    struct scan sc;
    struct phone p = {0};

    *out = (struct phone){0};
    *why = (struct refusal){0};
    TRY(scan(a, str_trim(text), &sc, why));
    TRY(parse_digits(a, &sc, home, &p, why));
    if (sc.extension.n && (p.extension = arena_str(a, sc.extension)).p == NULL)
        return refuse_nomem(why);
    *out = p;
    return STATUS_OK;
}
