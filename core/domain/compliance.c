/* The table of compliance.def, looked up by mode. */
#include "domain/compliance.h"

#include <assert.h>

enum verdict { ALWAYS, NEVER, IF_EXTERNAL, IF_AGREED, IF_ENRICHED, IF_AUDIO, IF_PERSONAL };

static const struct {
    enum verdict normal, hipaa;
    const char *text;
} acts[COMPLIANCE_ACTS] = {
#define ACT(name, normal, hipaa, text) [COMPLIANCE_##name] = {(normal), (hipaa), (text)},
#define LIMIT(name, normal, hipaa, text)
#define RETAIN(class, days, most, hipaa_days, hipaa_most, least, hipaa_least, why)
#include "domain/compliance.def"
#undef ACT
#undef LIMIT
#undef RETAIN
};

static const struct {
    int64_t normal, hipaa;
} limits[COMPLIANCE_LIMITS] = {
#define ACT(name, normal, hipaa, text)
#define LIMIT(name, normal, hipaa, text) [COMPLIANCE_MAX_##name] = {(normal), (hipaa)},
#define RETAIN(class, days, most, hipaa_days, hipaa_most, least, hipaa_least, why)
#include "domain/compliance.def"
#undef ACT
#undef LIMIT
#undef RETAIN
};

/* By mode: normal, HIPAA. */
static const struct retain {
    DataClass data_class;
    int32_t days[2], most[2], least[2];
} retains[] = {
#define ACT(name, normal, hipaa, text)
#define LIMIT(name, normal, hipaa, text)
#define RETAIN(class, days, most, hipaa_days, hipaa_most, least, hipaa_least, why)                 \
    {DATA_CLASS_##class, {days, hipaa_days}, {most, hipaa_most}, {least, hipaa_least}},
#include "domain/compliance.def"
#undef ACT
#undef LIMIT
#undef RETAIN
};

enum { RETAINS = sizeof retains / sizeof *retains };

bool compliance_allows(const TenantPolicy *p, enum compliance_act act)
{
    bool external = !p->ai || !p->ai->external_disabled;

    assert(act >= 0 && act < COMPLIANCE_ACTS);
    switch (p->hipaa_mode ? acts[act].hipaa : acts[act].normal) {
    case ALWAYS: return true;
    case NEVER: return false;
    case IF_EXTERNAL: return external;
    case IF_AGREED: return external && p->ai && p->ai->external_under_hipaa;
    case IF_ENRICHED: return p->enrichment && p->enrichment->external_allowed;
    case IF_AUDIO: return p->coaching && p->coaching->store_audio;
    case IF_PERSONAL: return p->coaching && p->coaching->keep_personal_data;
    }
    return false;
}

const char *compliance_text(enum compliance_act act)
{
    assert(act >= 0 && act < COMPLIANCE_ACTS);
    return acts[act].text;
}

int64_t compliance_max(const TenantPolicy *p, enum compliance_limit limit)
{
    assert(limit >= 0 && limit < COMPLIANCE_LIMITS);
    return p->hipaa_mode ? limits[limit].hipaa : limits[limit].normal;
}

static const struct retain *retain_of(DataClass data_class)
{
    for (size_t i = 0; i < RETAINS; i++)
        if (retains[i].data_class == data_class)
            return &retains[i];
    return NULL;
}

/* The policy's own rule for the class, or NULL. */
static const RetentionRule *rule_of(const TenantPolicy *p, DataClass data_class)
{
    for (size_t i = 0; i < p->n_retention; i++)
        if (p->retention[i]->data_class == data_class)
            return p->retention[i];
    return NULL;
}

int32_t compliance_days(const TenantPolicy *p, DataClass data_class)
{
    const struct retain *r = retain_of(data_class);
    const RetentionRule *rule = rule_of(p, data_class);
    int mode = p->hipaa_mode ? 1 : 0;
    int32_t days;

    assert(r);
    if (!rule)
        return r->days[mode];
    days = rule->days;
    if (r->most[mode] && (days == 0 || days > r->most[mode]))
        return r->most[mode];
    return days && days < r->least[mode] ? r->least[mode] : days;
}

struct check {
    struct compliance_problem *out;
    size_t n;
};

static void wrong(struct check *k, struct compliance_problem problem)
{
    if (k->n < COMPLIANCE_PROBLEMS_MAX)
        k->out[k->n++] = problem;
}

static void check_rule(struct check *k, const TenantPolicy *p, size_t i)
{
    const RetentionRule *rule = p->retention[i];
    const struct retain *r = retain_of(rule->data_class);
    int mode = p->hipaa_mode ? 1 : 0;

    if (!r)
        return; /* the contract's own rules say it */
    if (r->most[mode] && (rule->days == 0 || rule->days > r->most[mode]))
        wrong(k, (struct compliance_problem){"retention[].days", i,
                                             mode ? "hipaa.retention" : "retention.longest",
                                             mode ? "no longer than HIPAA mode keeps this class"
                                                  : "no longer than this class is ever kept"});
    if (rule->days && rule->days < r->least[mode])
        wrong(k, (struct compliance_problem){
                     "retention[].days", i,
                     mode && r->least[0] < r->least[1] ? "hipaa.retention" : "retention.shortest",
                     mode && r->least[0] < r->least[1]
                         ? "0 or at least six years (2190 days) in HIPAA mode"
                         : "0 or at least 183 days: the law wants these records"});
}

size_t compliance_check(const TenantPolicy *p,
                        struct compliance_problem out[COMPLIANCE_PROBLEMS_MAX])
{
    struct check k = {out, 0};

    if (p->ai && p->ai->external_disabled && p->ai->external_under_hipaa)
        wrong(&k, (struct compliance_problem){"ai.external_under_hipaa", 0, "policy.contradiction",
                                              "false while the external provider is off"});
    if (p->hipaa_mode && p->coaching && p->coaching->store_audio)
        wrong(&k, (struct compliance_problem){"coaching.store_audio", 0, "hipaa.audio",
                                              "false: audio is never kept in HIPAA mode"});
    if (p->hipaa_mode && p->coaching && p->coaching->keep_personal_data)
        wrong(&k, (struct compliance_problem){"coaching.keep_personal_data", 0, "hipaa.redaction",
                                              "false: transcripts are redacted in HIPAA mode"});
    if (p->hipaa_mode && p->enrichment && p->enrichment->external_allowed)
        wrong(&k, (struct compliance_problem){"enrichment.external_allowed", 0, "hipaa.enrichment",
                                              "false: nothing is looked up outside in HIPAA mode"});
    for (size_t i = 0; i < p->n_retention; i++)
        check_rule(&k, p, i);
    return k.n;
}
