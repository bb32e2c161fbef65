/* E-mail addresses: one pass over the local part, the domain left to hostname, the host looked up
 * in sorted lists. */
#include "domain/email.h"

#include <assert.h>

#include "domain/text.h"

enum { ADDRESS_BYTES_MAX = 254, LOCAL_BYTES_MAX = 64 };

#define X(text) text,
static const char *const free_hosts[] = {
#include "domain/free_mail.def"
};
static const char *const disposable_hosts[] = {
#include "domain/disposable_mail.def"
};
static const char *const role_accounts[] = {
#include "domain/role_account.def"
};
#undef X

#define HAS(rows, s)                                                                               \
    (text_find(rows, sizeof(rows) / sizeof *(rows), (s)) < sizeof(rows) / sizeof *(rows))

/* Hosts where more than the plus tag is one mailbox. */
static const struct {
    const char *host, *same_as;
    bool dots_count;
} providers[] = {
    {"gmail.com", "gmail.com", false}, {"googlemail.com", "gmail.com", false},
    {"me.com", "icloud.com", true},    {"mac.com", "icloud.com", true},
    {"pm.me", "proton.me", true},      {"protonmail.com", "proton.me", true},
    {"ya.ru", "yandex.ru", true},
};

static bool is_atom_byte(char c)
{
    static const char special[] = "!#$%&'*+-/=?^_`{|}~.";

    if ((unsigned char)c >= 0x80)
        return true;
    return text_is_word_rune((unsigned char)c) || (c && strchr(special, c));
}

static enum status check_local(str local, struct refusal *why)
{
    if (!local.n)
        return refuse(why, "email.local_empty", "something before the @");
    if (local.n > LOCAL_BYTES_MAX)
        return refuse(why, "email.local_length", "at most 64 bytes before the @");
    if (local.p[0] == '"')
        return refuse(why, "email.quoted", "an address without quotation marks");
    if (local.p[0] == '.' || local.p[local.n - 1] == '.')
        return refuse(why, "email.dots", "no dot at the start or end of the part before the @");
    for (size_t i = 0; i < local.n; i++) {
        if (!is_atom_byte(local.p[i]))
            return refuse(why, "email.characters", "letters, digits and !#$%&'*+-/=?^_`{|}~.");
        if (local.p[i] == '.' && local.p[i + 1] == '.')
            return refuse(why, "email.dots", "no two dots in a row before the @");
    }
    return STATUS_OK;
}

/* Drops what is not the address itself. */
static str unwrap(str text)
{
    str s = str_trim(text);

    if (!s.p)
        return (str){0};
    if (s.n >= 7 && str_eq_nocase(str_sub(s, 0, 7), STR("mailto:")))
        s = str_sub(s, 7, s.n);
    if (s.n >= 2 && str_starts(s, STR("<")) && str_ends(s, STR(">")))
        s = str_sub(s, 1, s.n - 2);
    return str_trim(s);
}

/* Academic and government names: .edu, .ac.uk, .edu.au, .gov, .gov.br, .gouv.fr, .mil ... */
static bool has_sector(str host, str tld, const char *const *words, size_t n)
{
    str second = host;

    second.n -= tld.n < second.n ? tld.n + 1 : second.n;
    for (size_t i = second.n; i > 0; i--) {
        if (second.p[i - 1] == '.') {
            second = str_sub(second, i, second.n);
            break;
        }
    }
    for (size_t i = 0; i < n; i++)
        if (str_eq(tld, str_of(words[i])) || (tld.n == 2 && str_eq(second, str_of(words[i]))))
            return true;
    return false;
}

static bool is_under_any(str host, str registrable, const char *const *rows, size_t n)
{
    return text_find(rows, n, host) < n || (registrable.n && text_find(rows, n, registrable) < n);
}

static enum email_kind kind_of(const struct hostname *h)
{
    static const char *const academic[] = {"edu", "ac"};
    static const char *const government[] = {"gov", "mil", "gouv", "gob", "gub", "govt"};
    enum {
        N_FREE = sizeof free_hosts / sizeof *free_hosts,
        N_DISPOSABLE = sizeof disposable_hosts / sizeof *disposable_hosts
    };

