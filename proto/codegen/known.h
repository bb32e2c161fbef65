/* known: which rules of buf.validate we know, how each becomes a row and what it says. */
#ifndef CODEGEN_KNOWN_H
#define CODEGEN_KNOWN_H

/* What a row takes from the rule. */
enum form {
    FORM_SPAN,
    FORM_SET,
    FORM_PART,
    FORM_PATTERN,
    FORM_FLAG,
    FORM_FORMAT,
    FORM_NEAR,
    FORM_SKIP
};

struct known {
    const char *family; /* NULL: any but those with a row of their own */
    const char *rule;
    enum form form;
    const char *kind; /* of struct rule; for formats the enum rule_format */
    const char *text;
};

/* NULL: not supported. family "string", "int32", ...; rule "min_len", ... */
const struct known *known_find(const char *family, const char *rule);

#endif
