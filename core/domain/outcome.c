/* The table of outcomes, and taking them off a lead. */
#include "domain/outcome.h"

#include <assert.h>

#include "domain/moment.h"

enum match { EXACT, WORD };

static const struct {
    const char *name;
    enum outcome_role role;
} fields[] = {
#define OUTCOME_FIELD(field, role) {#field, OUTCOME_##role},
#include "domain/outcome.def"
#undef OUTCOME_FIELD
};

static const enum outcome_role events[] = {
#define OUTCOME_EVENT(event, role) [ACTIVITY_EVENT_##event] = OUTCOME_##role,
#include "domain/outcome.def"
#undef OUTCOME_EVENT
};
static_assert(sizeof events / sizeof *events == ACTIVITY_EVENT_N, "an event without a role");

static const char *const activities[] = {
#define OUTCOME_ACTIVITY(value) value,
#include "domain/outcome.def"
#undef OUTCOME_ACTIVITY
};

static const struct {
    enum match match;
    str name;
    const char *why;
} names[] = {
#define OUTCOME_NAME(match, name, why) {match, {name, sizeof(name) - 1}, why},
#include "domain/outcome.def"
#undef OUTCOME_NAME
};

#define N_OF(rows) (sizeof(rows) / sizeof *(rows))

void outcome_strip(const Lead *l, Lead *out)
{
    const Lead empty = LEAD_INIT;

    *out = *l;
#define STRIP_INPUT(field)
#define STRIP_RULE(field)          out->field = empty.field;
#define STRIP_OUTCOME(field)       out->field = empty.field;
#define STRIP_LATER(field)         out->field = empty.field;
#define STRIP_UNUSED(field)        out->field = empty.field;
#define OUTCOME_FIELD(field, role) STRIP_##role(field)
#include "domain/outcome.def"
#undef OUTCOME_FIELD
}

enum outcome_role outcome_role_of_field(str name)
{
    for (size_t i = 0; i < N_OF(fields); i++)
        if (str_eq(str_of(fields[i].name), name))
            return fields[i].role;
    return OUTCOME_OUTCOME;
}

static char plain(char c)
{
    return (char)(c == '-' || c == ' ' ? '_' : c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static bool is_same(const char *value, const char *name)
{
    while (*value && plain(*value) == *name) {
        value++;
        name++;
    }
    return !*value && !*name;
}

static bool names_event(const char *key)
{
    static const char *const keys[] = {"event", "event_type", "stage", "status"};

    for (size_t i = 0; i < N_OF(keys); i++)
        if (strcmp(key, keys[i]) == 0)
            return true;
    return false;
}

bool outcome_is_activity(const Activity *a)
{
    if ((unsigned)a->event < ACTIVITY_EVENT_N && events[a->event] == OUTCOME_OUTCOME)
        return true;
    for (size_t i = 0; i < a->n_attributes; i++) {
        const AttributeValue *v = a->attributes[i]->value;

        if (!v || v->kind_case != SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE ||
            !names_event(a->attributes[i]->key))
            continue;
        for (size_t k = 0; k < N_OF(activities); k++)
            if (is_same(v->string_value, activities[k]))
                return true;
    }
    return false;
}

/* The row of the table that a whole key, or a word of one, is. */
static const char *find_name(enum match match, str text)
{
    for (size_t i = 0; i < N_OF(names); i++)
        if (names[i].match == match && str_eq(text, names[i].name))
            return names[i].why;
    return NULL;
}

static bool is_word_of_the_past(str word)
{
    return str_eq(word, STR("previous")) || str_eq(word, STR("prior")) || str_eq(word, STR("prev"));
}

const char *outcome_of_name(str key)
{
    const char *why = find_name(EXACT, key), *found = NULL;

    for (size_t start = 0, i = 0; !why && i <= key.n; i++) {
        if (i < key.n && key.p[i] != '_' && key.p[i] != '-' && key.p[i] != '.')
            continue;
        str word = str_sub(key, start, i - start);

        if (is_word_of_the_past(word))
            return NULL;
        if (!found)
            found = find_name(WORD, word);
        start = i + 1;
    }
    return why ? why : found;
}

int64_t outcome_latest_as_of_us(const Lead *l)
{
    int64_t latest = INT64_MAX, us;
    bool is_over = l->outcome != LEAD_OUTCOME_UNSPECIFIED || l->closed_at ||
                   l->status == LEAD_STATUS_CONVERTED;

    if (!is_over)
        return INT64_MAX;
    if (l->closed_at)
        latest = moment_us(l->closed_at, INT64_MAX) - 1;
    if (l->status == LEAD_STATUS_CONVERTED) {
        us = moment_us(l->status_time, INT64_MAX) - 1;
        latest = us < latest ? us : latest;
    }
    if (latest >= INT64_MAX - 1)
        return moment_us(l->created_at, moment_us(l->create_time, INT64_MIN));
    return latest;
}
