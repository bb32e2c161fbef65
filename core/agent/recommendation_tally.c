/* One record per action and segment; read and written in the unit of the answer. */
#include <stdio.h>

#include "agent/instant.h"
#include "agent/recommendation.h"
#include "store/records.h"

enum { ID_BYTES = 80 };

static void id_of(const char *action, const char *segment, char out[ID_BYTES + 1])
{
    snprintf(out, ID_BYTES + 1, "%s.%s", action, segment);
}

static struct action_tally tally_of(const RecommendationTally *t)
{
    return (struct action_tally){.n_right = t->right,
                                 .n_wrong = t->wrong,
                                 .n_followed = t->followed,
                                 .n_good = t->good,
                                 .n_passed = t->passed,
                                 .n_good_anyway = t->good_anyway};
}

/* NULL: nobody has answered yet. */
static enum status find(struct tx *tx, const char *id, RecommendationTally **out)
{
    enum status s = tx_get_recommendation_tally(tx, str_of(id), out);

    if (s != STATUS_NOT_FOUND)
        return s;
    call_clear(tx_call(tx));
    *out = NULL;
    return STATUS_OK;
}

enum status recommendation_tallies(struct tx *tx, const char *segment,
                                   struct action_tally out[ACTIONS])
{
    ProtobufCMessage *found[ACTIONS];
    char ids[ACTIONS][ID_BYTES + 1];
    str names[ACTIONS];

    for (int i = 0; i < ACTIONS; i++) {
        id_of(action_name((enum action_id)i), segment, ids[i]);
        names[i] = str_of(ids[i]);
    }
    TRY(tx_get_many(tx, RECORD_RECOMMENDATION_TALLY, names, ACTIONS, found));
    for (int i = 0; i < ACTIONS; i++)
        out[i] =
            found[i] ? tally_of((const RecommendationTally *)found[i]) : (struct action_tally){0};
    return STATUS_OK;
}

static void add(RecommendationTally *t, const struct action_tally *more, bool takes_right_back)
{
    t->right += more->n_right;
    t->wrong += more->n_wrong;
    t->followed += more->n_followed;
    t->good += more->n_good;
    t->passed += more->n_passed;
    t->good_anyway += more->n_good_anyway;
    if (takes_right_back && t->right)
        t->right--;
}

enum status recommendation_count(struct tx *tx, const RecommendationRecord *r,
                                 const struct action_tally *more, bool takes_right_back)
{
    RecommendationTally *t, fresh = RECOMMENDATION_TALLY_INIT;
    char id[ID_BYTES + 1];

    id_of(r->action, r->segment, id);
    TRY(find(tx, id, &t));
    if (t) {
        add(t, more, takes_right_back);
        return tx_update_recommendation_tally(tx, t);
    }
    fresh.id = id;
    add(&fresh, more, takes_right_back);
    return tx_insert_recommendation_tally(tx, &fresh);
}

/* What the action was for has come about since the answer. */
static bool has_come(const struct recommendation_scene *scene, const RecommendationRecord *r,
                     enum action_id id)
{
    int64_t since_us = instant_us(r->answer_time);
    const Recommendation *in = r->recommendation;
    const char *subject = *in->deal_id ? in->deal_id : in->lead_id;
    LeadStatus status = scene->lead ? scene->lead->status : LEAD_STATUS_UNSPECIFIED;
    unsigned char digest[ACTION_DIGEST_BYTES];
    bool moved = status == LEAD_STATUS_CONVERTED && !scene->deal;

    switch (action_metric_of(id)) {
    case ACTION_reply_rate: return scene->past.heard_us > since_us;
    case ACTION_meeting_rate: return scene->past.met_us > since_us;
    case ACTION_qualified_rate:
        return status == LEAD_STATUS_QUALIFIED || status == LEAD_STATUS_CONVERTED;
    case ACTION_progress_rate:
        for (size_t i = 0; scene->deal && i < scene->deal->n_history; i++) {
            const StageChange *move = scene->deal->history[i];

            moved |= instant_us(move->occurred_at) > since_us &&
                     (move->kind == STAGE_CHANGE_KIND_FORWARD ||
                      scene->deal->stage_kind == STAGE_KIND_WON);
        }
        return moved;
    case ACTION_resolved_rate: break;
    }
    action_digest(id, &scene->facts, subject, digest);
    return !action_applies(id, &scene->facts, scene->deal != NULL) ||
           memcmp(digest, r->digest.data, sizeof digest) != 0;
}

enum status recommendation_measure(struct tx *tx, const TenantPolicy *policy,
                                   RecommendationRecord *r)
{
    bool was_followed = r->recommendation->state != RECOMMENDATION_STATE_DISMISSED, came;
    const Recommendation *in = r->recommendation;
    struct recommendation_scene *scene = NEW(&tx_call(tx)->arena, struct recommendation_scene, 1);
    struct action_tally more;
    enum action_id id;
    enum status s;

    if (!scene)
        return call_nomem(tx_call(tx));
    r->measured = true;
    if (!action_of_name(str_of(r->action), &id))
        return STATUS_OK; /* of another version: its tally is not ours */
    s = recommendation_look(tx, policy, in->lead_id, in->deal_id, scene);
    if (s == STATUS_NOT_FOUND) {
        call_clear(tx_call(tx));
        return STATUS_OK;
    }
    TRY(s);
    came = has_come(scene, r, id);
    more = (struct action_tally){.n_followed = was_followed,
                                 .n_good = was_followed && came,
                                 .n_passed = !was_followed,
                                 .n_good_anyway = !was_followed && came};
    return recommendation_count(tx, r, &more, false);
}
