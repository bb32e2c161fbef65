/* Leads: clean, look for the same one, store with its event. */
#include "agent/lead.h"

#include "agent/event.h"
#include "agent/instant.h"
#include "agent/lead_clean.h"
#include "agent/lead_hold.h"
#include "agent/lead_match.h"
#include "agent/list.h"
#include "agent/mutation.h"
#include "agent/person.h"
#include "schema/mask.h"
#include "store/records.h"

/* clang-format off */
#define SERVER_FIELDS                                                                     \
    "id", "etag", "create_time", "update_time", "status", "status_time", "status_reason", \
    "score", "converted_deal_id", "merged_into_id", "last_activity_time", "legal_hold"
/* clang-format on */

const char *const lead_output_only[] = {SERVER_FIELDS, NULL};
static const char *const update_locked[] = {SERVER_FIELDS, "created_at", NULL};

enum status lead_prepare(struct call *c, const TenantPolicy *policy, const Lead *in,
                         struct lead_draft *out)
{
    *out = (struct lead_draft){.lead = NEW(&c->arena, Lead, 1)};
    if (!out->lead)
        return call_nomem(c);
    *out->lead = *in;
    message_clear_fields(&out->lead->base, lead_output_only);
    TRY(lead_clean(c, policy, out->lead, &out->changed));
    out->keys = lead_keys_of(&c->arena, out->lead);
    if (!out->keys.external_id.n && !*out->lead->email && !*out->lead->phone &&
        !*out->lead->full_name && !(out->lead->company && *out->lead->company->name)) {
        call_detail(c, FAULT_FIELD, "lead.identity", STR("lead"),
                    "one of full_name, email, phone, company.name, external_id is needed");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "nothing identifies the lead");
    }
    if (!out->lead->created_at)
        TRY(instant_now(c, &out->lead->created_at));
    if (!*out->lead->owner_id && c->principal.roles & ROLE_BIT_REP)
        out->lead->owner_id = arena_cstr(&c->arena, str_of(c->principal.subject));
    if (!*out->lead->team_id && c->principal.roles & ROLE_BIT_REP && c->principal.n_teams)
        out->lead->team_id = (char *)c->principal.teams[0];
    out->lead->status = LEAD_STATUS_NEW;
    out->lead->status_time = out->lead->created_at;
    return out->lead->owner_id ? STATUS_OK : call_nomem(c);
}

/* Merges the draft into the lead on record, as the policy says. */
static enum status absorb(struct tx *tx, DuplicatePolicy policy, const Lead *draft, Lead *known)
{
    struct call *c = tx_call(tx);

    if (policy != DUPLICATE_POLICY_FILL)
        TRY(lead_hold_check_merge(c, known, draft));
    if (policy == DUPLICATE_POLICY_FILL)
        TRY(message_fill(c, update_locked, &draft->base, &known->base));
    else
        TRY(mask_apply(c, &(struct mask){.locked = update_locked}, &draft->base, &known->base));
    TRY(tx_update_lead(tx, known));
    return tx_event(tx, EVENT_LEAD_UPDATED, RECORD_LEAD, str_of(known->id), &known->base);
}

enum status lead_ready(struct tx *tx, struct lead_draft *draft)
{
    for (size_t i = 0; i < LEAD_MATCH_KEYS; i++)
        TRY(tx_prepare_find(tx, lead_match_keys[i].column,
                            lead_key(&draft->keys, &lead_match_keys[i])));
    return tx_prepare_insert(tx, RECORD_LEAD, &draft->lead->base, EVENT_LEAD_CREATED,
                             &draft->prepared);
}

static enum status insert(struct tx *tx, DuplicatePolicy policy, const struct lead_draft *draft)
{
    bool is_copy = policy == DUPLICATE_POLICY_KEEP_BOTH;
    Lead *lead = draft->lead;

    if (draft->prepared)
        return tx_insert_prepared(tx, draft->prepared, is_copy);
    lead->id = (char *)protobuf_c_empty_string; /* a second run makes a new one */
    if (is_copy)
        TRY(tx_insert_copy(tx, RECORD_LEAD, &lead->base));
    else
        TRY(tx_insert_lead(tx, lead));
    return tx_event(tx, EVENT_LEAD_CREATED, RECORD_LEAD, str_of(lead->id), &lead->base);
}

