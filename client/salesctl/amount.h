/* amount: money with its currency, as people type and read it; minor units inside. */
#ifndef SALESCTL_AMOUNT_H
#define SALESCTL_AMOUNT_H

#include <stdint.h>

#include "base/arena.h"

/* "1200.50 EUR", "EUR 1200,5", "-3 JPY". False: no known currency, or no exact number: separators
 * of thousands are guesswork. `code` is upper case. */
MUST_CHECK bool amount_parse(str text, int64_t *minor, char code[4]);

/* "1,200.50 EUR". In the arena. */
const char *amount_text(struct arena *a, int64_t minor, const char *code);

#endif
