/* name: names of people: parts, plausibility, keys. */
#ifndef DOMAIN_NAME_H
#define DOMAIN_NAME_H

#include "base/arena.h"

/* What speaks against a name; the first that applies. */
#define NAME_FLAW_LIST(X)                                                                          \
    X(NONE, "plausible")                                                                           \
    X(EMPTY, "no letters")                                                                         \
    X(SINGLE, "one letter only")                                                                   \
    X(DIGITS, "digits in it")                                                                      \
    X(SYMBOLS, "characters that names do not have")                                                \
    X(REPEATED, "one letter over and over")                                                        \
    X(KEYBOARD, "a row of the keyboard")                                                           \
    X(PLACEHOLDER, "a placeholder such as \"test\"")                                               \
    X(CONSONANTS, "no vowel in a long run of letters")                                             \
    X(COMPANY, "a company, not a person")

enum name_flaw {
#define X(id, text) NAME_FLAW_##id,
    NAME_FLAW_LIST(X)
#undef X
        N_NAME_FLAWS
};

/* Judges a whole name in any script. A flaw lowers a score; it never refuses a lead. */
enum name_flaw name_check(struct arena *a, str name);
const char *name_flaw_text(enum name_flaw f);

/* "Lovelace, Ada" and "Ada Lovelace" -> given "Ada", family "Lovelace". One word is the family
 * name; particles ("van", "de la", "bin") stay with it. Parts of `full`. */
void name_split(str full, str *given, str *family);

/* For comparing: folded words without accents and titles, sorted, so that the order of the parts
 * does not count. .p is NULL when the arena is full. */
str name_key(struct arena *a, str name);

#endif
