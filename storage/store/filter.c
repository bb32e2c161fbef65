/* A recursive-descent parser; its recursion is bounded by FILTER_DEPTH_MAX, everything else loops.
 */
#include "store/filter.h"

#include <assert.h>

#include "base/limits.h"

enum token {
    TOKEN_END,
    TOKEN_WORD,
    TOKEN_TEXT,
    TOKEN_OP,
    TOKEN_OPEN,
    TOKEN_CLOSE,
    TOKEN_MINUS,
    TOKEN_BAD,
};

struct parser {
    struct arena *arena;
    str text;
    size_t at;         /* bytes read */
    enum token token;  /* the one ahead */
    size_t start;      /* its first byte */
    str value;         /* of WORD and TEXT */
    enum filter_op op; /* of OP */
    size_t n_terms, depth;
    struct filter_error *error;
};

static bool fail(struct parser *p, size_t at, const char *why)
{
    if (!p->error->why)
        *p->error = (struct filter_error){at + 1, why};
    return false;
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '+' || c == '-' || c == '*';
}

static bool read_quoted(struct parser *p, char quote)
{
    char *out = arena_take(p->arena, p->text.n - p->at + 1);
    size_t n = 0;

    if (!out)
        return fail(p, p->at, "the request has no memory left");
    while (p->at < p->text.n) {
        char c = p->text.p[p->at++];

        if (c == quote) {
            p->value = (str){out, n};
            p->token = TOKEN_TEXT;
            return true;
        }
        if (c == '\\') {
            if (p->at == p->text.n)
                break;
            c = p->text.p[p->at++];
            if (c != '"' && c != '\'' && c != '\\')
                return fail(p, p->at - 2, "only \\\", \\' and \\\\ may be escaped");
        }
        out[n++] = c;
    }
    return fail(p, p->start, "the quote is not closed");
}

static const struct {
    char text[3];
    enum filter_op op;
} operators[] = {/* longest first */
                 {"!=", FILTER_NE}, {"<=", FILTER_LE}, {">=", FILTER_GE}, {"=", FILTER_EQ},
                 {"<", FILTER_LT},  {">", FILTER_GT},  {":", FILTER_HAS}};

static bool read_operator(struct parser *p)
{
    str rest = str_sub(p->text, p->at, 2);

    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (str_starts(rest, str_of(operators[i].text))) {
            p->token = TOKEN_OP;
            p->op = operators[i].op;
            p->at += strlen(operators[i].text);
            return true;
        }
    return fail(p, p->at, "this character has no meaning here; texts need quotes");
}

/* Reads the token ahead. In the place of a value a word may hold ':' (times) and start with '-'. */
static bool advance(struct parser *p, bool value)
{
    size_t end;
    char c;

    while (p->at < p->text.n && (p->text.p[p->at] == ' ' || p->text.p[p->at] == '\t' ||
                                 p->text.p[p->at] == '\n' || p->text.p[p->at] == '\r'))
        p->at++;
    p->start = p->at;
    if (p->at == p->text.n) {
        p->token = TOKEN_END;
        return true;
    }
    c = p->text.p[p->at];
    if (c == '(' || c == ')' || (c == '-' && !value)) {
        p->token = c == '(' ? TOKEN_OPEN : c == ')' ? TOKEN_CLOSE : TOKEN_MINUS;
        p->at++;
        return true;
    }
    if (c == '"' || c == '\'') {
        p->at++;
        return read_quoted(p, c);
    }
    for (end = p->at; end < p->text.n &&
                      (is_word(p->text.p[end]) || (value && end > p->at && p->text.p[end] == ':'));)
        end++;
    if (end == p->at)
        return read_operator(p);
    p->token = TOKEN_WORD;
    p->value = str_sub(p->text, p->at, end - p->at);
    p->at = end;
    return true;
}

static bool at_keyword(const struct parser *p, const char *word)
{
    return p->token == TOKEN_WORD && str_eq(p->value, str_of(word));
}

