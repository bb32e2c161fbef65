/* money: amounts in minor units, exactly. Nothing here is floating point but the chance of winning,
 * and that is rounded to millionths before it meets an amount. */
#ifndef DOMAIN_MONEY_H
#define DOMAIN_MONEY_H

#include <stdint.h>

#include "base/arena.h"

/* Digits behind the point of an ISO 4217 currency. False: no such currency. */
MUST_CHECK bool currency_find(str code, unsigned *digits_out);

/* "1234.5" in a currency of 2 digits -> 123450. A sign, and a comma or point before the digits of
 * the fraction, are understood; separators of thousands are not: they are guesswork. False: no
 * number, more digits than the currency has, or out of int64. */
MUST_CHECK bool money_parse(str text, unsigned digits, int64_t *minor_out);

/* "1234.50 USD" in the arena; minor units for an unknown currency. NULL when the arena is full. */
char *money_format(struct arena *a, int64_t minor, str code);

/* Adds with a stop at the ends of int64: true when it came to that. */
bool money_add(int64_t *sum, int64_t minor);

/* A sum of amounts, and of amounts times their chance, without an error per item: the fraction is
 * carried along in millionths. */
struct money_sum {
    int64_t minor;
    int64_t weighted_minor, weighted_micro; /* micro: 0 to 999999 of a minor unit */
    uint64_t count;
    bool overflowed;
};

/* chance: 0 to 1, clipped to it. */
void money_sum_add(struct money_sum *s, int64_t minor, double chance);

/* The weighted sum, rounded to the nearest minor unit. */
int64_t money_sum_weighted(const struct money_sum *s);

/* One amount times a chance, rounded to the nearest minor unit. */
int64_t money_weighted(int64_t minor, double chance);

#endif
