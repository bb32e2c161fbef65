/* company: company names, made comparable. */
#ifndef DOMAIN_COMPANY_H
#define DOMAIN_COMPANY_H

#include "base/arena.h"

/*
 * "ACME Robotics GmbH & Co. KG" and "Acme Robotics" -> "acme robotics": folded, accents and
 * punctuation dropped, words of the legal form taken off the end ("S.p.A." too) as long as another
 * word remains. `name` is well-formed UTF-8. Empty in, empty out; .p is NULL when the arena is
 * full.
 */
str company_key(struct arena *a, str name);

#endif
