/* phone: telephone numbers as people type them -> E.164. */
#ifndef DOMAIN_PHONE_H
#define DOMAIN_PHONE_H

#include "domain/country.h"

enum { PHONE_EXTENSION_DIGITS_MAX = 11 };

struct phone {
    str e164;                      /* "+4915112345678", in the arena */
    str extension;                 /* digits, in the arena; empty if there is none */
    str national;                  /* part of e164 behind the calling code */
    const struct country *country; /* NULL when the calling code does not tell (+800, +881 ...) */
};

/*
 * Reads a number. Without "+" or a prefix for calling abroad it belongs to home (NULL: such a
 * number is refused). Understands spaces, dots, hyphens, slashes, brackets, "(0)", "tel:",
 * full-width digits, letters as on a North American keypad, and extensions ("ext 12", "x12", "#12",
 * ";ext=12").
 *
 * Checked: the calling code exists, the length is one of the country's plan, North American area
 * and exchange codes are possible. Whether anybody answers is not.
 *
 * INVALID: see phone.c, one rule each.
 */
MUST_CHECK enum status phone_parse(struct arena *a, str text, const struct country *home,
                                   struct phone *out, struct refusal *why);

#endif
