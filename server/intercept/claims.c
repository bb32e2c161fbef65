/* Each claim has a reader; the readers are rows of one table, run in order until one refuses. */
#include "intercept/claims.h"

#include <stdio.h>

#include "intercept/json_text.h"

enum { US_PER_S = 1000000 };

static const int64_t time_max_s = 253402300799; /* 9999-12-31: what is further away is no date */

/* clang-format off */
const struct role_name role_names_default[] = {
#define X(bit, number, text) {{(text), sizeof(text) - 1}, ROLE_BIT_##bit, ACTOR_NONE},
    ROLE_LIST(X)
#undef X
    {{"sales_manager", 13}, ROLE_BIT_MANAGER, ACTOR_NONE},
    {{"sales_rep", 9},      ROLE_BIT_REP,     ACTOR_NONE},
    {{"service", 7},        ROLE_BIT_AGENT,   ACTOR_SERVICE},
};
/* clang-format on */
const size_t n_role_names_default = sizeof role_names_default / sizeof *role_names_default;

struct reading {
    struct arena *arena;
    const struct claims_rules *rules;
    const json_t *payload;
    int64_t now_s, exp_s;
    struct claims *out;
};

const json_t *claims_get(const json_t *payload, str name)
{
    const json_t *at = payload;

    if (!name.n || name.p[0] != '/')
        return name.n ? json_object_getn(payload, name.p, name.n) : NULL;
    name = str_sub(name, 1, name.n);
    while (at && name.n) {
        str step = str_cut(&name, '/');

        at = json_object_getn(at, step.p, step.n);
    }
    return at;
}

/* The i-th of a list, or the one that stands for a list of one. */
static const json_t *item(const json_t *list, size_t i)
{
    return json_is_array(list) ? json_array_get(list, i) : list;
}

static size_t n_items(const json_t *list)
{
    return json_is_array(list) ? json_array_size(list) : list != NULL;
}

/* Whole seconds since 1970. False: absent, or not such a number. */
static bool time_of(const struct reading *r, const char *name, int64_t *out)
{
    const json_t *v = json_object_get(r->payload, name);

    *out = json_is_integer(v) ? json_integer_value(v) : 0;
    return *out > 0 && *out <= time_max_s;
}

static enum auth_reason read_issuer(struct reading *r)
{
    return str_eq(json_text_get(r->payload, "iss"), r->rules->issuer) ? AUTH_FINE : AUTH_ISSUER;
}

static bool is_ours(const struct claims_rules *rules, str audience)
{
    for (size_t i = 0; i < rules->n_audiences; i++)
        if (str_eq(audience, rules->audiences[i]))
            return true;
    return false;
}

static enum auth_reason read_audience(struct reading *r)
{
    const json_t *aud = json_object_get(r->payload, "aud");
    bool found = false;

    if (n_items(aud) > CLAIMS_AUDIENCES_MAX)
        return AUTH_CLAIMS;
    for (size_t i = 0; i < n_items(aud); i++) {
        if (!json_is_string(item(aud, i)))
            return AUTH_CLAIMS;
        found |= is_ours(r->rules, json_text_of(item(aud, i)));
    }
    return found ? AUTH_FINE : AUTH_AUDIENCE;
}

static enum auth_reason read_expiry(struct reading *r)
{
    if (!time_of(r, "exp", &r->exp_s))
        return AUTH_CLAIMS;
    r->out->expires_us = (r->exp_s + r->rules->leeway_s) * US_PER_S;
    return r->now_s < r->exp_s + r->rules->leeway_s ? AUTH_FINE : AUTH_EXPIRED;
}

/* Not before its time; and a token without `iat` was made now, for all we know. */
static enum auth_reason read_start(struct reading *r)
{
    static const char *const names[] = {"nbf", "iat"};
    int64_t issued_s = r->now_s;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int64_t at_s;

        if (!json_object_get(r->payload, names[i]))
            continue;
        if (!time_of(r, names[i], &at_s))
            return AUTH_CLAIMS;
        if (at_s > r->now_s + r->rules->leeway_s)
            return AUTH_NOT_YET;
        issued_s = i == 1 ? at_s : issued_s;
    }
    return r->exp_s - issued_s <= r->rules->lifetime_max_s ? AUTH_FINE : AUTH_LIFETIME;
}

/* Fit for a log line and an audit row. */
static bool is_name(str s, size_t most)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 127)
            return false;
    return s.n > 0 && s.n <= most && str_is_text(s);
}

