/* conversion: a lead and its deal change together or not at all. */
#include <criterion/criterion.h>

#include "agent/desk.h"
#include "agent/event.h"
#include "workflow/conversion.h"

DESK_TEST(conversion, only_a_qualified_lead_converts_and_only_once)
{
    Lead *raw = desk_lead(d, LEAD_STATUS_NEW), *lead = desk_lead(d, LEAD_STATUS_QUALIFIED);
    ConvertLeadRequest in = CONVERT_LEAD_REQUEST_INIT;
    ConvertLeadResponse out = CONVERT_LEAD_RESPONSE_INIT;

    in.id = raw->id;
    cr_assert_eq(conversion_run(d->call, &d->agents, &in, &out), STATUS_PRECONDITION);
    cr_assert(desk_named(d, "LEAD_STATUS"));
    call_clear(d->call);
    in.id = lead->id;
    cr_assert_eq(conversion_run(d->call, &d->agents, &in, &out), STATUS_OK, "%s",
                 d->call->fault.why);
    cr_assert_str_eq(out.deal->name, "Navy Systems");
    cr_assert_str_eq(out.deal->owner_id, "grace");
    cr_assert_str_eq(out.deal->contacts[0]->name, "Grace Hopper");
    cr_assert_str_eq(out.deal->lead_id, lead->id);
    lead = desk_get_lead(d, lead->id);
    cr_assert_eq(lead->status, LEAD_STATUS_CONVERTED);
    cr_assert_str_eq(lead->converted_deal_id, out.deal->id);
    cr_assert_eq(conversion_run(d->call, &d->agents, &in, &out), STATUS_PRECONDITION);
    call_clear(d->call);
    cr_assert_eq(desk_events(d, EVENT_LEAD_CONVERTED), 1);
    cr_assert_eq(desk_events(d, EVENT_DEAL_CREATED), 1);
}

DESK_TEST(conversion, a_conversion_that_fails_leaves_the_lead_as_it_was)
{
    Lead *lead = desk_lead(d, LEAD_STATUS_QUALIFIED);
    ConvertLeadRequest in = CONVERT_LEAD_REQUEST_INIT;
    ConvertLeadResponse out = CONVERT_LEAD_RESPONSE_INIT;
    Deal deal = DEAL_INIT;

    deal.external_id = "crm-1";
    desk_deal(d, deal);
    in.id = lead->id;
    in.deal = &deal;
    cr_assert_eq(conversion_run(d->call, &d->agents, &in, &out), STATUS_EXISTS);
    call_clear(d->call);
    cr_assert_str_eq(desk_get_lead(d, lead->id)->etag, lead->etag);
    cr_assert_eq(desk_events(d, EVENT_LEAD_CONVERTED), 0);
}

/* Converts while the store fails at its n-th operation; nothing may be half done. */
DESK_TEST(conversion, a_failing_store_never_leaves_half_a_conversion)
{
    Lead *lead = desk_lead(d, LEAD_STATUS_QUALIFIED);
    enum status s = STATUS_INTERNAL;
    int n_failed = 0;

    for (long n = 1; s != STATUS_OK && n < 100; n++) {
        ConvertLeadRequest in = CONVERT_LEAD_REQUEST_INIT;
        ConvertLeadResponse out = CONVERT_LEAD_RESPONSE_INIT;

        in.id = lead->id;
        d->fixture.fault.error = SQL_ERROR_IO;
        atomic_store(&d->fixture.fault.countdown, n);
        s = conversion_run(d->call, &d->agents, &in, &out);
        atomic_store(&d->fixture.fault.countdown, 0);
        if (s == STATUS_OK)
            break;
        n_failed++;
        cr_assert_eq(s, STATUS_UNAVAILABLE, "operation %ld: %s", n, d->call->fault.why);
        call_clear(d->call);
        cr_assert_str_eq(desk_get_lead(d, lead->id)->etag, lead->etag, "operation %ld", n);
        cr_assert_eq(desk_events(d, EVENT_DEAL_CREATED), 0, "operation %ld", n);
    }
    cr_assert_eq(s, STATUS_OK);
    cr_assert_gt(n_failed, 5, "the walk met the statements of the unit");
    cr_assert_eq(desk_events(d, EVENT_LEAD_CONVERTED), 1);
    cr_assert_eq(desk_events(d, EVENT_DEAL_CREATED), 1);
}