static enum status refuse_duplicate(struct call *c, const Lead *known, MatchReason reason)
{
    call_detail(c, FAULT_METADATA, NULL, STR("lead_id"), "%s", known->id);
    call_detail(c, FAULT_METADATA, NULL, STR("match"), "%s", match_reason_name(reason));
    return call_fail_as(c, STATUS_EXISTS, "DUPLICATE_LEAD", "the lead is on record already");
}

enum status lead_settle(struct tx *tx, struct lead_draft *draft, DuplicatePolicy policy,
                        Lead *known, struct lead_stored *out)
{
    out->created = !known;
    out->updated = false;
    out->lead = known ? known : draft->lead;
    if (!known)
        return insert(tx, policy, draft);
    if (policy == DUPLICATE_POLICY_FAIL || policy == DUPLICATE_POLICY_KEEP_BOTH)
        return refuse_duplicate(tx_call(tx), known, out->reason);
    if (policy == DUPLICATE_POLICY_FILL || policy == DUPLICATE_POLICY_OVERWRITE) {
        out->updated = true;
        return absorb(tx, policy, draft->lead, known);
    }
    return STATUS_OK;
}

/* Only an external id stands in the way of keeping both. */
static struct lead_keys keys_that_count(const struct lead_draft *draft, DuplicatePolicy policy)
{
    return policy == DUPLICATE_POLICY_KEEP_BOTH
               ? (struct lead_keys){.external_id = draft->keys.external_id}
               : draft->keys;
}

struct create {
    struct lead_draft draft;
    DuplicatePolicy policy;
    struct lead_stored stored;
    CreateLeadResponse *out;
};

static enum status tell_match(struct call *c, const struct lead_stored *stored,
                              DuplicateMatch **out)
{
    if ((*out = NEW(&c->arena, DuplicateMatch, 1)) == NULL)
        return call_nomem(c);
    **out = (DuplicateMatch)DUPLICATE_MATCH_INIT;
    (*out)->lead_id = stored->lead->id;
    (*out)->reason = stored->reason;
    (*out)->confidence = lead_match_confidence(stored->reason);
    return STATUS_OK;
}

static enum status tell_created(struct call *c, const struct create *k)
{
    CreateLeadResponse *out = k->out;

    out->lead = k->stored.lead;
    out->created = k->stored.created;
    out->n_normalized_fields = k->draft.changed.n_paths;
    out->normalized_fields = NEW(&c->arena, char *, k->draft.changed.n_paths + 1);
    out->duplicate = NULL;
    if (!out->normalized_fields)
        return call_nomem(c);
    for (size_t i = 0; i < k->draft.changed.n_paths; i++)
        out->normalized_fields[i] = k->draft.changed.paths[i];
    return out->created ? STATUS_OK : tell_match(c, &k->stored, &out->duplicate);
}

static enum status create_unit(struct call *c, struct tx *tx, void *arg)
{
    struct create *k = arg;
    struct lead_keys keys = keys_that_count(&k->draft, k->policy);
    Lead *known;

    TRY(lead_match(tx, &keys, &known, &k->stored.reason));
    TRY(lead_settle(tx, &k->draft, k->policy, known, &k->stored));
    return tell_created(c, k);
}

enum status lead_create(struct call *c, struct agents *a, const CreateLeadRequest *in,
                        CreateLeadResponse *out)
{
    struct create k = {.policy = in->duplicate_policy, .out = out};
    const TenantPolicy *policy;

    TRY(policy_get(c, a->policies, &policy));
    TRY(lead_prepare(c, policy, in->lead, &k.draft));
    return mutate(c, a, &(struct mutation){.unit = create_unit, .arg = &k, .answer = &out->base});
}

/* A lead named by id, and what was found. */
struct by_id {
    const char *id;
    Lead *lead;
};

static enum status get_unit(struct call *c, struct tx *tx, void *arg)
{
    struct by_id *k = arg;