static enum auth_reason read_subject(struct reading *r)
{
    str sub = json_text_get(r->payload, "sub"), prefix = r->rules->subject_prefix;

    if (prefix.n >= SUBJECT_BYTES || !is_name(sub, SUBJECT_BYTES - prefix.n))
        return AUTH_CLAIMS;
    snprintf(r->out->subject, sizeof r->out->subject, STR_FMT STR_FMT, STR_ARG(prefix),
             STR_ARG(sub));
    return AUTH_FINE;
}

static enum auth_reason read_tenant(struct reading *r)
{
    str tenant = json_text_of(claims_get(r->payload, r->rules->tenant_claim));

    if (!is_name(tenant, TENANT_NAME_BYTES))
        return AUTH_CLAIMS;
    r->out->tenant = arena_str(r->arena, tenant);
    return r->out->tenant.p ? AUTH_FINE : AUTH_CLAIMS;
}

static enum auth_reason read_kind(struct reading *r)
{
    static const struct {
        str name;
        enum actor_kind kind;
    } kinds[] = {{{"user", 4}, ACTOR_USER}, {{"service", 7}, ACTOR_SERVICE}, {{"ai", 2}, ACTOR_AI}};
    const json_t *kind = claims_get(r->payload, r->rules->kind_claim);

    r->out->kind = r->rules->kind;
    if (!kind)
        return AUTH_FINE;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_eq(json_text_of(kind), kinds[i].name)) {
            r->out->kind = kinds[i].kind;
            return AUTH_FINE;
        }
    return AUTH_CLAIMS;
}

static void grant(struct reading *r, str name)
{
    for (size_t i = 0; i < r->rules->n_roles; i++) {
        const struct role_name *row = &r->rules->roles[i];

        if (!str_eq(name, row->name))
            continue;
        r->out->roles |= row->roles;
        r->out->kind = row->kind != ACTOR_NONE ? row->kind : r->out->kind;
        return;
    }
}

/* A list, or words in one text. After read_kind: a role may say it better. */
static enum auth_reason read_roles(struct reading *r)
{
    const json_t *roles = claims_get(r->payload, r->rules->roles_claim);
    str words = json_text_of(roles);

    if (words.n > (size_t)CLAIMS_ROLES_MAX * SUBJECT_BYTES ||
        json_array_size(roles) > CLAIMS_ROLES_MAX)
        return AUTH_CLAIMS;
    while (words.n)
        grant(r, str_cut(&words, ' '));
    for (size_t i = 0; i < json_array_size(roles); i++) {
        if (!json_is_string(json_array_get(roles, i)))
            return AUTH_CLAIMS;
        grant(r, json_text_of(json_array_get(roles, i)));
    }
    return !roles || json_is_array(roles) || json_is_string(roles) ? AUTH_FINE : AUTH_CLAIMS;
}

static enum auth_reason read_teams(struct reading *r)
{
    const json_t *teams = claims_get(r->payload, r->rules->teams_claim);
    size_t n = n_items(teams);

    if (n == 0)
        return AUTH_FINE;
    r->out->teams = n <= TEAMS_MAX ? NEW(r->arena, const char *, n) : NULL;
    if (!r->out->teams)
        return AUTH_CLAIMS;
    for (size_t i = 0; i < n; i++) {
        str id = json_text_of(item(teams, i));

        if (!is_name(id, SUBJECT_BYTES) || !(r->out->teams[i] = arena_cstr(r->arena, id)))
            return AUTH_CLAIMS;
    }
    r->out->n_teams = n;
    return AUTH_FINE;
}

enum auth_reason claims_check(struct arena *a, const struct claims_rules *r, const json_t *payload,
                              int64_t now_us, struct claims *out)
{
    static enum auth_reason (*const readers[])(struct reading *) = {
        read_issuer, read_audience, read_expiry, read_start, read_subject,
        read_tenant, read_kind,     read_roles,  read_teams,
    };
    struct reading reading = {a, r, payload, now_us / US_PER_S, 0, out};

    *out = (struct claims){0};
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        enum auth_reason why = readers[i](&reading);

        if (why == AUTH_EXPIRED &&
            (read_subject(&reading) != AUTH_FINE || read_tenant(&reading) != AUTH_FINE))
            out->tenant = (str){0};
        if (why != AUTH_FINE)
            return why;
    }
    return AUTH_FINE;
}
