/* The inputs of a choice, there and back; a replay is the pure choice made again. */
#include "agent/instant.h"
#include "schema/wire.h"
#include "workflow/recommend.h"

static enum status pack_facts(struct call *c, const struct action_facts *f, RecommendationReplay *m)
{
    if ((m->facts = NEW(&c->arena, RecommendationFact *, ACTION_FACTS)) == NULL)
        return call_nomem(c);
    for (int i = 0; i < ACTION_FACTS; i++) {
        const struct action_fact *from = &f->f[i];
        RecommendationFact *fact;

        if (!from->known)
            continue;
        if ((fact = NEW(&c->arena, RecommendationFact, 1)) == NULL)
            return call_nomem(c);
        *fact = (RecommendationFact)RECOMMENDATION_FACT_INIT;
        fact->name = (char *)action_fact_name((enum action_fact_id)i);
        fact->number = from->number;
        if (from->text.n && (fact->text = arena_cstr(&c->arena, from->text)) == NULL)
            return call_nomem(c);
        if (from->record_id)
            fact->record_id = (char *)from->record_id;
        m->facts[m->n_facts++] = fact;
    }
    return STATUS_OK;
}

static enum status pack_tallies(struct call *c, const struct action_tally *from,
                                RecommendationReplay *m)
{
    if ((m->tallies = NEW(&c->arena, RecommendationTally *, ACTIONS)) == NULL)
        return call_nomem(c);
    for (int i = 0; i < ACTIONS; i++) {
        static const struct action_tally none = {0};
        RecommendationTally *t;

        if (memcmp(&from[i], &none, sizeof none) == 0)
            continue;
        if ((t = NEW(&c->arena, RecommendationTally, 1)) == NULL)
            return call_nomem(c);
        *t = (RecommendationTally)RECOMMENDATION_TALLY_INIT;
        t->id = (char *)action_name((enum action_id)i);
        t->right = from[i].n_right;
        t->wrong = from[i].n_wrong;
        t->followed = from[i].n_followed;
        t->good = from[i].n_good;
        t->passed = from[i].n_passed;
        t->good_anyway = from[i].n_good_anyway;
        m->tallies[m->n_tallies++] = t;
    }
    return STATUS_OK;
}

static enum status pack_dismissed(struct call *c, const struct action_ask *ask,
                                  RecommendationReplay *m)
{
    if ((m->dismissed = NEW(&c->arena, ProtobufCBinaryData, ask->n_dismissed + 1)) == NULL)
        return call_nomem(c);
    for (size_t i = 0; i < ask->n_dismissed; i++)
        m->dismissed[i] = (ProtobufCBinaryData){ACTION_DIGEST_BYTES, (uint8_t *)ask->dismissed[i]};
    m->n_dismissed = ask->n_dismissed;
    return STATUS_OK;
}

enum status recommend_pack(struct call *c, const struct action_ask *ask, RecommendationReplay **out)
{
    RecommendationReplay *m = NEW(&c->arena, RecommendationReplay, 1);
    char *table = arena_take(&c->arena, ACTION_SHA256_BYTES + 1);

    if (!m || !table)
        return call_nomem(c);
    *m = (RecommendationReplay)RECOMMENDATION_REPLAY_INIT;
    action_table_sha256(table);
    m->table_sha256 = table;
    m->now_us = ask->now_us;
    m->lead_id = (char *)ask->lead_id;
    m->deal_id = (char *)ask->deal_id;
    m->quiet_hours = ask->policy->quiet_hours;
    m->n_quiet_hours = ask->policy->n_quiet_hours;
    m->country_code = (char *)ask->country;
    m->offset_minutes = ask->zone.offset_minutes;
    m->later_minutes = ask->zone.later_minutes;
    m->change_us = ask->zone.change_us;
    m->channels = ask->channels;
    m->limit = (uint32_t)ask->limit;
    TRY(pack_facts(c, ask->facts, m));
    TRY(pack_tallies(c, ask->tallies, m));
    TRY(pack_dismissed(c, ask, m));
    *out = m;
    return STATUS_OK;
}

static enum status other_rules(struct call *c)
{
    return call_fail_as(c, STATUS_PRECONDITION, "REPLAY_RULES",
                        "the table of actions has changed since");
}

static enum status unpack_facts(struct call *c, const RecommendationReplay *m,
                                struct action_facts *out)
{
    for (size_t i = 0; i < m->n_facts; i++) {
        const RecommendationFact *from = m->facts[i];
        enum action_fact_id id;

        if (!action_fact_of_name(str_of(from->name), &id))
            return other_rules(c);
        out->f[id] = (struct action_fact){.known = true,
                                          .number = from->number,
                                          .text = str_of(from->text),
                                          .record_id = *from->record_id ? from->record_id : NULL};
    }
    return STATUS_OK;
}

