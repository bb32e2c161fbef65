/* email: addresses as people type them -> what we store, what we compare, what the host tells. */
#ifndef DOMAIN_EMAIL_H
#define DOMAIN_EMAIL_H

#include "domain/hostname.h"

enum email_kind {
    EMAIL_BUSINESS, /* none of the below: the domain belongs to an organisation */
    EMAIL_FREE,
    EMAIL_DISPOSABLE,
    EMAIL_ACADEMIC,
    EMAIL_GOVERNMENT,
};

struct email {
    str address; /* to be stored and written to: local part as given, domain lower case */
    str local;   /* part of address */
    str key;     /* equal for spellings of one mailbox: case, plus tag, Gmail's dots and aliases do
                    not count, the domain is ASCII. Only for comparing, never for sending */
    struct hostname host;
    enum email_kind kind;
    bool is_role; /* info@, sales@ ...: a function, not a person */
};

/*
 * Reads an address: RFC 5321 and 5322 as mail is used today, UTF-8 as of RFC 6531. White space
 * around it, "mailto:" and "<>" are dropped. Strings live in the arena.
 *
 * INVALID, with the rule in why: no or two "@", local part empty, over 64 bytes, quoted, with
 * dots at the ends or two in a row, or with characters outside of the dot-atom set; a domain that
 * hostname_parse refuses; over 254 bytes.
 */
MUST_CHECK enum status email_parse(struct arena *a, str text, struct email *out,
                                   struct refusal *why);

/* The key alone of what email_parse takes, for a third of the cost; empty for anything else, and
 * when memory is out. */
str email_key(struct arena *a, str text);

/* Domain of the organisation behind the address: the registrable one of business, academic and
 * government hosts; empty for free and disposable mail. */
str email_company_domain(const struct email *e);

const char *email_kind_name(enum email_kind kind);

#endif
