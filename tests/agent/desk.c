/* Shared by the deal tests: a desk to work at. */
#include "agent/desk.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "agent/deal.h"
#include "agent/deal_move.h"
#include "agent/instant.h"
#include "agent/lead.h"
#include "agent/model_use.h"
#include "agent/training_board.h"

void desk_open(struct desk *d)
{
    fixture_open(&d->fixture, ENGINE_SQLITE);
    d->call = &d->fixture.call;
    d->call->principal.roles = ROLE_BIT_ADMIN;
    snprintf(d->call->principal.subject, sizeof d->call->principal.subject, "ada");
    d->agents = (struct agents){.store = d->fixture.store,
                                .policies = policies_new(d->fixture.store),
                                .feed = feed_new(),
                                .models = model_uses_new(d->fixture.store),
                                .trainings = training_board_new()};
    cr_assert(d->agents.policies && d->agents.feed && d->agents.models && d->agents.trainings);
}

void desk_close(struct desk *d)
{
    policies_free(d->agents.policies);
    feed_free(d->agents.feed);
    model_uses_free(d->agents.models);
    training_board_free(d->agents.trainings);
    fixture_close(&d->fixture);
}

static enum status status_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_update_lead(tx, arg);
}

Lead *desk_lead(struct desk *d, LeadStatus status)
{
    Company company = COMPANY_INIT;
    Lead lead = LEAD_INIT;
    CreateLeadRequest in = CREATE_LEAD_REQUEST_INIT;
    CreateLeadResponse out = CREATE_LEAD_RESPONSE_INIT;

    company.name = "Navy Systems";
    lead.full_name = "Grace Hopper";
    lead.owner_id = "grace";
    lead.company = &company;
    in.lead = &lead;
    in.duplicate_policy = DUPLICATE_POLICY_KEEP_BOTH;
    cr_assert_eq(lead_create(d->call, &d->agents, &in, &out), STATUS_OK, "%s", d->call->fault.why);
    out.lead->status = status;
    cr_assert_eq(store_run(d->agents.store, d->call, STORE_WRITE, status_unit, out.lead), STATUS_OK,
                 "%s", d->call->fault.why);
    return out.lead;
}

Lead *desk_get_lead(struct desk *d, const char *id)
{
    Lead *lead;

    cr_assert_eq(lead_get(d->call, &d->agents, id, &lead), STATUS_OK, "%s", d->call->fault.why);
    return lead;
}

Deal *desk_deal(struct desk *d, Deal deal)
{
    CreateDealRequest in = CREATE_DEAL_REQUEST_INIT;
    CreateDealResponse out = CREATE_DEAL_RESPONSE_INIT;

    in.deal = &deal;
    cr_assert_eq(deal_create(d->call, &d->agents, &in, &out), STATUS_OK, "%s", d->call->fault.why);
    cr_assert(out.created);
    return out.deal;
}

Deal *desk_get_deal(struct desk *d, const char *id)
{
    Deal *deal;

    cr_assert_eq(deal_get(d->call, &d->agents, id, &deal), STATUS_OK, "%s", d->call->fault.why);
    return deal;
}

Deal desk_sound_deal(struct desk *d)
{
    DealContact **contacts = NEW(&d->call->arena, DealContact *, 1);
    Deal deal = DEAL_INIT;

    contacts[0] = NEW(&d->call->arena, DealContact, 1);
    *contacts[0] = (DealContact)DEAL_CONTACT_INIT;
    contacts[0]->name = "Grace Hopper";
    deal.name = "Compiler licence";
    deal.amount = desk_money(d, 120000, "EUR");
    deal.expected_close_date = "2999-03-31";
    deal.next_step = "Send the offer";
    deal.contacts = contacts;
    deal.n_contacts = 1;
    return deal;
}

enum status desk_progress(struct desk *d, const char *id, const char *stage, const char *reason,
                          ProgressDealResponse *out)
{
    ProgressDealRequest in = PROGRESS_DEAL_REQUEST_INIT;
    CloseReason why = CLOSE_REASON_INIT;

    *out = (ProgressDealResponse)PROGRESS_DEAL_RESPONSE_INIT;
    in.id = (char *)id;
    in.to_stage = (char *)stage;
    why.code = (char *)reason;
    in.close_reason = reason ? &why : NULL;
    return deal_progress(d->call, &d->agents, &in, out);
}

struct count {
    const char *type;
    size_t n;
};

static enum status count_unit(struct call *c, struct tx *tx, void *arg)
{
    struct count *k = arg;
    struct event_page page;

    (void)c;
    k->n = 0;
    TRY(tx_event_list(tx, (struct event_cursor){0}, PAGE_SIZE_MAX, &page));
    for (size_t i = 0; i < page.n_events; i++)
        k->n += str_eq(page.events[i].type, str_of(k->type));
    return STATUS_OK;
}

size_t desk_events(struct desk *d, const char *type)
{
    struct count k = {.type = type};

    cr_assert_eq(store_run(d->agents.store, d->call, STORE_READ, count_unit, &k), STATUS_OK, "%s",
                 d->call->fault.why);
    return k.n;
}

bool desk_named(const struct desk *d, const char *what)
{
    for (size_t i = 0; i < d->call->fault.n_details; i++) {
        const struct fault_detail *f = &d->call->fault.details[i];

        if (str_eq(f->kind == FAULT_PRECONDITION ? f->type : f->subject, str_of(what)))
            return true;
    }
    return false;
}

Timestamp *desk_ago(struct desk *d, int days)
{
    Timestamp *t;

    cr_assert_eq(instant_new(d->call, call_now_us(d->call) - days * INT64_C(86400000000), &t),
                 STATUS_OK);
    return t;
}

Money *desk_money(struct desk *d, long long minor, const char *currency)
{
    Money *m = NEW(&d->call->arena, Money, 1);

    *m = (Money)MONEY_INIT;
    m->amount_minor = minor;
    m->currency_code = (char *)currency;
    return m;
}
