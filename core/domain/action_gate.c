/* Which channels are closed, and why: a function for each GATE row. */
#include "domain/action.h"
#include "domain/compliance.h"

#define ON(channel) (1U << CHANNEL_##channel)
#define ALL         ACTION_ALL_CHANNELS
#define WRITTEN     (ON(EMAIL) | ON(SMS) | ON(SOCIAL) | ON(CHAT))

static bool happened(const struct action_scene *s, ActivityEvent event)
{
    return s->past->rollup.n_event[event][ROLLUP_EVER] > 0;
}

static bool denied(const struct action_scene *s, ConsentState state)
{
    return s->lead && s->lead->consent && state == CONSENT_STATE_DENIED;
}

static const Consent *consent_of(const struct action_scene *s)
{
    static const Consent none = CONSENT_INIT;

    return s->lead && s->lead->consent ? s->lead->consent : &none;
}

static bool bad_do_not_contact(const struct action_scene *s)
{
    return s->lead && s->lead->do_not_contact;
}

static bool bad_complained(const struct action_scene *s)
{
    return happened(s, ACTIVITY_EVENT_COMPLAINED);
}

static bool bad_legal_hold(const struct action_scene *s)
{
    return s->lead && s->lead->legal_hold;
}

static bool bad_merged(const struct action_scene *s)
{
    return s->lead && s->lead->status == LEAD_STATUS_MERGED;
}

static bool bad_unsubscribed(const struct action_scene *s)
{
    return happened(s, ACTIVITY_EVENT_UNSUBSCRIBED) ||
           s->past->rollup.last_reply == REPLY_CLASS_UNSUBSCRIBE;
}

static bool bad_consent_email(const struct action_scene *s)
{
    ConsentState state = consent_of(s)->email;

    return denied(s, state) || (s->lead && state == CONSENT_STATE_UNSPECIFIED &&
                                s->policy->sending && s->policy->sending->consent_required);
}

static bool bad_consent_phone(const struct action_scene *s)
{
    return denied(s, consent_of(s)->phone);
}

static bool bad_consent_sms(const struct action_scene *s)
{
    return denied(s, consent_of(s)->sms);
}

static bool bad_hard_bounced(const struct action_scene *s)
{
    return happened(s, ACTIVITY_EVENT_EMAIL_BOUNCED);
}

/* A deal without a lead is reached through its contacts. */
static bool bad_no_address(const struct action_scene *s)
{
    bool has = s->lead && *s->lead->email;

    for (size_t i = 0; !s->lead && !has && s->deal && i < s->deal->n_contacts; i++)
        has = *s->deal->contacts[i]->email;
    return !has;
}

static bool bad_no_phone(const struct action_scene *s)
{
    return s->lead && !*s->lead->phone;
}

static bool bad_mail_banned(const struct action_scene *s)
{
    return !compliance_allows(s->policy, COMPLIANCE_MAIL_TO_PERSON);
}

static bool bad_hipaa(const struct action_scene *s)
{
    return s->policy->hipaa_mode;
}

static const struct gate {
    uint32_t channels;
    bool (*is_bad)(const struct action_scene *s);
} gates[] = {
#define GATE(channels, name, text) {channels, bad_##name},
#include "domain/action.def"
#undef GATE
};

uint32_t action_open_channels(const struct action_scene *s)
{
    uint32_t open = ALL;

    for (size_t i = 0; i < sizeof gates / sizeof *gates; i++)
        if (gates[i].is_bad(s))
            open &= ~gates[i].channels;
    return open;
}
