#include <criterion/criterion.h>
#include <string.h>

#include "domain/compliance.h"
#include "support/table.h"

/* A policy in few words. */
struct setting {
    bool hipaa, external_off, agreed, audio, personal, enriched;
};

struct world {
    TenantPolicy policy;
    AiPolicy ai;
    CoachingPolicy coaching;
    EnrichmentPolicy enrichment;
    RetentionRule rules[4], *list[4];
};

static const TenantPolicy *policy_of(struct world *w, const struct setting *s)
{
    *w = (struct world){.policy = TENANT_POLICY_INIT,
                        .ai = AI_POLICY_INIT,
                        .coaching = COACHING_POLICY_INIT,
                        .enrichment = ENRICHMENT_POLICY_INIT};
    w->policy.hipaa_mode = s->hipaa;
    w->ai.external_disabled = s->external_off;
    w->ai.external_under_hipaa = s->agreed;
    w->coaching.store_audio = s->audio;
    w->coaching.keep_personal_data = s->personal;
    w->policy.ai = &w->ai;
    w->policy.coaching = &w->coaching;
    w->enrichment.external_allowed = s->enriched;
    w->policy.enrichment = &w->enrichment;
    return &w->policy;
}

/* clang-format off */
static const struct { enum compliance_act act; struct setting with; bool allowed; } acts[] = {
    /* act                            hipaa  off    agreed audio  personal   allowed */
    {COMPLIANCE_EXTERNAL_AI,        {false, false, false, false, false, false}, true},
    {COMPLIANCE_EXTERNAL_AI,        {false, true,  false, false, false, false}, false},
    {COMPLIANCE_EXTERNAL_AI,        {true,  false, false, false, false, false}, false},
    {COMPLIANCE_EXTERNAL_AI,        {true,  false, true,  false, false, false}, true},
    {COMPLIANCE_EXTERNAL_AI,        {true,  true,  true,  false, false, false}, false},
    {COMPLIANCE_AUDIO_STORED,       {false, false, false, false, false, false}, false},
    {COMPLIANCE_AUDIO_STORED,       {false, false, false, true,  false, false}, true},
    {COMPLIANCE_AUDIO_STORED,       {true,  false, true,  true,  true, false},  false},
    {COMPLIANCE_TRANSCRIPT_RAW,     {false, false, false, false, false, false}, false},
    {COMPLIANCE_TRANSCRIPT_RAW,     {false, false, false, false, true, false},  true},
    {COMPLIANCE_TRANSCRIPT_RAW,     {true,  false, true,  true,  true, false},  false},
    {COMPLIANCE_ENRICH_OUTSIDE,     {.hipaa = false},                    false},
    {COMPLIANCE_ENRICH_OUTSIDE,     {.enriched = true},                  true},
    {COMPLIANCE_ENRICH_OUTSIDE,     {.hipaa = true, .enriched = true},   false},
};

static const struct { DataClass data_class; bool hipaa, has_rule; int32_t days, kept; } kept[] = {
    /* class               hipaa  rule   days   kept */
    {DATA_CLASS_LEAD,     false, false,    0,     0},
    {DATA_CLASS_LEAD,     false, true,    30,    30},
    {DATA_CLASS_LEAD,     true,  false,    0,  2190},
    {DATA_CLASS_LEAD,     true,  true,     0,  2190}, /* made before the mode changed */
    {DATA_CLASS_LEAD,     true,  true,   365,   365},
    {DATA_CLASS_CALL,     true,  true,   366,   365},
    {DATA_CLASS_AUDIO,    false, true,     0,   365},
    {DATA_CLASS_AUDIO,    true,  true,    90,     1},
    {DATA_CLASS_DECISION, false, true,     1,   183},
    {DATA_CLASS_AUDIT,    false, false,    0,     0},
    {DATA_CLASS_AUDIT,    false, true,    90,   183},
    {DATA_CLASS_AUDIT,    true,  true,   183,  2190},
    {DATA_CLASS_AUDIT,    true,  true,     0,     0},
    {DATA_CLASS_EVENT,    false, false,    0,    30},
    {DATA_CLASS_ENRICHMENT, false, false,  0,    90},
    {DATA_CLASS_ENRICHMENT, true, true,  365,    90},
    {DATA_CLASS_EVENT,    true,  true,   365,    30},
};

