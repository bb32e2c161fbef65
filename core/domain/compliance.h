/*
 * compliance: what a tenant's mode (HIPAA or not) allows, limits and keeps. Everybody asks here;
 * the answers are one table, compliance.def.
 */
#ifndef DOMAIN_COMPLIANCE_H
#define DOMAIN_COMPLIANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sales/v1/policy.h"

enum compliance_act {
#define ACT(name, normal, hipaa, text) COMPLIANCE_##name,
#define LIMIT(name, normal, hipaa, text)
#define RETAIN(class, days, most, hipaa_days, hipaa_most, least, hipaa_least, why)
#include "domain/compliance.def"
#undef ACT
#undef LIMIT
#undef RETAIN
    COMPLIANCE_ACTS,
};

enum compliance_limit {
#define ACT(name, normal, hipaa, text)
#define LIMIT(name, normal, hipaa, text) COMPLIANCE_MAX_##name,
#define RETAIN(class, days, most, hipaa_days, hipaa_most, least, hipaa_least, why)
#include "domain/compliance.def"
#undef ACT
#undef LIMIT
#undef RETAIN
    COMPLIANCE_LIMITS,
};

/* May it happen under this policy? */
bool compliance_allows(const TenantPolicy *p, enum compliance_act act);

/* What the act is, for people; static. */
const char *compliance_text(enum compliance_act act);

int64_t compliance_max(const TenantPolicy *p, enum compliance_limit limit);

/* Days after the last change that data of the class is kept; 0: for ever. A rule of the policy that
 * is out of bounds (it was made before the mode changed) is brought into them. */
int32_t compliance_days(const TenantPolicy *p, DataClass data_class);

/* What the policy says that its mode forbids. */
struct compliance_problem {
    const char *field; /* "coaching.store_audio"; "retention[].days", of entry `index` */
    size_t index;
    const char *rule, *text;
};

enum { COMPLIANCE_PROBLEMS_MAX = 24 };

/* All of them, at most COMPLIANCE_PROBLEMS_MAX; returns how many. */
size_t compliance_check(const TenantPolicy *p,
                        struct compliance_problem out[COMPLIANCE_PROBLEMS_MAX]);

#endif
