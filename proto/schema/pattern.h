/* pattern: RE2-style regular expressions on PCRE2, compiled once per process. */
#ifndef SCHEMA_PATTERN_H
#define SCHEMA_PATTERN_H

#include "schema/rules.h"

/* The pattern occurs in s, which need not be valid UTF-8 (then it does not). False also when the
 * step limit is reached. Thread-safe. */
bool pattern_found(const struct rule_pattern *p, str s);

/* Why the text is no legal pattern, or NULL. Constructs that PCRE2 knows and RE2 does not are
 * refused: their cost is not bounded. */
const char *pattern_problem(const char *text, char *buf, size_t n);

#endif
