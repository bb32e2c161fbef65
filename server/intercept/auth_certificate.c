/* Certificates: the rule that fits says whom the machine stands for. */
#include <stdio.h>

#include "intercept/auth_parts.h"

static enum status copy_teams(struct call *c, struct text_list from, struct principal *p)
{
    const char **teams = NEW(&c->arena, const char *, from.n + 1);

    if (!teams)
        return call_nomem(c);
    for (size_t i = 0; i < from.n; i++)
        if ((teams[i] = arena_cstr(&c->arena, from.items[i])) == NULL)
            return call_nomem(c);
    p->teams = teams;
    p->n_teams = from.n;
    return STATUS_OK;
}

enum status auth_by_certificate(struct auth *a, struct call *c, const struct certificate_rule *rule,
                                const struct auth_evidence *e, struct auth_outcome *out)
{
    struct principal p = {
        .roles = rule->roles, .kind = ACTOR_SERVICE, .credential = CREDENTIAL_CERTIFICATE};
    struct tenant_name tenant = {.text = rule->tenant};
    str subject = rule->subject.n ? rule->subject : e->spiffe_id.n ? e->spiffe_id : e->common_name;

    if (subject.n > SUBJECT_BYTES || !str_is_text(subject)) {
        out->why = AUTH_CERTIFICATE;
        return STATUS_OK;
    }
    snprintf(p.subject, sizeof p.subject, STR_FMT, STR_ARG(subject));
    auth_digest(a, rule->tenant, &tenant.key);
    TRY(auth_tenant(a, c, &tenant, &p, out));
    if (out->why != AUTH_FINE) {
        out->whose = p; /* tenant_id 0 when there is no such tenant */
        return STATUS_OK;
    }
    TRY(copy_teams(c, rule->teams, &p));
    c->principal = p;
    return STATUS_OK;
}
