/* redact_find: where personal data is in a text; private to redaction. */
#ifndef AI_REDACT_FIND_H
#define AI_REDACT_FIND_H

#include "ai/redact.h"

/* Bytes of a text that are spoken for. Spans in no order, apart, at most REDACT_HITS_MAX. */
struct redact_spans {
    struct redact_span *list;
    size_t n;
    unsigned char *taken; /* [bytes of the text] 1 + label; 0: free */
};

/* Adds a hit; what others have of it already stays theirs. INVALID: too many. */
MUST_CHECK enum status redact_take(struct call *c, struct redact_spans *s, struct redact_span hit);

/* A folded word of a name. */
struct redact_word {
    str folded;
    bool is_common; /* a word of the language too ("will", "rose"): counts with a capital only */
};

/* Splits the names into words. */
MUST_CHECK enum status redact_names_read(struct redaction *r, const struct redact_options *o);

/* Adds the words of the text that are words of a name; neighbours are one hit. */
MUST_CHECK enum status redact_names_find(struct redaction *r, str in, struct redact_spans *s);

/* How much of a hit counts, from its beginning; 0: nothing. Pure. */
typedef size_t (*redact_check_fn)(str hit);

size_t redact_check_card(str hit); /* ISO/IEC 7812: 12 to 19 digits, Luhn */
size_t
redact_check_iban(str hit);      /* ISO 13616: the longest beginning with ISO 7064 mod 97-10 = 1 */
size_t redact_check_ip(str hit); /* RFC 791, RFC 4291 */
size_t redact_check_phone(str hit); /* 7 to 15 digits (E.164), grouped as people do */
size_t redact_check_digit(str hit); /* at least four digits */
size_t redact_check_url(str hit);   /* with a user, or something that looks like a token */

#endif
