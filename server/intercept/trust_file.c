/* Each member of each object is a row: its name, how it is read, where it goes. */
#include "intercept/trust_file.h"

#include <stdarg.h>
#include <stdio.h>

#include "intercept/json_text.h"

struct reader {
    struct arena *arena;
    char at[64]; /* "issuers[2]" */
    char *why;
    bool failed;
};

struct member {
    const char *name;
    bool (*read)(struct reader *r, json_t *v, void *out);
    size_t offset;
    bool required;
};

/* Keeps the first complaint. */
static bool PRINTF_LIKE(2, 3) refuse(struct reader *r, const char *fmt, ...)
{
    va_list args;
    int n;

    if (r->failed)
        return false;
    r->failed = true;
    n = snprintf(r->why, TRUST_WHY_BYTES, "%s%s", r->at, r->at[0] ? ": " : "");
    va_start(args, fmt);
    vsnprintf(r->why + n, TRUST_WHY_BYTES - (size_t)n, fmt, args);
    va_end(args);
    return false;
}

/* ---- kinds of values ------------------------------------------------------------------------- */

static bool read_text(struct reader *r, json_t *v, void *out)
{
    str s = json_text_of(v);

    *(str *)out = s.n ? arena_str(r->arena, s) : (str){0};
    return ((str *)out)->n > 0;
}

/* "" is a value here: it turns something off. */
static bool read_text_or_none(struct reader *r, json_t *v, void *out)
{
    return (json_is_string(v) && json_string_length(v) == 0 && (*(str *)out = (str){0}, true)) ||
           read_text(r, v, out);
}

static bool read_texts(struct reader *r, json_t *v, void *out)
{
    struct text_list *list = out;
    size_t n = json_array_size(v);
    str *items = json_is_array(v) && n <= TRUST_LIST_MAX ? NEW(r->arena, str, n + 1) : NULL;

    for (size_t i = 0; items && i < n; i++)
        if (!read_text(r, json_array_get(v, i), &items[i]))
            return false;
    *list = (struct text_list){items, n};
    return items && n > 0;
}

static bool read_algs(struct reader *r, json_t *v, void *out)
{
    uint32_t *algs = out;

    (void)r;
    *algs = 0;
    for (size_t i = 0; i < json_array_size(v); i++) {
        enum jws_alg alg = jws_alg_parse(json_text_of(json_array_get(v, i)));

        if (alg == JWS_N_ALGS)
            return false;
        *algs |= 1U << alg;
    }
    return *algs != 0;
}

static bool read_seconds(json_t *v, int64_t *out, int64_t most)
{
    *out = json_integer_value(v);
    return json_is_integer(v) && *out >= 0 && *out <= most;
}

static bool read_leeway(struct reader *r, json_t *v, void *out)
{
    (void)r;
    return read_seconds(v, out, TRUST_LEEWAY_MAX_S);
}

static bool read_lifetime(struct reader *r, json_t *v, void *out)
{
    (void)r;
    return read_seconds(v, out, TRUST_LIFETIME_MAX_S) && *(int64_t *)out > 0;
}

static bool read_kind(struct reader *r, json_t *v, void *out)
{
    str s = json_text_of(v);
    bool service = str_eq(s, STR("service"));

    (void)r;
    *(enum actor_kind *)out = service ? ACTOR_SERVICE : ACTOR_USER;
    return service || str_eq(s, STR("user"));
}

static bool read_bool(struct reader *r, json_t *v, void *out)
{
    (void)r;
    *(bool *)out = json_is_true(v);
    return json_is_boolean(v);
}

/* 0: no such role of ours. */
static uint32_t role_of(str name)
{
#define X(bit, number, text)                                                                       \
    if (str_eq(name, STR(text)))                                                                   \
        return ROLE_BIT_##bit;
    ROLE_LIST(X)
#undef X
    return 0;
}

static bool read_roles(struct reader *r, json_t *v, void *out)
{
    uint32_t *roles = out;

    (void)r;
    *roles = 0;
    for (size_t i = 0; i < json_array_size(v); i++) {
        uint32_t bit = role_of(json_text_of(json_array_get(v, i)));

        if (!bit)
            return false;
        *roles |= bit;
    }
    return *roles != 0;
}

/* {"their name": "ours"}: instead of the names that everybody may use. */
static bool read_role_names(struct reader *r, json_t *v, void *out)
{
    struct claims_rules *rules = out;
    size_t n = json_object_size(v), i = 0;
    struct role_name *names = n && n <= TRUST_LIST_MAX ? NEW(r->arena, struct role_name, n) : NULL;
    const char *name;
    json_t *role;

    if (!names)
        return false;
    json_object_foreach(v, name, role)
    {
        bool service = str_eq(json_text_of(role), STR("service"));

        names[i].name = arena_str(r->arena, str_of(name));
        names[i].roles = service ? ROLE_BIT_AGENT : role_of(json_text_of(role));
        names[i].kind = service ? ACTOR_SERVICE : ACTOR_NONE;
        if (!names[i].name.n || !names[i++].roles)
            return false;
    }
    rules->roles = names;
    rules->n_roles = n;
    return true;
}

