/* The rows, and what they say of facts: whether an action applies, and by which digest. */
#include "domain/action_table.h"

#include <stdio.h>

#include "domain/signal.h"

#define N    0U
#define C(x) ((uint32_t)CHANNEL_##x)
#define P__  C(PHONE)
#define E__  C(EMAIL)
#define EP_  (C(EMAIL) | C(PHONE) << 4)
#define PE_  (C(PHONE) | C(EMAIL) << 4)
#define PM_  (C(PHONE) | C(MEETING) << 4)
#define MPE  (C(MEETING) | C(PHONE) << 4 | C(EMAIL) << 8)

enum { CHAIN_BYTES = SIGNAL_LINE_BYTES - 1 };

/* clang-format off */
static const struct action_fact_row fact_rows[] = {
#define EVIDENCE_KIND_NONE EVIDENCE_KIND_UNSPECIFIED
#define FACT(name, kind, record, field) {#name, kind, EVIDENCE_KIND_##record, field},
#define FEATURE(name)                   {#name, COUNT, EVIDENCE_KIND_UNSPECIFIED, #name},
#include "domain/action.def"
#undef FACT
#undef FEATURE
};

static const struct action_row rows[] = {
#define ACTION(id, action, about, metric, base, lift, sd, confidence, channels, when, days, tone, tool, title, rationale) \
    {#id, RECOMMENDED_ACTION_##action, ABOUT_##about, ACTION_##metric, base, lift, sd, confidence, channels, \
     ACTION_##when, days, TONE_##tone, TOOL_##tool, title, rationale},
#include "domain/action.def"
#undef ACTION
};

static const struct action_condition conditions[] = {
#define IF(action, fact, op, value) {ACTION_##action, ACTION_FACT_##fact, op, value},
#include "domain/action.def"
#undef IF
};

static const struct key {
    enum action_id action;
    enum action_fact_id fact;
} keys[] = {
#define KEY(action, fact) {ACTION_##action, ACTION_FACT_##fact},
#include "domain/action.def"
#undef KEY
};

/* After such an answer they are left alone for so many days. */
static const struct pause {
    ReplyClass reply;
    int days;
} pauses[] = {
    {REPLY_CLASS_NEGATIVE, 179}, {REPLY_CLASS_NOT_NOW, 59}, {REPLY_CLASS_OUT_OF_OFFICE, 9},
    {REPLY_CLASS_WRONG_PERSON, INT32_MAX}, {REPLY_CLASS_UNSUBSCRIBE, INT32_MAX},
};

static const char *const metric_names[] = {"reply_rate", "meeting_rate", "progress_rate", "qualified_rate",
                                           "resolved_rate"};

/* Sources of the tables, for their hash. */
static const char *const lines[] = {
#define ACTION(id, action, about, metric, base, lift, sd, confidence, channels, when, days, tone, tool, title, rationale) \
    #id #action #about #metric #base "," #lift "," #sd "," #confidence #channels #when #days #tone #tool title rationale,
#define IF(action, fact, op, value) #action #fact #op #value,
#define KEY(action, fact) #action #fact,
#define GATE(channels, name, text) #channels #name,
#include "domain/action.def"
#undef ACTION
#undef IF
#undef KEY
#undef GATE
};
/* clang-format on */

#define N_OF(table) (sizeof(table) / sizeof *(table))

double action_number(const struct action_facts *f, enum action_fact_id id, double otherwise)
{
    return f->f[id].known ? f->f[id].number : otherwise;
}

static bool holds(const struct action_condition *c, const struct action_facts *f)
{
    const struct action_fact *fact = &f->f[c->fact];

    if (!fact->known)
        return c->op == NE;
    switch (c->op) {
    case GE: return fact->number >= c->value;
    case LE: return fact->number <= c->value;
    case EQ: return fact->number == c->value;
    case NE: break;
    }
    return fact->number != c->value;
}

/* Whether somebody may be turned to at all. */
static bool is_paused(const struct action_facts *f)
{
    double reply = action_number(f, ACTION_FACT_reply, 0),
           days = action_number(f, ACTION_FACT_days_unheard, 0);

    for (size_t i = 0; i < N_OF(pauses); i++)
        if (reply == (double)pauses[i].reply && days <= pauses[i].days)
            return true;
    return false;
}

static bool is_status(const struct action_facts *f, LeadStatus status)
{
    return action_number(f, ACTION_FACT_status, 0) == (double)status;
}

/* Beyond the conditions: deals that ended, leads that are somebody else's matter now. */
static bool is_live(const struct action_row *row, const struct action_facts *f, bool about_deal)
{
    if (!(row->about & (about_deal ? ABOUT_DEAL : ABOUT_LEAD)))
        return false;
    if (about_deal && action_number(f, ACTION_FACT_is_open, 0) == 0)
        return false;
    if (!about_deal && is_status(f, LEAD_STATUS_MERGED))
        return false;
    if (!row->channels)
        return true;
    if (is_paused(f) || is_status(f, LEAD_STATUS_DISQUALIFIED))
        return false;
    return about_deal || row->about == ABOUT_EITHER || !is_status(f, LEAD_STATUS_CONVERTED);
}

bool action_applies(enum action_id id, const struct action_facts *f, bool about_deal)
{
    if (!is_live(&rows[id], f, about_deal))
        return false;
    for (size_t i = 0; i < N_OF(conditions); i++)
        if (conditions[i].action == id && !holds(&conditions[i], f))
            return false;
    return true;
}

/* A chain over the name, the subject and the keys: texts of any length count whole. */
static void chain(unsigned char digest[ACTION_DIGEST_BYTES], str text)
{
    do {
        str part = str_sub(text, 0, CHAIN_BYTES);

        signal_digest(digest, part);
        text = str_sub(text, part.n, text.n);
    } while (text.n);
}

void action_digest(enum action_id id, const struct action_facts *f, const char *subject_id,
                   unsigned char out[ACTION_DIGEST_BYTES])
{
    char text[64];

    memset(out, 0, ACTION_DIGEST_BYTES);
    chain(out, str_of(rows[id].name));
    chain(out, str_of(subject_id));
    for (size_t i = 0; i < N_OF(keys); i++) {
        const struct action_fact *fact = &f->f[keys[i].fact];

        if (keys[i].action != id)
            continue;
        snprintf(text, sizeof text, "%d %.17g", fact->known, fact->known ? fact->number : 0);
        chain(out, str_of(fact_rows[keys[i].fact].name));
        chain(out, str_of(text));
        chain(out, fact->text);
    }
}

const char *action_name(enum action_id id)
{
    return rows[id].name;
}

bool action_of_name(str name, enum action_id *out)
{
    for (int i = 0; i < ACTIONS; i++)
        if (str_eq(name, str_of(rows[i].name))) {
            *out = (enum action_id)i;
            return true;
        }
    return false;
}

enum action_metric action_metric_of(enum action_id id)
{
    return rows[id].metric;
}

Tone action_tone(enum action_id id)
{
    return rows[id].tone;
}

const char *action_fact_name(enum action_fact_id id)
{
    return fact_rows[id].name;
}

bool action_fact_of_name(str name, enum action_fact_id *out)
{
    for (int i = 0; i < ACTION_FACTS; i++)
        if (str_eq(name, str_of(fact_rows[i].name))) {
            *out = (enum action_fact_id)i;
            return true;
        }
    return false;
}

const char *action_segment(const Lead *lead, const Deal *deal)
{
    const Company *c = deal && deal->company ? deal->company : lead ? lead->company : NULL;
    int64_t n = c ? c->employees : 0;

    return n <= 0 ? "unknown" : n < 50 ? "small" : n < 1000 ? "middle" : "large";
}

void action_table_sha256(char out[ACTION_SHA256_BYTES + 1])
{
    unsigned char digest[ACTION_DIGEST_BYTES] = {0};

    for (size_t i = 0; i < N_OF(lines); i++)
        chain(digest, str_of(lines[i]));
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

const struct action_row *action_row(enum action_id id)
{
    return &rows[id];
}

const struct action_fact_row *action_fact_row(enum action_fact_id id)
{
    return &fact_rows[id];
}

const struct action_condition *action_conditions(size_t *n)
{
    *n = N_OF(conditions);
    return conditions;
}

const char *action_metric_name(enum action_metric m)
{
    return metric_names[m];
}
