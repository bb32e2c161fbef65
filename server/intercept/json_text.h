/* json_text: JSON of strangers, with less freedom than JSON gives: an object, no key twice, no deep
 * nesting. */
#ifndef INTERCEPT_JSON_TEXT_H
#define INTERCEPT_JSON_TEXT_H

#include <jansson.h>

#include "base/str.h"

enum { JSON_DEPTH_MAX = 8 }; /* containers in containers; a token needs 3, a key set 3 */

/* The object that all of the text is; the caller decrefs it. NULL: it is none, it is nested too
 * deep, a key occurs twice, it is not UTF-8, a number does not fit, or there is no memory. */
json_t *json_text_object(str text);

/* The value as text; {0} when it is none or absent. Borrowed from o. */
str json_text_get(const json_t *o, const char *key);

/* A string as text; {0} for any other value. */
str json_text_of(const json_t *value);

#endif
