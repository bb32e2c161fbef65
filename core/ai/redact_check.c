/* What a pattern cannot say: check digits, ranges, and how people write numbers. */
#include <arpa/inet.h>
#include <ctype.h>

#include "ai/redact_find.h"
#include "base/banned.h"

static bool is_digit(char ch)
{
    return ch >= '0' && ch <= '9';
}

static size_t n_digits(str s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n; i++)
        n += is_digit(s.p[i]);
    return n;
}

size_t redact_check_card(str hit)
{
    unsigned sum = 0;
    size_t seen = 0, n = n_digits(hit);

    if (n < 12 || n > 19 || hit.p[0] == '0')
        return 0;
    for (size_t i = hit.n; i-- > 0;) {
        unsigned d = (unsigned)(hit.p[i] - '0');

        if (!is_digit(hit.p[i]))
            continue;
        if (seen++ % 2)
            d = d * 2 > 9 ? d * 2 - 9 : d * 2;
        sum += d;
    }
    return sum % 10 == 0 ? hit.n : 0;
}

/* Letters count 10 to 35; the first four characters are moved to the end. */
static bool iban_holds(const char *compact, size_t n)
{
    unsigned rest = 0;

    for (size_t i = 0; i < n; i++) {
        char ch = compact[(i + 4) % n];
        unsigned v = is_digit(ch) ? (unsigned)(ch - '0') : (unsigned)(ch - 'A') + 10;

        rest = (v > 9 ? rest * 100 + v : rest * 10 + v) % 97;
    }
    return rest == 1;
}

size_t redact_check_iban(str hit)
{
    enum { SHORTEST = 15, LONGEST = 34 };
    char compact[LONGEST];
    size_t n = 0, best = 0;

    for (size_t i = 0; i < hit.n && n < LONGEST; i++) {
        if (hit.p[i] == ' ' || hit.p[i] == '-')
            continue;
        compact[n++] = hit.p[i];
        if (n >= SHORTEST && iban_holds(compact, n))
            best = i + 1;
    }
    return best;
}

size_t redact_check_ip(str hit)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];

    if (hit.n >= sizeof text)
        return 0;
    memcpy(text, hit.p, hit.n);
    text[hit.n] = '\0';
    if (inet_pton(AF_INET, text, address) == 1)
        return hit.n;
    /* "::" and "1::" are rather typography than somebody's address. */
    return inet_pton(AF_INET6, text, address) == 1 && n_digits(hit) + 2 >= 4 && hit.n > 4 ? hit.n
                                                                                          : 0;
}

/* "2026-11-20", "20.11.2026", "1/2/2026": a date, not a number to call. */
static bool looks_like_date(str s)
{
    size_t parts[4] = {0}, n = 0;
    char sep = '\0';

    for (size_t i = 0; i < s.n; i++) {
        if (is_digit(s.p[i])) {
            parts[n]++;
            continue;
        }
        bool is_sep = s.p[i] == '-' || s.p[i] == '.' || s.p[i] == '/';

        if (!is_sep || (sep && s.p[i] != sep) || ++n > 2)
            return false;
        sep = s.p[i];
    }
    return n == 2 && ((parts[0] == 4 && parts[1] <= 2 && parts[2] <= 2) ||
                      (parts[2] == 4 && parts[0] <= 2 && parts[1] <= 2));
}

/* A beginning such as +, 0, or a bracket says "call"; without one there must be groups, the last of
 * two of four digits, or as many digits as a whole number has. */
size_t redact_check_phone(str hit)
{
    size_t ext = 0, digits, groups = 1, last = 0;
    bool leads;

    while (ext < hit.n && !isalpha((unsigned char)hit.p[ext]))
        ext++;
    digits = n_digits(str_sub(hit, 0, ext));
    if (digits < 7 || digits > 15 || looks_like_date(hit))
        return 0;
    leads = hit.p[0] == '+' || hit.p[0] == '(' || hit.p[0] == '0';
    for (size_t i = 1; i < ext; i++) {
        groups += is_digit(hit.p[i]) && !is_digit(hit.p[i - 1]);
        last = is_digit(hit.p[i]) ? last + 1 : 0;
    }
    if (leads || digits == 10)
        return hit.n;
    return groups >= 3 || (groups == 2 && digits <= 8 && last == 4) ? hit.n : 0;
}

size_t redact_check_digit(str hit)
{
    return n_digits(hit) >= 4 ? hit.n : 0;
}

static bool has_word(str s, const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= s.n; i++)
        if (str_eq_nocase((str){s.p + i, n}, (str){word, n}))
            return true;
    return false;
}

/* 24 characters in a row of which a name is not made. */
static bool has_token(str s)
{
    size_t run = 0, digits = 0;

    for (size_t i = 0; i < s.n; i++) {
        char ch = s.p[i];

        run = isalnum((unsigned char)ch) || ch == '_' ? run + 1 : 0;
        digits = run ? digits + is_digit(ch) : 0;
        if (run >= 24 && digits >= 4)
            return true;
    }
    return false;
}

size_t redact_check_url(str hit)
{
    static const char *const words[] = {
        "token=",    "key=",     "sig=", "signature=", "auth=", "code=",  "secret=", "pass=",
        "password=", "session=", "sid=", "jwt=",       "otp=",  "email=", "user="};
    str rest = hit, authority;

    (void)str_cut(&rest, ':');
    rest = str_sub(rest, 2, rest.n);
    authority = str_cut(&rest, '/');
    if (memchr(authority.p, '@', authority.n) || has_token(hit))
        return hit.n;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (has_word(hit, words[i]))
            return hit.n;
    return 0;
}
