#include <criterion/criterion.h>

#include "agent/activity.h"
#include "agent/desk.h"
#include "workflow/qualification.h"

enum { LEADS = 4, MAILS = 6, MAIL_BYTES = 20000, SMALL_ARENA_BYTES = 1 << 20 };

/* Leads whose mails together need more memory than a call has. */
DESK_TEST(qualification, a_batch_goes_on_where_memory_ended)
{
    char body[MAIL_BYTES + 1] = "";
    str ids[LEADS];
    size_t done = 0;
    int calls = 0;

    memset(body, 'x', MAIL_BYTES);
    for (size_t i = 0; i < LEADS; i++) {
        ids[i] = str_of(desk_lead(d, LEAD_STATUS_NEW)->id);
        for (int k = 0; k < MAILS; k++) {
            Activity mail = ACTIVITY_INIT;
            LogActivityRequest in = LOG_ACTIVITY_REQUEST_INIT;
            LogActivityResponse out = LOG_ACTIVITY_RESPONSE_INIT;

            mail.lead_id = (char *)ids[i].p;
            mail.kind = ACTIVITY_KIND_EMAIL;
            mail.body = body;
            in.activity = &mail;
            cr_assert_eq(activity_log(d->call, &d->agents, &in, &out), STATUS_OK, "%s",
                         d->call->fault.why);
        }
    }
    for (; done < LEADS; calls++) {
        QualifyResults out = QUALIFY_RESULTS_INIT;
        struct call c = *d->call;

        arena_init(&c.arena, SMALL_ARENA_BYTES);
        cr_assert_eq(
            qualification_batch(
                &c, &d->agents,
                &(struct qualify_batch){.ids = ids + done, .n = LEADS - done, .brief = true}, &out),
            STATUS_OK, "%s", c.fault.why);
        cr_assert_gt(out.n_results, 0);
        for (size_t i = 0; i < out.n_results; i++) {
            cr_assert_str_eq(out.results[i]->lead_id, ids[done + i].p);
            cr_assert_null(out.results[i]->error);
        }
        done += out.n_results;
        arena_release(&c.arena);
    }
    cr_assert_gt(calls, 1, "the memory was enough for all: this tests nothing");
    cr_assert_eq(desk_events(d, "sales.lead.qualified"), LEADS);
}

/* Before it came about there was nothing to score; from then on it is, however late we ask. */
DESK_TEST(qualification, a_lead_is_not_scored_as_of_before_it_came_about)
{
    const Lead *lead = desk_lead(d, LEAD_STATUS_NEW);
    Timestamp at = *lead->created_at;
    QualifyLeadRequest in = QUALIFY_LEAD_REQUEST_INIT;
    QualifyLeadResponse out = QUALIFY_LEAD_RESPONSE_INIT;

    in.id = lead->id;
    in.as_of = &at;
    cr_assert_eq(qualification_run(d->call, &d->agents, &in, &out), STATUS_OK, "%s",
                 d->call->fault.why);
    cr_assert_not_null(out.score);
    at.seconds -= 3600;
    out = (QualifyLeadResponse)QUALIFY_LEAD_RESPONSE_INIT;
    cr_assert_eq(qualification_run(d->call, &d->agents, &in, &out), STATUS_INVALID);
    cr_assert(desk_named(d, "as_of"));
    call_clear(d->call);
    cr_assert_eq(desk_events(d, "sales.lead.qualified"), 0);
}
