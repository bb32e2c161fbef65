/* text: cleaning and folding of human text. ASCII takes a fast path; the rest goes through utf8proc
 * with buffers from the arena. */
#ifndef DOMAIN_TEXT_H
#define DOMAIN_TEXT_H

#include <stdint.h>

#include "base/arena.h"
#include "domain/refusal.h"

enum { TEXT_BYTES_MAX = 1 << 20 }; /* longest text worked on: the decomposition needs 4 x that */

/*
 * One line as it is stored: NFC, trimmed, each run of white space one space.
 *
 * INVALID: not UTF-8, a control character (line breaks included) or a character that overrides the
 * reading direction. EXHAUSTED: arena full or longer than TEXT_BYTES_MAX.
 */
MUST_CHECK enum status text_line(struct arena *a, str in, str *out, struct refusal *why);

/* As text_line for notes and bodies: line breaks (made \n) and tabs stay, spaces are kept. */
MUST_CHECK enum status text_block(struct arena *a, str in, str *out, struct refusal *why);

/* For comparing: NFKC, case folded, ignorable characters dropped. `in` is well-formed UTF-8.
 * .p is NULL when the arena is full. */
str text_fold(struct arena *a, str in);

/* As text_fold, and accents dropped: "Müller" and "MULLER" become "muller". */
str text_fold_marks(struct arena *a, str in);

/* The next code point of well-formed UTF-8, taken from the front of *s; 0 at the end. */
uint32_t text_rune(str *s);

/* Letter, mark or digit of any script. */
bool text_is_word_rune(uint32_t rune);
bool text_is_letter(uint32_t rune);

/* All bytes below 0x80. */
bool text_is_ascii(str s);

/* Index of s in rows[n], sorted bytewise; n when it is not there. O(log n). */
size_t text_find(const char *const *rows, size_t n, str s);

#endif
