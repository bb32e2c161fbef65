/* pattern: one atomic cell per pattern; the thread that loses the race frees its own copy. */
#include "schema/pattern.h"

#include <ctype.h>
#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/banned.h"

enum {
    MATCH_STEPS_MAX = 200000, /* backtracking steps: some milliseconds */
    MATCH_HEAP_KIB_MAX = 4096,
};

/* As RE2: `$` is the end of the text and \C does not exist. */
static const uint32_t compile_flags = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C;

static pcre2_code *compile(const char *text, int *error, PCRE2_SIZE *offset)
{
    return pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, compile_flags, error, offset,
                         NULL);
}

static pcre2_code *compiled(const struct rule_pattern *p)
{
    void *code = atomic_load_explicit(p->cell, memory_order_acquire);
    if (code)
        return code;
    int error;
    PCRE2_SIZE offset;
    code = compile(p->text, &error, &offset);
    void *winner = NULL;
    if (code && !atomic_compare_exchange_strong(p->cell, &winner, code)) {
        pcre2_code_free(code);
        code = winner;
    }
    return code;
}

static pcre2_match_context *limits(void)
{
    static _Atomic(void *) cell;
    pcre2_match_context *ctx = atomic_load_explicit(&cell, memory_order_acquire);
    if (ctx)
        return ctx;
    ctx = pcre2_match_context_create(NULL);
    if (!ctx)
        return NULL;
    pcre2_set_match_limit(ctx, MATCH_STEPS_MAX);
    pcre2_set_heap_limit(ctx, MATCH_HEAP_KIB_MAX);
    void *winner = NULL;
    if (!atomic_compare_exchange_strong(&cell, &winner, ctx)) {
        pcre2_match_context_free(ctx);
        ctx = winner;
    }
    return ctx;
}

bool pattern_found(const struct rule_pattern *p, str s)
{
    const pcre2_code *code = compiled(p);
    pcre2_match_context *ctx = limits();
    pcre2_match_data *data = code && ctx ? pcre2_match_data_create(1, NULL) : NULL;
    if (!data)
        return false;
    int rc = pcre2_match(code, (PCRE2_SPTR)(s.n > 0 ? s.p : ""), s.n, 0, 0, data, ctx);
    pcre2_match_data_free(data);
    return rc >= 0;
}

/* Look-around, back references, atomic groups, possessive quantifiers, verbs: not in RE2. */
static const char *beyond_re2(const char *text)
{
    static const char *const groups[] = {"(?=", "(?!", "(?<=", "(?<!", "(?>",
                                         "(?|", "(?R", "(?&",  "(*"};
    bool in_class = false;
    for (const char *p = text; *p; p++) {
        if (*p == '\\' && p[1]) {
            p++;
            if (!in_class && (isdigit((unsigned char)*p) || *p == 'k' || *p == 'g' || *p == 'K'))
                return "back references are not in RE2";
            continue;
        }
        in_class = *p == '[' ? true : *p == ']' ? false : in_class;
        for (size_t i = 0; !in_class && i < sizeof groups / sizeof groups[0]; i++)
            if (str_starts(str_of(p), str_of(groups[i])))
                return "look-around and special groups are not in RE2";
        if (!in_class && (*p == '+') && p > text && (p[-1] == '*' || p[-1] == '+' || p[-1] == '}'))
            return "possessive quantifiers are not in RE2";
    }
    return NULL;
}

const char *pattern_problem(const char *text, char *buf, size_t n)
{
    int error;
    PCRE2_SIZE offset;
    pcre2_code *code = compile(text, &error, &offset);
    if (code) {
        pcre2_code_free(code);
        return beyond_re2(text);
    }
    PCRE2_UCHAR why[120];
    pcre2_get_error_message(error, why, sizeof why);
    snprintf(buf, n, "%s at offset %zu", (const char *)why, (size_t)offset);
    return buf;
}