static struct filter *node(struct parser *p, enum filter_kind kind, const struct filter *left,
                           const struct filter *right)
{
    struct filter *f = NEW(p->arena, struct filter, 1);

    if (!f) {
        fail(p, p->start, "the request has no memory left");
        return NULL;
    }
    *f = (struct filter){.kind = kind, .left = left, .right = right};
    return f;
}

static const struct filter *parse_comparison(struct parser *p)
{
    struct filter *f;

    if (p->token != TOKEN_WORD) {
        fail(p, p->start, "expected the name of a field");
        return NULL;
    }
    if (++p->n_terms > FILTER_TERMS_MAX) {
        fail(p, p->start, "too many comparisons");
        return NULL;
    }
    if ((f = node(p, FILTER_TERM, NULL, NULL)) == NULL)
        return NULL;
    f->name = p->value;
    f->column = p->start + 1;
    if (!advance(p, false))
        return NULL;
    if (p->token != TOKEN_OP) {
        fail(p, p->start, "expected one of = != < <= > >= :");
        return NULL;
    }
    f->op = p->op;
    if (!advance(p, true))
        return NULL;
    if (p->token != TOKEN_WORD && p->token != TOKEN_TEXT) {
        fail(p, p->start, "expected a value");
        return NULL;
    }
    f->value = p->value;
    f->quoted = p->token == TOKEN_TEXT;
    f->value_column = p->start + 1;
    return advance(p, false) ? f : NULL;
}

static const struct filter *parse_expression(struct parser *p);

static const struct filter *parse_group(struct parser *p)
{
    const struct filter *f;

    if (p->depth == FILTER_DEPTH_MAX) {
        fail(p, p->start, "parentheses are nested too deep");
        return NULL;
    }
    p->depth++;
    if (!advance(p, false) || (f = parse_expression(p)) == NULL)
        return NULL;
    p->depth--;
    if (p->token != TOKEN_CLOSE) {
        fail(p, p->start, "expected )");
        return NULL;
    }
    return advance(p, false) ? f : NULL;
}

static const struct filter *parse_term(struct parser *p)
{
    bool negated = p->token == TOKEN_MINUS || at_keyword(p, "NOT");
    const struct filter *f;

    if (negated && !advance(p, false))
        return NULL;
    f = p->token == TOKEN_OPEN ? parse_group(p) : parse_comparison(p);
    return f && negated ? node(p, FILTER_NOT, f, NULL) : f;
}

static const struct filter *parse_factor(struct parser *p)
{
    const struct filter *f = parse_term(p), *right;

    while (f && at_keyword(p, "OR")) {
        if (!advance(p, false) || (right = parse_term(p)) == NULL)
            return NULL;
        f = node(p, FILTER_OR, f, right);
    }
    return f;
}

/* Recursion: through parse_group only, at most FILTER_DEPTH_MAX deep. */
static const struct filter *parse_expression(struct parser *p) /* NOLINT(misc-no-recursion) */
{
    const struct filter *f = parse_factor(p), *right;

    while (f && at_keyword(p, "AND")) {
        if (!advance(p, false) || (right = parse_factor(p)) == NULL)
            return NULL;
        f = node(p, FILTER_AND, f, right);
    }
    return f;
}

bool filter_parse(struct arena *a, str text, const struct filter **out, struct filter_error *error)
{
    struct parser p = {.arena = a, .text = text, .error = error};
    const struct filter *f;

    *out = NULL;
    *error = (struct filter_error){0};
    if (text.n > FILTER_BYTES_MAX)
        return fail(&p, FILTER_BYTES_MAX, "the filter is too long");
    if (!advance(&p, false))
        return false;
    if (p.token == TOKEN_END)
        return true;
    if ((f = parse_expression(&p)) == NULL)
        return false;
    if (p.token != TOKEN_END)
        return fail(&p, p.start, "expected AND, OR or the end");
    assert(p.depth == 0);
    *out = f;
    return true;
}
