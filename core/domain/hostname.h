/* hostname: internet domain names of mail addresses and web sites. */
#ifndef DOMAIN_HOSTNAME_H
#define DOMAIN_HOSTNAME_H

#include "base/arena.h"
#include "domain/refusal.h"

struct hostname {
    str name;        /* as people read it: lower case, Unicode; in the arena */
    str ascii;       /* as the DNS knows it: lower case, xn-- labels; the spelling for keys */
    str registrable; /* end of ascii by the public suffix list ("acme.co.uk"); empty when the name
                        is itself a public suffix */
    str tld;         /* last label of ascii */
};

/*
 * Reads a bare domain name.
 *
 * INVALID: empty, over 253 bytes, one label only, a label that is empty, over 63 bytes, starts or
 * ends with a hyphen or holds anything but letters, digits and hyphens, an IP address.
 */
MUST_CHECK enum status hostname_parse(struct arena *a, str text, struct hostname *out,
                                      struct refusal *why);

/* As hostname_parse, but leaves registrable empty: without the look-up in the public suffix list it
 * costs half. */
MUST_CHECK enum status hostname_spell(struct arena *a, str text, struct hostname *out,
                                      struct refusal *why);

/* As hostname_parse for what people paste: a URL, with or without scheme, port and path; "www." is
 * dropped from name and ascii. */
MUST_CHECK enum status hostname_parse_site(struct arena *a, str text, struct hostname *out,
                                           struct refusal *why);

/* host equals domain or lies below it; both ascii lower case. */
bool hostname_is_under(str host, str domain);

#endif
