/* known: the rules that tables can express; what is not here is an error, never dropped. */
#include "known.h"

#include <stddef.h>
#include <string.h>

#include "base/banned.h"

/* clang-format off */
static const struct known known[] = {
    /* family      rule            form          kind                text */
    {"string",    "const",        FORM_SET,     "RULE_IN",           "must equal `"},
    {"string",    "len",          FORM_SPAN,    "RULE_RUNES",        "must be # characters"},
    {"string",    "min_len",      FORM_SPAN,    "RULE_RUNES",        "must be at least # characters"},
    {"string",    "max_len",      FORM_SPAN,    "RULE_RUNES",        "must be at most # characters"},
    {"string",    "len_bytes",    FORM_SPAN,    "RULE_BYTES",        "must be # bytes"},
    {"string",    "min_bytes",    FORM_SPAN,    "RULE_BYTES",        "must be at least # bytes"},
    {"string",    "max_bytes",    FORM_SPAN,    "RULE_BYTES",        "must be at most # bytes"},
    {"string",    "pattern",      FORM_PATTERN, "RULE_PATTERN",      "does not match regex pattern "},
    {"string",    "prefix",       FORM_PART,    "RULE_PREFIX",       "does not have prefix "},
    {"string",    "suffix",       FORM_PART,    "RULE_SUFFIX",       "does not have suffix "},
    {"string",    "contains",     FORM_PART,    "RULE_CONTAINS",     "does not contain substring "},
    {"string",    "not_contains", FORM_PART,    "RULE_NOT_CONTAINS", "contains substring "},
    {"string",    "email",        FORM_FORMAT,  "FORMAT_EMAIL",      "email address"},
    {"string",    "hostname",     FORM_FORMAT,  "FORMAT_HOSTNAME",   "hostname"},
    {"string",    "ip",           FORM_FORMAT,  "FORMAT_IP",         "IP address"},
    {"string",    "ipv4",         FORM_FORMAT,  "FORMAT_IPV4",       "IPv4 address"},
    {"string",    "ipv6",         FORM_FORMAT,  "FORMAT_IPV6",       "IPv6 address"},
    {"string",    "uri",          FORM_FORMAT,  "FORMAT_URI",        "URI"},
    {"string",    "uri_ref",      FORM_FORMAT,  "FORMAT_URI_REF",    "URI Reference"},
    {"string",    "address",      FORM_FORMAT,  "FORMAT_ADDRESS",    "hostname, or ip address"},
    {"string",    "uuid",         FORM_FORMAT,  "FORMAT_UUID",       "UUID"},
    {"string",    "tuuid",        FORM_FORMAT,  "FORMAT_TUUID",      "trimmed UUID"},
    {"string",    "ulid",         FORM_FORMAT,  "FORMAT_ULID",       "ULID"},
    {"string",    "host_and_port", FORM_FORMAT, "FORMAT_HOST_AND_PORT", "host and port pair"},
    {"bytes",     "const",        FORM_SET,     "RULE_IN",           "must be "},
    {"bytes",     "len",          FORM_SPAN,    "RULE_BYTES",        "must be # bytes"},
    {"bytes",     "min_len",      FORM_SPAN,    "RULE_BYTES",        "must be at least # bytes"},
    {"bytes",     "max_len",      FORM_SPAN,    "RULE_BYTES",        "must be at most # bytes"},
    {"bytes",     "pattern",      FORM_PATTERN, "RULE_PATTERN",      "must match regex pattern "},
    {"bytes",     "prefix",       FORM_PART,    "RULE_PREFIX",       "does not have prefix "},
    {"bytes",     "suffix",       FORM_PART,    "RULE_SUFFIX",       "does not have suffix "},
    {"bytes",     "contains",     FORM_PART,    "RULE_CONTAINS",     "does not contain "},
    {"bytes",     "ip",           FORM_FORMAT,  "FORMAT_BYTES_IP",   "IP address"},
    {"enum",      "defined_only", FORM_FLAG,    "RULE_DEFINED_ONLY", "value must be one of the defined enum values"},
    {"repeated",  "min_items",    FORM_SPAN,    "RULE_ITEMS",        "must contain at least # item(s)"},
    {"repeated",  "max_items",    FORM_SPAN,    "RULE_ITEMS",        "must contain no more than # item(s)"},
    {"repeated",  "unique",       FORM_FLAG,    "RULE_UNIQUE",       "repeated value must contain unique items"},
    {"repeated",  "items",        FORM_SKIP,    NULL,                NULL},
    {"map",       "min_pairs",    FORM_SPAN,    "RULE_ITEMS",        "map must be at least # entries"},
    {"map",       "max_pairs",    FORM_SPAN,    "RULE_ITEMS",        "map must be at most # entries"},
    {"map",       "keys",         FORM_SKIP,    NULL,                NULL},
    {"map",       "values",       FORM_SKIP,    NULL,                NULL},
    {"timestamp", "lt_now",       FORM_FLAG,    "RULE_BEFORE_NOW",   "must be less than now"},
    {"timestamp", "gt_now",       FORM_FLAG,    "RULE_AFTER_NOW",    "must be greater than now"},
    {"timestamp", "within",       FORM_NEAR,    "RULE_NEAR_NOW",     NULL},
    {NULL,        "const",        FORM_SET,     "RULE_IN",           "must equal "},
    {NULL,        "in",           FORM_SET,     "RULE_IN",           "must be in list ["},
    {NULL,        "not_in",       FORM_SET,     "RULE_NOT_IN",       "must not be in list ["},
    {NULL,        "finite",       FORM_FLAG,    "RULE_FINITE",       "must be finite"},
    {NULL,        "lt",           FORM_SKIP,    NULL,                NULL}, /* row_range */
    {NULL,        "lte",          FORM_SKIP,    NULL,                NULL},
    {NULL,        "gt",           FORM_SKIP,    NULL,                NULL},
    {NULL,        "gte",          FORM_SKIP,    NULL,                NULL},
    {NULL,        "example",      FORM_SKIP,    NULL,                NULL}, /* for readers only */
};
/* clang-format on */

const struct known *known_find(const char *family, const char *rule)
{
    static const char *const excluded[] = {"any", "field_mask"};
    for (size_t i = 0; i < sizeof excluded / sizeof excluded[0]; i++)
        if (strcmp(family, excluded[i]) == 0)
            return NULL;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(known[i].rule, rule) == 0 &&
            (!known[i].family || strcmp(known[i].family, family) == 0))
            return &known[i];
    return NULL;
}
