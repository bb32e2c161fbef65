/* Stage guards: one evaluator per kind, in a table by kind. */
#include "domain/guard.h"

#include "domain/moment.h"

/* Fields that FIELD_SET may name. */
enum field_type { TEXT_FIELD, LIST_FIELD, MONEY_FIELD };

/* clang-format off */
static const struct {
    const char *path;
    enum field_type type;
    size_t at; /* of the char *, the count or the Money * in Deal */
} fields[] = {
    {"amount",              MONEY_FIELD, offsetof(Deal, amount)},
    {"name",                TEXT_FIELD,  offsetof(Deal, name)},
    {"lead_id",             TEXT_FIELD,  offsetof(Deal, lead_id)},
    {"expected_close_date", TEXT_FIELD,  offsetof(Deal, expected_close_date)},
    {"owner_id",            TEXT_FIELD,  offsetof(Deal, owner_id)},
    {"team_id",             TEXT_FIELD,  offsetof(Deal, team_id)},
    {"contacts",            LIST_FIELD,  offsetof(Deal, n_contacts)},
    {"next_step",           TEXT_FIELD,  offsetof(Deal, next_step)},
    {"next_step_date",      TEXT_FIELD,  offsetof(Deal, next_step_date)},
    {"competitors",         LIST_FIELD,  offsetof(Deal, n_competitors)},
    {"segment",             TEXT_FIELD,  offsetof(Deal, segment)},
};
/* clang-format on */

static const char attributes[] = "attributes.";
static const char company_name[] = "company.name";

/* The value whose name behind the prefix of its enum is `name`, in any case; 0: none. */
static int enum_value(const ProtobufCEnumDescriptor *e, const char *name)
{
    for (unsigned i = 0; i < e->n_values; i++) {
        str full = str_of(e->values[i].name), want = str_of(name);

        if (want.n && full.n > want.n && full.p[full.n - want.n - 1] == '_' &&
            str_eq_nocase(str_sub(full, full.n - want.n, want.n), want))
            return e->values[i].value;
    }
    return 0;
}

static bool attribute_set(const Deal *d, const char *key)
{
    for (size_t i = 0; i < d->n_attributes; i++)
        if (strcmp(d->attributes[i]->key, key) == 0)
            return true;
    return false;
}

static bool field_set(const Deal *d, const char *path)
{
    if (strncmp(path, attributes, sizeof attributes - 1) == 0)
        return attribute_set(d, path + sizeof attributes - 1);
    if (strcmp(path, company_name) == 0)
        return d->company && *d->company->name;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const char *at = (const char *)d + fields[i].at;

        if (strcmp(path, fields[i].path) != 0)
            continue;
        switch (fields[i].type) {
        case TEXT_FIELD: return **(char *const *)at != 0;
        case LIST_FIELD: return *(const size_t *)at > 0;
        case MONEY_FIELD: return *(Money *const *)at != NULL;
        }
    }
    return false;
}

static bool contact_with_role(const Deal *d, const char *role)
{
    int wanted = enum_value(BUYING_ROLE_DESCRIPTOR, role);

    for (size_t i = 0; i < d->n_contacts; i++)
        if ((int)d->contacts[i]->role == wanted)
            return true;
    return false;
}

static bool date_ahead(const Deal *d, const struct pipeline_step *step)
{
    char today[DATE_TEXT_BYTES + 1];
    int64_t day;

    date_of(step->occurred_us, today);
    return date_parse(str_of(d->expected_close_date), &day) &&
           strcmp(d->expected_close_date, today) >= 0;
}

bool guard_holds(const StageGuard *g, const Deal *d, const struct pipeline_step *step)
{
    int kind;

    switch ((int)g->kind) {
    case GUARD_KIND_FIELD_SET: return field_set(d, g->argument);
    case GUARD_KIND_AMOUNT_AT_LEAST: return d->amount && d->amount->amount_minor >= g->minimum;
    case GUARD_KIND_CONTACT_WITH_ROLE: return contact_with_role(d, g->argument);
    case GUARD_KIND_ACTIVITY_LOGGED:
        kind = enum_value(ACTIVITY_KIND_DESCRIPTOR, g->argument);
        return kind > 0 && kind < ACTIVITY_KIND_N &&
               step->n_activities[kind] >= (uint64_t)(g->minimum > 1 ? g->minimum : 1);
    case GUARD_KIND_CLOSE_REASON: return step->reason && *step->reason->code;
    case GUARD_KIND_CLOSE_DATE_AHEAD: return date_ahead(d, step);
    case GUARD_KIND_LEAD_NOT_DISQUALIFIED: return !step->lead_disqualified;
    default: return false; /* a kind of a newer server: never waved through */
    }
}

static bool known_field(const char *path)
{
    if (strncmp(path, attributes, sizeof attributes - 1) == 0)
        return path[sizeof attributes - 1] != 0;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcmp(path, fields[i].path) == 0)
            return true;
    return strcmp(path, company_name) == 0;
}

const struct refusal *guard_flaw(const StageGuard *g)
{
    static const struct refusal field = {"guard.field", "a field of the deal, or attributes.KEY"};
    static const struct refusal role = {"guard.role", "a buying role, e.g. economic_buyer"};
    static const struct refusal activity = {"guard.activity", "an activity kind, e.g. meeting"};
    static const struct refusal kind = {"guard.kind", "a kind of guard that exists"};

    switch ((int)g->kind) {
    case GUARD_KIND_FIELD_SET: return known_field(g->argument) ? NULL : &field;
    case GUARD_KIND_CONTACT_WITH_ROLE:
        return enum_value(BUYING_ROLE_DESCRIPTOR, g->argument) ? NULL : &role;
    case GUARD_KIND_ACTIVITY_LOGGED:
        return enum_value(ACTIVITY_KIND_DESCRIPTOR, g->argument) ? NULL : &activity;
    case GUARD_KIND_AMOUNT_AT_LEAST:
    case GUARD_KIND_CLOSE_REASON:
    case GUARD_KIND_CLOSE_DATE_AHEAD:
    case GUARD_KIND_LEAD_NOT_DISQUALIFIED: return NULL;
    default: return &kind;
    }
}