static enum status unpack_tallies(struct call *c, const RecommendationReplay *m,
                                  struct action_tally *out)
{
    for (size_t i = 0; i < m->n_tallies; i++) {
        const RecommendationTally *t = m->tallies[i];
        enum action_id id;

        if (!action_of_name(str_of(t->id), &id))
            return other_rules(c);
        out[id] = (struct action_tally){t->right, t->wrong,  t->followed,
                                        t->good,  t->passed, t->good_anyway};
    }
    return STATUS_OK;
}

static enum status unpack_dismissed(struct call *c, const RecommendationReplay *m,
                                    struct action_ask *out)
{
    unsigned char(*digests)[ACTION_DIGEST_BYTES] =
        arena_take(&c->arena, (m->n_dismissed + 1) * sizeof *digests);

    if (!digests)
        return call_nomem(c);
    for (size_t i = 0; i < m->n_dismissed; i++)
        if (m->dismissed[i].len == ACTION_DIGEST_BYTES)
            memcpy(digests[out->n_dismissed++], m->dismissed[i].data, ACTION_DIGEST_BYTES);
    out->dismissed = (const unsigned char(*)[ACTION_DIGEST_BYTES])digests;
    return STATUS_OK;
}

enum status recommend_unpack(struct call *c, const RecommendationReplay *m, struct action_ask *out)
{
    struct action_facts *facts = NEW(&c->arena, struct action_facts, 1);
    struct action_tally *tallies = NEW(&c->arena, struct action_tally, ACTIONS);
    TenantPolicy *policy = NEW(&c->arena, TenantPolicy, 1);
    char table[ACTION_SHA256_BYTES + 1];

    if (!facts || !tallies || !policy)
        return call_nomem(c);
    action_table_sha256(table);
    if (strcmp(table, m->table_sha256) != 0 || m->limit > ACTION_LIMIT_MAX)
        return other_rules(c);
    *policy = (TenantPolicy)TENANT_POLICY_INIT;
    policy->quiet_hours = m->quiet_hours;
    policy->n_quiet_hours = m->n_quiet_hours;
    *out = (struct action_ask){.facts = facts,
                               .about_deal = *m->deal_id != 0,
                               .lead_id = m->lead_id,
                               .deal_id = m->deal_id,
                               .tallies = tallies,
                               .policy = policy,
                               .country = m->country_code,
                               .zone = {m->offset_minutes, m->later_minutes, m->change_us},
                               .channels = m->channels,
                               .limit = m->limit,
                               .now_us = m->now_us};
    TRY(unpack_facts(c, m, facts));
    TRY(unpack_tallies(c, m, tallies));
    return unpack_dismissed(c, m, out);
}

static enum status say_all(struct call *c, const RecommendationReplay *m, struct action_set *set)
{
    for (size_t i = 0; i < set->n; i++)
        for (size_t j = 0; j < m->n_words; j++)
            if (strcmp(m->words[j]->action, action_name(set->items[i].id)) == 0)
                TRY(recommend_say(c, m->words[j], set->items[i].recommendation));
    return STATUS_OK;
}

enum status recommend_replay(struct call *c, struct agents *a, const DecisionRecord *record,
                             ProtobufCMessage **out)
{
    RecommendActionsResponse *answer = NEW(&c->arena, RecommendActionsResponse, 1);
    struct action_set *set = NEW(&c->arena, struct action_set, 1);
    struct action_ask ask;
    ProtobufCMessage *m;

    (void)a;
    if (!answer || !set)
        return call_nomem(c);
    TRY(wire_unpack(c, &c->arena, RECOMMENDATION_REPLAY_DESCRIPTOR,
                    (str){(char *)record->replay.data, record->replay.len}, &m));
    TRY(recommend_unpack(c, (const RecommendationReplay *)m, &ask));
    if (action_choose(&c->arena, &ask, set) != STATUS_OK)
        return call_nomem(c);
    TRY(say_all(c, (const RecommendationReplay *)m, set));
    *answer = (RecommendActionsResponse)RECOMMEND_ACTIONS_RESPONSE_INIT;
    if ((answer->recommendations = NEW(&c->arena, Recommendation *, set->n + 1)) == NULL)
        return call_nomem(c);
    for (size_t i = 0; i < set->n; i++) {
        answer->recommendations[i] = set->items[i].recommendation;
        answer->recommendations[i]->decision_id = record->decision->id;
    }
    answer->n_recommendations = set->n;
    answer->suppressed = set->n_suppressed;
    *out = &answer->base;
    return STATUS_OK;
}