/* ---- objects --------------------------------------------------------------------------------- */

/* clang-format off */
#define AT(type, field) offsetof(struct type, field)
static const struct member issuer_members[] = {
    /* name               read               to                                     required */
    {"issuer",            read_text,         AT(issuer, rules.issuer),              true},
    {"jwks_uri",          read_text,         AT(issuer, source.uri),                false},
    {"jwks_file",         read_text,         AT(issuer, source.file),               false},
    {"audiences",         read_texts,        AT(issuer, audiences),                 true},
    {"algorithms",        read_algs,         AT(issuer, algs),                      false},
    {"tenants",           read_texts,        AT(issuer, tenants),                   false},
    {"tenant_claim",      read_text,         AT(issuer, rules.tenant_claim),        false},
    {"roles_claim",       read_text,         AT(issuer, rules.roles_claim),         false},
    {"teams_claim",       read_text_or_none, AT(issuer, rules.teams_claim),         false},
    {"kind_claim",        read_text_or_none, AT(issuer, rules.kind_claim),          false},
    {"kind",              read_kind,         AT(issuer, rules.kind),                false},
    {"roles",             read_role_names,   AT(issuer, rules),                     false},
    {"subject_prefix",    read_text_or_none, AT(issuer, rules.subject_prefix),      false},
    {"leeway_s",          read_leeway,       AT(issuer, rules.leeway_s),            false},
    {"max_lifetime_s",    read_lifetime,     AT(issuer, rules.lifetime_max_s),      false},
};

static const struct member certificate_members[] = {
    {"spiffe_id",         read_text,         AT(certificate_rule, spiffe_id),       false},
    {"common_name",       read_text,         AT(certificate_rule, common_name),     false},
    {"tenant",            read_text,         AT(certificate_rule, tenant),          true},
    {"subject",           read_text,         AT(certificate_rule, subject),         false},
    {"roles",             read_roles,        AT(certificate_rule, roles),           true},
    {"teams",             read_texts,        AT(certificate_rule, teams),           false},
    {"services",          read_texts,        AT(certificate_rule, services),        false},
};
/* clang-format on */

/* Every member has a row, every required row its member. */
static bool read_object(struct reader *r, json_t *o, const struct member *rows, size_t n, void *out)
{
    size_t n_known = 0;

    if (!json_is_object(o))
        return refuse(r, "not an object");
    for (size_t i = 0; i < n; i++) {
        json_t *v = json_object_get(o, rows[i].name);

        n_known += v != NULL;
        if (!v && rows[i].required)
            return refuse(r, "%s is missing", rows[i].name);
        if (v && !rows[i].read(r, v, (char *)out + rows[i].offset))
            return refuse(r, "%s has a wrong value", rows[i].name);
    }
    return n_known == json_object_size(o) || refuse(r, "a member that is not known");
}

static bool read_issuer(struct reader *r, json_t *o, void *out)
{
    struct issuer *i = out;

    *i = (struct issuer){
        .rules = {.tenant_claim = STR("tenant_id"),
                  .roles_claim = STR("roles"),
                  .teams_claim = STR("teams"),
                  .kind_claim = STR("kind"),
                  .roles = role_names_default,
                  .n_roles = n_role_names_default,
                  .leeway_s = TRUST_LEEWAY_S,
                  .lifetime_max_s = TRUST_LIFETIME_S,
                  .kind = ACTOR_USER},
        .algs = (1U << JWS_N_ALGS) - 1,
    };
    if (!read_object(r, o, issuer_members, sizeof issuer_members / sizeof *issuer_members, i))
        return false;
    if (i->source.uri.n && i->source.file.n)
        return refuse(r, "jwks_uri and jwks_file exclude each other");
    if (i->rules.subject_prefix.n > SUBJECT_BYTES / 2)
        return refuse(r, "subject_prefix is over %d bytes", SUBJECT_BYTES / 2);
    i->source.issuer = i->rules.issuer;
    i->rules.audiences = i->audiences.items;
    i->rules.n_audiences = i->audiences.n;
    return true;
}

/* A star may stand at the end only; that of a SPIFFE id behind a slash of its path, so that it
 * never reaches into another name. */
static bool is_pattern(str s, bool is_path)
{
    const char *star = s.n ? memchr(s.p, '*', s.n) : NULL;

    if (star && star != s.p + s.n - 1)
        return false;
    return !star || (s.n > 1 && (!is_path || s.p[s.n - 2] == '/'));
}