    if (is_under_any(h->ascii, h->registrable, disposable_hosts, N_DISPOSABLE))
        return EMAIL_DISPOSABLE;
    if (is_under_any(h->ascii, h->registrable, free_hosts, N_FREE))
        return EMAIL_FREE;
    if (has_sector(h->ascii, h->tld, academic, 2))
        return EMAIL_ACADEMIC;
    if (has_sector(h->ascii, h->tld, government, 6))
        return EMAIL_GOVERNMENT;
    return EMAIL_BUSINESS;
}

/* "local@host" with the differences that do not make another mailbox taken out. */
static str key_of(struct arena *a, str local, str host)
{
    str folded = text_fold(a, local);
    bool dots_count = true;
    char *p;
    size_t n = 0;

    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
        if (str_eq(host, str_of(providers[i].host))) {
            dots_count = providers[i].dots_count;
            host = str_of(providers[i].same_as);
            break;
        }
    }
    if (!folded.p || (p = arena_take(a, folded.n + host.n + 2)) == NULL)
        return (str){0};
    for (size_t i = 0; i < folded.n && (i == 0 || folded.p[i] != '+'); i++)
        if (dots_count || folded.p[i] != '.')
            p[n++] = folded.p[i];
    p[n++] = '@';
    for (size_t i = 0; i < host.n; i++)
        p[n++] = host.p[i];
    p[n] = 0;
    return (str){p, n};
}

/* Whether the local part without its tag names a function. */
static bool is_role(str key)
{
    return HAS(role_accounts, str_cut(&key, '@'));
}

typedef enum status (*host_fn)(struct arena *a, str text, struct hostname *out,
                               struct refusal *why);

/* The two sides of the @: *text becomes the local part as given. */
static enum status split(struct arena *a, str *text, host_fn parse_host, struct hostname *host,
                         struct refusal *why)
{
    str s = unwrap(*text), domain = s, local = str_cut(&domain, '@');

    *why = (struct refusal){0};
    if (!str_is_text(s))
        return refuse(why, "email.utf8", "well-formed UTF-8 without NUL");
    if (local.n == s.n)
        return refuse(why, "email.at", "an address with an @");
    TRY(check_local(local, why));
    if (domain.n && memchr(domain.p, '@', domain.n))
        return refuse(why, "email.at", "exactly one @");
    TRY(parse_host(a, domain, host, why));
    if (local.n + 1 + host->name.n > ADDRESS_BYTES_MAX ||
        local.n + 1 + host->ascii.n > ADDRESS_BYTES_MAX)
        return refuse(why, "email.length", "at most 254 bytes");
    *text = local;
    return STATUS_OK;
}

str email_key(struct arena *a, str text)
{
    struct hostname host;
    struct refusal why;

    if (split(a, &text, hostname_spell, &host, &why) != STATUS_OK)
        return (str){0};
    return key_of(a, text, host.ascii);
}

enum status email_parse(struct arena *a, str text, struct email *out, struct refusal *why)
{
    struct email e = {0};
    str local = text;
    char *p;

    *out = (struct email){0};
    TRY(split(a, &local, hostname_parse, &e.host, why));
    p = arena_printf(a, STR_FMT "@" STR_FMT, STR_ARG(local), STR_ARG(e.host.name));
    e.key = key_of(a, local, e.host.ascii);
    if (!p || !e.key.p)
        return refuse_nomem(why);
    e.address = str_of(p);
    e.local = str_sub(e.address, 0, local.n);
    e.kind = kind_of(&e.host);
    e.is_role = is_role(e.key);
    *out = e;
    return STATUS_OK;
}

str email_company_domain(const struct email *e)
{
    assert(e->address.n);
    if (e->kind == EMAIL_FREE || e->kind == EMAIL_DISPOSABLE)
        return (str){0};
    return e->host.registrable;
}

const char *email_kind_name(enum email_kind kind)
{
    switch (kind) {
    case EMAIL_BUSINESS: return "business";
    case EMAIL_FREE: return "free mail";
    case EMAIL_DISPOSABLE: return "disposable";
    case EMAIL_ACADEMIC: return "academic";
    case EMAIL_GOVERNMENT: return "government";
    }
    return "";
}
