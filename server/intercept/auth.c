/* Which evidence counts is a table; how each kind is checked is in a file of its own. */
#include <assert.h>
#include <stdlib.h>

#include "intercept/auth_parts.h"

/* ---- teams ----------------------------------------------------------------------------------- */

bool team_list_add(struct team_list *l, str id)
{
    if (l->n >= TEAMS_MAX || !id.n || id.n > SUBJECT_BYTES || memchr(id.p, 0, id.n))
        return false;
    memcpy(l->text + l->n_bytes, id.p, id.n);
    l->text[l->n_bytes + id.n] = 0;
    l->n_bytes = (uint16_t)(l->n_bytes + id.n + 1);
    l->n++;
    return true;
}

bool team_list_copy(const struct team_list *l, struct arena *a, struct principal *p)
{
    char *text = l->n ? arena_take(a, l->n_bytes) : NULL;
    const char **teams = l->n ? NEW(a, const char *, l->n) : NULL;

    p->teams = NULL;
    p->n_teams = 0;
    if (!l->n)
        return true;
    if (!text || !teams)
        return false;
    memcpy(text, l->text, l->n_bytes);
    for (size_t i = 0; i < l->n; i++) {
        teams[i] = text;
        text += strlen(text) + 1;
    }
    p->teams = teams;
    p->n_teams = l->n;
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

struct auth *auth_new(struct authenticator *keys, struct trust *trust)
{
    struct auth *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->keepers = keys;
    a->trust = trust;
    a->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    a->keys = assoc_new(AUTH_CACHE_SETS, sizeof(struct api_key_record));
    a->unknown = assoc_new(AUTH_UNKNOWN_SETS, 1);
    a->tenants = assoc_new(AUTH_CACHE_SETS, sizeof(struct tenant_record));
    a->tokens = assoc_new(AUTH_TOKEN_SETS, sizeof(struct verified));
    if (a->sha256 && a->keys && a->unknown && a->tenants && a->tokens)
        return a;
    auth_free(a);
    return NULL;
}

void auth_free(struct auth *a)
{
    if (!a)
        return;
    assoc_free(a->keys);
    assoc_free(a->unknown);
    assoc_free(a->tenants);
    assoc_free(a->tokens);
    EVP_MD_free(a->sha256);
    free(a);
}

/* ---- what counts ----------------------------------------------------------------------------- */

enum certificate {
    CERT_NONE,     /* none was shown */
    CERT_UNMAPPED, /* it stands for nobody, or may not call this service */
    CERT_MAPPED,
    CERTS
};

enum header { HEADER_NONE, HEADER_ONE, HEADER_MANY, HEADERS };

enum way { REFUSE, BY_HEADER, BY_CERTIFICATE };

/* A header goes before a certificate: it says who, the certificate says from where. */
static const struct {
    enum way way;
    enum auth_reason why; /* of REFUSE */
} ways[HEADERS][CERTS] = {
    /* clang-format off */
    [HEADER_NONE] = {[CERT_NONE] = {REFUSE, AUTH_MISSING}, [CERT_UNMAPPED] = {REFUSE, AUTH_CERTIFICATE}, [CERT_MAPPED] = {BY_CERTIFICATE, AUTH_FINE}},
    [HEADER_ONE]  = {[CERT_NONE] = {BY_HEADER, AUTH_FINE}, [CERT_UNMAPPED] = {BY_HEADER, AUTH_FINE},     [CERT_MAPPED] = {BY_HEADER, AUTH_FINE}},
    [HEADER_MANY] = {[CERT_NONE] = {REFUSE, AUTH_DOUBLED}, [CERT_UNMAPPED] = {REFUSE, AUTH_DOUBLED},     [CERT_MAPPED] = {REFUSE, AUTH_DOUBLED}},
    /* clang-format on */
};

/* The schemes of a header: one word, two kinds of secrets that cannot be mistaken for each other.
 */
static enum status by_header(struct auth *a, struct call *c, str header, struct auth_outcome *out)
{
    str secret;

    if (!str_eq_nocase(str_sub(header, 0, 7), STR("Bearer "))) {
        out->why = AUTH_SCHEME;
        return STATUS_OK;
    }
    secret = str_trim(str_sub(header, 7, header.n));
    return memchr(secret.p, '.', secret.n) ? auth_by_token(a, c, secret, out)
                                           : auth_by_key(a, c, secret, out);
}

/* Both were shown: a machine of one tenant does not carry the credentials of another. */
static enum status compare_tenants(struct auth *a, struct call *c,
                                   const struct certificate_rule *rule, struct auth_outcome *out)
{
    struct principal machine;
    struct auth_outcome of_machine = *out;
    struct tenant_name tenant = {.text = rule->tenant};

    auth_digest(a, rule->tenant, &tenant.key);
    TRY(auth_tenant(a, c, &tenant, &machine, &of_machine));
    if (machine.tenant_id == c->principal.tenant_id)
        return STATUS_OK;
    out->why = AUTH_CONFLICT;
    out->whose = c->principal;
    out->whose.teams = NULL;
    out->whose.n_teams = 0;
    return STATUS_OK;
}

static enum status judge(struct auth *a, struct call *c, const struct trust_rules *rules,
                         const struct auth_evidence *e, struct auth_outcome *out)
{
    static const struct trust_rules nobody = {0};
    const struct trust_rules *t = rules ? rules : &nobody;
    const struct certificate_rule *rule = trust_certificate(t, e->spiffe_id, e->common_name);
    bool may_call =
        rule && (!rule->services.n || text_list_has(rule->services, str_of(e->service)));
    enum certificate cert = may_call                             ? CERT_MAPPED
                            : e->spiffe_id.n || e->common_name.n ? CERT_UNMAPPED
                                                                 : CERT_NONE;
    enum header header = e->is_doubled ? HEADER_MANY : e->header.n ? HEADER_ONE : HEADER_NONE;

    if (ways[header][cert].way == REFUSE) {
        out->why = ways[header][cert].why;
        return STATUS_OK;
    }
    if (!may_call && text_list_has(t->certificate_services, str_of(e->service))) {
        out->why = AUTH_CERTIFICATE;
        return STATUS_OK;
    }
    if (ways[header][cert].way == BY_CERTIFICATE)
        return auth_by_certificate(a, c, rule, e, out);
    TRY(by_header(a, c, e->header, out));
    return out->why == AUTH_FINE && rule ? compare_tenants(a, c, rule, out) : STATUS_OK;
}

enum status auth_check(struct auth *a, struct call *c, const struct auth_evidence *e,
                       struct auth_outcome *out)
{
    const struct trust_rules *rules = NULL;
    enum status s;

    *out = (struct auth_outcome){.why = AUTH_FINE};
    if (a->trust)
        rules = trust_get(a->trust);
    s = judge(a, c, rules, e, out);
    if (rules)
        trust_put(rules);
    if (s == STATUS_OK && out->why != AUTH_FINE) {
        c->principal = (struct principal){0};
        return auth_refuse(c, out->why);
    }
    return s;
}

enum status auth_refuse(struct call *c, enum auth_reason why)
{
    assert(why != AUTH_FINE);
    if (why == AUTH_SUSPENDED)
        return call_fail_as(c, STATUS_DENIED, "TENANT_SUSPENDED", "the tenant is suspended");
    return call_fail_as(c, STATUS_UNAUTHENTICATED, "CREDENTIAL_INVALID",
                        "the call carries no valid credential");
}