static const struct { struct setting with; DataClass data_class; int32_t days; const char rule[24]; } checks[] = {
    /* hipaa  off    agreed audio  personal   class               days  rule */
    {{false, false, false, true,  true, false},  DATA_CLASS_LEAD,        0,  ""},
    {{true,  false, true,  false, false, false}, DATA_CLASS_LEAD,     2190,  ""},
    {{true,  false, true,  false, false, false}, DATA_CLASS_AUDIT,       0,  ""},
    {{false, true,  true,  false, false, false}, DATA_CLASS_LEAD,        0,  "policy.contradiction"},
    {{true,  false, false, true,  false, false}, DATA_CLASS_LEAD,        9,  "hipaa.audio"},
    {{true,  false, false, false, true, false},  DATA_CLASS_LEAD,        9,  "hipaa.redaction"},
    {{.hipaa = true, .enriched = true},   DATA_CLASS_LEAD,        9,  "hipaa.enrichment"},
    {{true,  false, false, false, false, false}, DATA_CLASS_LEAD,        0,  "hipaa.retention"},
    {{true,  false, false, false, false, false}, DATA_CLASS_CALL,      366,  "hipaa.retention"},
    {{true,  false, false, false, false, false}, DATA_CLASS_AUDIT,     183,  "hipaa.retention"},
    {{false, false, false, false, false, false}, DATA_CLASS_AUDIT,     182,  "retention.shortest"},
    {{false, false, false, false, false, false}, DATA_CLASS_DECISION,   30,  "retention.shortest"},
    {{false, false, false, false, false, false}, DATA_CLASS_EVENT,       0,  "retention.longest"},
};
/* clang-format on */

typedef __typeof__(acts[0]) act_case;
typedef __typeof__(kept[0]) kept_case;
typedef __typeof__(checks[0]) check_case;

static void add_rule(struct world *w, DataClass data_class, int32_t days)
{
    w->rules[0] = (RetentionRule)RETENTION_RULE_INIT;
    w->rules[0].data_class = data_class;
    w->rules[0].days = days;
    w->list[0] = &w->rules[0];
    w->policy.retention = w->list;
    w->policy.n_retention = 1;
}

TABLE_TEST(compliance, the_mode_decides_what_may_happen, act_case, acts)
{
    struct world w;

    cr_assert_eq(compliance_allows(policy_of(&w, &row->with), row->act), row->allowed, "%s",
                 compliance_text(row->act));
}

TABLE_TEST(compliance, the_mode_decides_how_long_data_is_kept, kept_case, kept)
{
    struct world w;
    struct setting s = {.hipaa = row->hipaa};
    const TenantPolicy *p = policy_of(&w, &s);

    if (row->has_rule)
        add_rule(&w, row->data_class, row->days);
    cr_assert_eq(compliance_days(p, row->data_class), row->kept, "class %d: %d", row->data_class,
                 compliance_days(p, row->data_class));
}

TABLE_TEST(compliance, a_policy_against_its_mode_is_told, check_case, checks)
{
    struct world w;
    struct compliance_problem problems[COMPLIANCE_PROBLEMS_MAX];
    const TenantPolicy *p = policy_of(&w, &row->with);
    size_t n;

    add_rule(&w, row->data_class, row->days);
    n = compliance_check(p, problems);
    cr_assert_eq(n, row->rule[0] != 0);
    if (n)
        cr_assert_str_eq(problems[0].rule, row->rule);
}

Test(compliance, nothing_is_laxer_in_hipaa_mode)
{
    for (int all = 0; all < 32; all++) {
        struct setting s = {false, all & 1, all & 2, all & 4, all & 8, all & 16};
        struct world w;

        for (int act = 0; act < COMPLIANCE_ACTS; act++) {
            bool normal = compliance_allows(policy_of(&w, &s), (enum compliance_act)act);

            w.policy.hipaa_mode = true;
            cr_assert(normal || !compliance_allows(&w.policy, (enum compliance_act)act), "%s",
                      compliance_text((enum compliance_act)act));
        }
        for (int limit = 0; limit < COMPLIANCE_LIMITS; limit++) {
            int64_t normal = compliance_max(policy_of(&w, &s), (enum compliance_limit)limit);

            w.policy.hipaa_mode = true;
            cr_assert_leq(compliance_max(&w.policy, (enum compliance_limit)limit), normal);
        }
    }
}

/* Every class of the contract has a row: compliance_days asserts it. */
Test(compliance, every_class_has_a_row)
{
    const ProtobufCEnumDescriptor *d = &sales__v1__data_class__descriptor;
    TenantPolicy p = TENANT_POLICY_INIT;

    for (unsigned i = 0; i < d->n_values; i++)
        if (d->values[i].value)
            cr_assert_geq(compliance_days(&p, (DataClass)d->values[i].value), 0);
}
