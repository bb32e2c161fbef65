/* One row per key, tried in order: the surest first. */
#include "agent/lead_match.h"

#include "domain/email.h"
#include "store/records.h"

/* clang-format off */
const struct lead_match_key lead_match_keys[LEAD_MATCH_KEYS] = {
    /* reason                   column               key                                        confidence */
    {MATCH_REASON_EXTERNAL_ID, LEAD_BY_external_id, offsetof(struct lead_keys, external_id), 1.0},
    {MATCH_REASON_EMAIL,       LEAD_BY_email,       offsetof(struct lead_keys, email),       0.98},
    {MATCH_REASON_PHONE,       LEAD_BY_phone,       offsetof(struct lead_keys, phone),       0.85},
};
/* clang-format on */

double lead_match_confidence(MatchReason reason)
{
    for (size_t i = 0; i < LEAD_MATCH_KEYS; i++)
        if (lead_match_keys[i].reason == reason)
            return lead_match_keys[i].confidence;
    return 0;
}

struct lead_keys lead_keys_of(struct arena *a, const Lead *lead)
{
    struct lead_keys keys = {.external_id = str_of(lead->external_id)};
    str phone = str_of(lead->phone);

    if (*lead->email)
        keys.email = email_key(a, str_of(lead->email));
    keys.phone = str_cut(&phone, ';');
    return keys;
}

enum status lead_match(struct tx *tx, const struct lead_keys *keys, Lead **out,
                       MatchReason *reason_out)
{
    *out = NULL;
    *reason_out = MATCH_REASON_UNSPECIFIED;
    for (size_t i = 0; i < LEAD_MATCH_KEYS; i++) {
        str key = lead_key(keys, &lead_match_keys[i]);
        enum status s;

        if (!key.n)
            continue;
        s = tx_find_lead(tx, lead_match_keys[i].column, key, out);
        if (s == STATUS_OK) {
            *reason_out = lead_match_keys[i].reason;
            return STATUS_OK;
        }
        if (s != STATUS_NOT_FOUND)
            return s;
        call_clear(tx_call(tx));
    }
    return STATUS_OK;
}
