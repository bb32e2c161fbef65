/* format: the well-known string formats of buf.validate. All are pure and total. */
#ifndef SCHEMA_FORMAT_H
#define SCHEMA_FORMAT_H

#include "schema/rules.h"

/* s is non-empty. */
bool format_is(enum rule_format format, str s);

#endif