static bool read_certificate(struct reader *r, json_t *o, void *out)
{
    struct certificate_rule *rule = out;

    if (!read_object(r, o, certificate_members,
                     sizeof certificate_members / sizeof *certificate_members, rule))
        return false;
    if (!rule->spiffe_id.n == !rule->common_name.n)
        return refuse(r, "one of spiffe_id and common_name");
    if (rule->spiffe_id.n && (!str_starts(rule->spiffe_id, STR("spiffe://")) ||
                              str_eq(rule->spiffe_id, STR("spiffe://*"))))
        return refuse(r, "spiffe_id must name a trust domain");
    if (!is_pattern(rule->spiffe_id, true) || !is_pattern(rule->common_name, false))
        return refuse(r, "a star may only stand at the end, in a SPIFFE id behind a slash");
    return rule->subject.n <= SUBJECT_BYTES || refuse(r, "subject is over %d bytes", SUBJECT_BYTES);
}

/* A list of objects of one kind. */
struct list {
    const char *name;
    size_t max, size; /* most objects, bytes of each */
    bool (*read)(struct reader *r, json_t *o, void *out);
};

/* NULL: refused. */
static void *read_list(struct reader *r, json_t *v, const struct list *list)
{
    size_t n = json_array_size(v);
    char *out = arena_alloc(r->arena, list->size, alignof(max_align_t), n + 1);

    if (!json_is_array(v) || n > list->max || !out) {
        refuse(r, "%s is not a list of at most %zu", list->name, list->max);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        snprintf(r->at, sizeof r->at, "%s[%zu]", list->name, i);
        if (!list->read(r, json_array_get(v, i), out + i * list->size))
            return NULL;
    }
    r->at[0] = 0;
    return out;
}

static bool read_issuers(struct reader *r, json_t *v, void *out)
{
    static const struct list list = {"issuers", TRUST_ISSUERS_MAX, sizeof(struct issuer),
                                     read_issuer};
    struct trust_rules *t = out;

    t->issuers = read_list(r, v, &list);
    t->n_issuers = t->issuers ? json_array_size(v) : 0;
    return t->issuers != NULL;
}

static bool read_certificates(struct reader *r, json_t *v, void *out)
{
    static const struct list list = {"certificates", TRUST_CERTIFICATES_MAX,
                                     sizeof(struct certificate_rule), read_certificate};
    struct trust_rules *t = out;

    t->certificates = read_list(r, v, &list);
    t->n_certificates = t->certificates ? json_array_size(v) : 0;
    return t->certificates != NULL;
}

static bool are_distinct(struct reader *r, const struct trust_rules *t)
{
    for (size_t i = 0; i < t->n_issuers; i++)
        if (trust_issuer(t, t->issuers[i].rules.issuer) != &t->issuers[i])
            return refuse(r, "issuers[%zu]: the issuer is there twice", i);
    return true;
}

/* clang-format off */
static const struct member top_members[] = {
    {"issuers",                read_issuers,      0,                                         false},
    {"certificates",           read_certificates, 0,                                         false},
    {"certificate_services",   read_texts,        AT(trust_rules, certificate_services),     false},
    {"forwarded_certificates", read_bool,         AT(trust_rules, forwarded_certificates),   false},
};
/* clang-format on */

bool trust_parse(
    struct arena *a, str json, struct trust_rules *out,
    char why[TRUST_WHY_BYTES]) /* NOLINT(readability-non-const-parameter): see refuse() */
{
    struct reader r = {.arena = a, .why = why};
    json_t *o = json.n <= TRUST_BYTES_MAX ? json_text_object(json) : NULL;
    bool ok;

    *out = (struct trust_rules){0};
    ok = o ? read_object(&r, o, top_members, sizeof top_members / sizeof *top_members, out) &&
                 are_distinct(&r, out)
           : refuse(&r, "not a JSON object, or a member occurs twice in it");
    json_decref(o);
    if (!ok)
        *out = (struct trust_rules){0};
    return ok;
}

/* ---- look-ups -------------------------------------------------------------------------------- */

const struct issuer *trust_issuer(const struct trust_rules *t, str name)
{
    for (size_t i = 0; i < t->n_issuers; i++)
        if (str_eq(t->issuers[i].rules.issuer, name))
            return &t->issuers[i];
    return NULL;
}

static bool fits(str pattern, str name)
{
    if (!pattern.n || !name.n)
        return false;
    if (pattern.p[pattern.n - 1] != '*')
        return str_eq(pattern, name);
    return name.n > pattern.n - 1 && str_starts(name, str_sub(pattern, 0, pattern.n - 1));
}

const struct certificate_rule *trust_certificate(const struct trust_rules *t, str spiffe_id,
                                                 str common_name)
{
    for (size_t i = 0; i < t->n_certificates; i++)
        if (fits(t->certificates[i].spiffe_id, spiffe_id) ||
            fits(t->certificates[i].common_name, common_name))
            return &t->certificates[i];
    return NULL;
}

bool text_list_has(struct text_list list, str s)
{
    for (size_t i = 0; i < list.n; i++)
        if (str_eq(list.items[i], s))
            return true;
    return false;
}
