/* Names of people: cheap checks against what forms are filled with when nobody wants to say. */
#include "domain/name.h"

#include <assert.h>

#include "domain/text.h"

enum { NAME_BYTES_MAX = 400, KEY_WORDS_MAX = 12, CONSONANT_RUN_MAX = 6 };

static const char *const flaw_texts[] = {
#define X(id, text) text,
    NAME_FLAW_LIST(X)
#undef X
};

/* Sorted: looked up by bisection. */
static const char *const placeholders[] = {
    "aa",      "aaa",       "abc",        "anonymous", "asd",       "asdf", "blah",
    "demo",    "dummy",     "example",    "fake",      "firstname", "foo",  "foobar",
    "hello",   "lastname",  "mustermann", "n/a",       "na",        "name", "nobody",
    "none",    "null",      "qwerty",     "sample",    "spam",      "test", "tester",
    "testing", "undefined", "unknown",    "user",      "xxx",       "xyz",
};
static const char *const titles[] = {"dipl", "dott", "dr",  "eng", "frau", "herr", "jr",
                                     "miss", "mr",   "mrs", "ms",  "phd",  "prof", "sr"};
static const char *const particles[] = {
    "al", "ben", "bin", "da", "das", "de",  "del", "della", "den", "der", "di", "do",  "dos",
    "du", "el",  "ibn", "la", "le",  "ten", "ter", "van",   "vom", "von", "zu", "zum", "zur"};
static const char *const company_words[] = {"ag", "corp", "gmbh", "inc", "llc", "ltd", "plc"};

#define HAS(rows, s)                                                                               \
    (text_find(rows, sizeof(rows) / sizeof *(rows), (s)) < sizeof(rows) / sizeof *(rows))

static bool is_vowel(char c)
{
    return c && strchr("aeiouy", c);
}

/* The longest run of ASCII consonants in folded text; other scripts have none. */
static size_t consonant_run(str s)
{
    size_t run = 0, most = 0;

    for (size_t i = 0; i < s.n; i++) {
        run = s.p[i] >= 'a' && s.p[i] <= 'z' && !is_vowel(s.p[i]) ? run + 1 : 0;
        most = run > most ? run : most;
    }
    return most;
}

static bool is_keyboard_row(str word)
{
    static const char *const rows[] = {"qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop",
                                       "azertyuiop"};
    char text[16];

    if (word.n < 4 || word.n >= sizeof text)
        return false;
    memcpy(text, word.p, word.n);
    text[word.n] = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strstr(rows[i], text))
            return true;
    return false;
}

static enum name_flaw check_word(str word)
{
    size_t same = 1;

    while (same < word.n && word.p[same] == word.p[0])
        same++;
    if (word.n >= 3 && same == word.n)
        return NAME_FLAW_REPEATED;
    if (is_keyboard_row(word))
        return NAME_FLAW_KEYBOARD;
    if (HAS(placeholders, word))
        return NAME_FLAW_PLACEHOLDER;
    if (HAS(company_words, word))
        return NAME_FLAW_COMPANY;
    if (consonant_run(word) > CONSONANT_RUN_MAX)
        return NAME_FLAW_CONSONANTS;
    return NAME_FLAW_NONE;
}

static enum name_flaw check_runes(str folded)
{
    size_t n_letters = 0;
    enum name_flaw flaw = NAME_FLAW_NONE;

    for (str rest = folded; rest.n;) {
        uint32_t r = text_rune(&rest);

        n_letters += text_is_letter(r);
        if (r >= '0' && r <= '9')
            flaw = NAME_FLAW_DIGITS;
        else if (r < 0x80 && r && strchr("@#$%^*=+<>{}[]|\\/~_!?;:\"", (int)r) && !flaw)
            flaw = NAME_FLAW_SYMBOLS;
    }
    if (!n_letters)
        return NAME_FLAW_EMPTY;
    return flaw;
}

/* The next word, up to a space or comma. */
static str next_word(str *s)
{
    size_t n = 0;

    while (s->n && (s->p[0] == ' ' || s->p[0] == ',' || s->p[0] == '.'))
        *s = str_sub(*s, 1, s->n);
    while (n < s->n && s->p[n] != ' ' && s->p[n] != ',' && s->p[n] != '.')
        n++;
    str word = str_sub(*s, 0, n);

    *s = str_sub(*s, n, s->n);
    return word;
}

enum name_flaw name_check(struct arena *a, str name)
{
    str s = str_trim(name), folded;
    enum name_flaw flaw;

    if (s.n > NAME_BYTES_MAX || !str_is_text(s))
        return NAME_FLAW_SYMBOLS;
    folded = text_fold_marks(a, s);
    if (!folded.n)
        return NAME_FLAW_EMPTY;
    if ((flaw = check_runes(folded)) != NAME_FLAW_NONE)
        return flaw;
    if (folded.n == 1)
        return NAME_FLAW_SINGLE;
    for (str word; (word = next_word(&folded)).n;)
        if ((flaw = check_word(word)) != NAME_FLAW_NONE)
            return flaw;
    return NAME_FLAW_NONE;
}

const char *name_flaw_text(enum name_flaw f)
{
    assert(f < N_NAME_FLAWS);
    return flaw_texts[f];
}

static bool is_particle(str word)
{
    for (size_t i = 0; i < sizeof particles / sizeof *particles; i++)
        if (str_eq_nocase(word, str_of(particles[i])))
            return true;
    return false;
}

void name_split(str full, str *given, str *family)
{
    str s = str_trim(full), before, after;
    size_t at;

    after = s;
    before = str_cut(&after, ',');
    if (after.n) { /* "Lovelace, Ada" */
        *given = str_trim(after);
        *family = str_trim(before);
        return;
    }
    s = str_trim(before);
    at = s.n;
    while (at > 0 && s.p[at - 1] != ' ')
        at--;
    while (at > 0) { /* take the particles before the last word along */
        size_t end = at - 1, start = end;

        while (start > 0 && s.p[start - 1] != ' ')
            start--;
        if (start == 0 || !is_particle(str_sub(s, start, end - start)))
            break;
        at = start;
    }
    *given = str_trim(str_sub(s, 0, at));
    *family = str_sub(s, at, s.n);
}

str name_key(struct arena *a, str name)
{
    str words[KEY_WORDS_MAX], folded = text_fold_marks(a, name), rest = folded;
    size_t n = 0, at = 0;
    char *p;

    if (!folded.p || (p = arena_take(a, folded.n + 1)) == NULL)
        return (str){0};
    for (str word; n < KEY_WORDS_MAX && (word = next_word(&rest)).n;) {
        size_t to = n;

        if (HAS(titles, word))
            continue;
        for (; to > 0 && str_cmp(words[to - 1], word) > 0; to--)
            words[to] = words[to - 1];
        words[to] = word;
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        if (i)
            p[at++] = ' ';
        memcpy(p + at, words[i].p, words[i].n);
        at += words[i].n;
    }
    p[at] = 0;
    return (str){p, at};
}