    (void)c;
    return tx_get_lead(tx, str_of(k->id), &k->lead);
}

enum status lead_get(struct call *c, struct agents *a, const char *id, Lead **out)
{
    struct by_id k = {.id = id};

    TRY(store_run(a->store, c, STORE_READ_ONE, get_unit, &k));
    *out = k.lead;
    return STATUS_OK;
}

enum status lead_list(struct call *c, struct agents *a, const ListLeadsRequest *in,
                      ListLeadsResponse *out)
{
    struct list_query q = {.filter = str_of(in->filter),
                           .order_by = str_of(in->order_by),
                           .search = str_of(in->search),
                           .page_token = str_of(in->page_token)};
    struct list_page page;

    TRY(list_people_size(c, a, in->page_size, &q.page_size));
    TRY(list_run(c, a->store, RECORD_LEAD, &q, &page));
    out->leads = (Lead **)(void *)page.items;
    out->n_leads = page.n_items;
    out->next_page_token = page.next_page_token;
    return STATUS_OK;
}

struct update {
    const UpdateLeadRequest *in;
    const TenantPolicy *policy;
    UpdateLeadResponse *out;
};

/* What the request names, in the spelling that is stored; a hold goes before it. */
static enum status apply(struct call *c, const struct update *k, Lead *lead)
{
    const FieldMask *mask = k->in->update_mask;
    struct mask paths = {update_locked, mask ? mask->paths : NULL, mask ? mask->n_paths : 0};
    struct lead_changed changed;
    struct lead_hold held;

    TRY(lead_hold_note(c, lead, &held));
    TRY(mask_apply(c, &paths, &k->in->lead->base, &lead->base));
    TRY(lead_clean(c, k->policy, lead, &changed));
    return lead_hold_check(c, &held, lead);
}

static enum status update_unit(struct call *c, struct tx *tx, void *arg)
{
    struct update *k = arg;
    Lead *lead;

    TRY(tx_get_lead(tx, str_of(k->in->lead->id), &lead));
    TRY(tx_match(tx, &lead->base, str_of(k->in->lead->etag)));
    if (lead->status == LEAD_STATUS_MERGED) {
        call_detail(c, FAULT_PRECONDITION, "LEAD_STATUS", STR("lead.status"),
                    "update the lead that it was merged into, or undo the merge");
        return call_fail_as(c, STATUS_PRECONDITION, "LEAD_MERGED", "the lead was merged");
    }
    TRY(apply(c, k, lead));
    TRY(tx_update_lead(tx, lead));
    k->out->lead = lead;
    return tx_event(tx, EVENT_LEAD_UPDATED, RECORD_LEAD, str_of(lead->id), &lead->base);
}

enum status lead_update(struct call *c, struct agents *a, const UpdateLeadRequest *in,
                        UpdateLeadResponse *out)
{
    struct update k = {.in = in, .out = out};

    if (!*in->lead->id) {
        call_detail(c, FAULT_FIELD, "required", STR("lead.id"), "names the lead to change");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "the lead is not named");
    }
    TRY(policy_get(c, a->policies, &k.policy));
    return mutate(c, a, &(struct mutation){.unit = update_unit, .arg = &k, .answer = &out->base});
}

struct removal {
    const DeleteLeadRequest *in;
    DeleteLeadResponse *out;
};

static enum status delete_unit(struct call *c, struct tx *tx, void *arg)
{
    struct removal *k = arg;
    struct person_counts counts = {0};
    Lead *lead;

    TRY(tx_get_lead(tx, str_of(k->in->id), &lead));
    TRY(tx_match(tx, &lead->base, str_of(k->in->etag)));
    TRY(person_erase(tx, lead, &counts));
    return instant_now(c, &k->out->erase_time);
}

enum status lead_delete(struct call *c, struct agents *a, const DeleteLeadRequest *in,
                        DeleteLeadResponse *out)
{
    struct removal k = {in, out};

    return mutate(c, a, &(struct mutation){.unit = delete_unit, .arg = &k, .answer = &out->base});
}
