#include "workflow/lead_preview.h"

#include "agent/item_error.h"
#include "store/records.h"
#include "workflow/qualification.h"

struct preview {
    const struct lead_preview *in;
    struct lead_insight *list; /* [in->n] */
};

static enum status preview_one(struct tx *tx, const struct lead_preview *in, Lead *lead,
                               struct lead_insight *out)
{
    struct insight_texts texts;
    struct lead_look look = in->look;
    struct lead_scored scored;
    LeadScoreStart *start;

    insight_texts_init(&texts, &tx_call(tx)->arena);
    look.texts = &texts;
    TRY(lead_look(tx, &look, lead, &start));
    TRY(lead_score(tx_call(tx),
                   &(struct lead_scoring){.start = start, .use = look.use, .decision_id = ""},
                   &scored));
    out->lead = lead;
    if (!scored.score->n_disqualifications)
        out->score = scored.score;
    out->notes = buf_str(&texts.notes);
    out->activities = buf_str(&texts.activities);
    return STATUS_OK;
}

static enum status preview_unit(struct call *c, struct tx *tx, void *arg)
{
    struct preview *p = arg;
    ProtobufCMessage *leads[QUALIFY_BATCH_MAX];

    TRY(tx_get_many(tx, RECORD_LEAD, p->in->ids, p->in->n, leads));
    for (size_t i = 0; i < p->in->n; i++) {
        p->list[i] = (struct lead_insight){.lead = NULL};
        if (!leads[i] || c->arena.total > c->arena.limit / 4) /* a lead may have many long mails */
            continue;
        if (preview_one(tx, p->in, (Lead *)leads[i], &p->list[i]) == STATUS_OK)
            continue;
        if (!item_error_is_own(c->fault.status))
            return c->fault.status;
        call_clear(c);
    }
    return STATUS_OK;
}

enum status lead_preview_read(struct call *c, struct agents *a, const struct lead_preview *in,
                              struct lead_insight *list)
{
    struct preview p = {in, list};

    return store_run(a->store, c, STORE_READ, preview_unit, &p);
}

enum status lead_preview_ask(struct call *c, struct agents *a, const struct lead_preview *in,
                             struct lead_insight **out)
{
    struct lead_insight *list;

    *out = NULL;
    if (!lead_insight_wanted(a, in->policy, in->mode))
        return STATUS_OK;
    if ((list = NEW(&c->arena, struct lead_insight, in->n + 1)) == NULL)
        return call_nomem(c);
    TRY(lead_preview_read(c, a, in, list));
    TRY(lead_insight_ask(
        c, a,
        &(struct insight_round){.policy = in->policy, .mode = in->mode, .list = list, .n = in->n}));
    *out = list;
    return STATUS_OK;
}
