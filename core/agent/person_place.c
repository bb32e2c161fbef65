/* Two tables: which tables hold people, and which columns find one. */
#include "agent/person_place.h"

#include "domain/email.h"

/* clang-format off */
static const struct person_place places[] = {
    {"lead",              PERSON_DELETED,  "the person"},
    {"activity",          PERSON_DELETED,  "what was said and done, also with a deal alone"},
    {"deal",              PERSON_SCRUBBED, "contacts and free text"},
    {"proposal",          PERSON_DELETED,  "what was to be done with them, in words"},
    {"recommendation",    PERSON_DELETED,  "what was advised about them, in words"},
    {"recommendation_tally", PERSON_NOWHERE, "counts of answers"},
    {"email",             PERSON_DELETED,  "what was or will be written to them"},
    {"word",              PERSON_DELETED,  "keyed tokens, with their record"},
    {"outbox",            PERSON_SCRUBBED, "records as they were: the data of their events goes"},
    {"idempotency",       PERSON_DELETED,  "answers that hold the records"},
    {"decision",          PERSON_DELETED,  "what was known of the person when it was decided"},
    {"enrichment",        PERSON_DELETED,  "what others said of them"},
    {"audit",             PERSON_NOWHERE,  "ids and keyed digests"},
    {"pipeline",          PERSON_NOWHERE,  "stages"},
    {"import_checkpoint", PERSON_NOWHERE,  "options, counts and the number of a row"},
    {"webhook",           PERSON_NOWHERE,  "addresses of servers"},
    {"webhook_delivery",  PERSON_NOWHERE,  "ids, states and scores: webhook_body.c says which"},
    {"model",             PERSON_NOWHERE,  "figures, and words that at least ten leads share"},
    {"model_content",     PERSON_NOWHERE,  "the same"},
    {"job",               PERSON_NOWHERE,  "ids: a job names records, it carries none"},
    {"tenant",            PERSON_NOWHERE,  "the firm and its policy"},
    {"api_key",           PERSON_NOWHERE,  "keys of programs"},
    {"tenant_key",        PERSON_NOWHERE,  "wrapped keys"},
    {"counter",           PERSON_NOWHERE,  "numbers"},
    {"usage",             PERSON_NOWHERE,  "numbers by method and actor"},
    {"spend",             PERSON_NOWHERE,  "money by workflow, actor and month"},
    {"spend_hold",        PERSON_NOWHERE,  "the same, for calls under way"},
    {"event_cursor",      PERSON_NOWHERE,  "places in the outbox"},
    {"audit_head",        PERSON_NOWHERE,  "numbers and MACs"},
    {"audit_checkpoint",  PERSON_NOWHERE,  "numbers and MACs"},
    {"schema_version",    PERSON_NOWHERE,  "numbers"},
};

static const struct find {
    enum record_kind kind;
    enum record_column column;
    enum { BY_ID, BY_EMAIL } by;
} finds[] = {
    {RECORD_ACTIVITY, ACTIVITY_BY_lead_id,     BY_ID},
    {RECORD_DECISION, DECISION_BY_lead_id,     BY_ID},
    {RECORD_PROPOSAL, PROPOSAL_BY_lead_id,     BY_ID},
    {RECORD_EMAIL,    EMAIL_BY_lead_id,        BY_ID},
    {RECORD_ENRICHMENT, ENRICHMENT_BY_lead_id, BY_ID},
    {RECORD_ENRICHMENT, ENRICHMENT_BY_email,   BY_EMAIL},
    {RECORD_RECOMMENDATION, RECOMMENDATION_BY_lead_id, BY_ID},
    {RECORD_DEAL,     DEAL_BY_lead_id,         BY_ID},
    {RECORD_DEAL,     DEAL_BY_contact_leads,   BY_ID},
    {RECORD_DEAL,     DEAL_BY_contact_emails,  BY_EMAIL},
};
/* clang-format on */

enum { PLACES = sizeof places / sizeof *places };

const struct person_place *person_place_at(size_t i)
{
    return i < PLACES ? &places[i] : NULL;
}

const struct person_place *person_place(str table)
{
    for (size_t i = 0; i < PLACES; i++)
        if (str_eq(str_of(places[i].table), table))
            return &places[i];
    return NULL;
}

static void add(struct person_find out[PERSON_FINDS_MAX], size_t *n, const struct find *row,
                const char *value)
{
    if (*value && *n < PERSON_FINDS_MAX)
        out[(*n)++] = (struct person_find){row->kind, row->column, str_of(value)};
}

size_t person_finds(const Lead *lead, struct person_find out[PERSON_FINDS_MAX])
{
    size_t n = 0;

    for (size_t i = 0; i < sizeof finds / sizeof *finds; i++) {
        if (finds[i].by == BY_ID) {
            add(out, &n, &finds[i], lead->id);
            continue;
        }
        add(out, &n, &finds[i], lead->email);
        for (size_t j = 0; j < lead->n_other_emails; j++)
            add(out, &n, &finds[i], lead->other_emails[j]);
    }
    return n;
}

bool person_same_mailbox(struct arena *a, const char *x, const char *y)
{
    struct refusal why;
    struct email ex, ey;

    return *x && *y && email_parse(a, str_of(x), &ex, &why) == STATUS_OK &&
           email_parse(a, str_of(y), &ey, &why) == STATUS_OK && str_eq(ex.key, ey.key);
}

bool person_has_mailbox(struct arena *a, const Lead *lead, const char *email)
{
    bool has = person_same_mailbox(a, lead->email, email);

    for (size_t i = 0; !has && i < lead->n_other_emails; i++)
        has = person_same_mailbox(a, lead->other_emails[i], email);
    return has;
}
