#include <criterion/criterion.h>
#include <stdio.h>

#include "agent/desk.h"
#include "agent/event.h"
#include "agent/lead_watch.h"

enum { EVENTS = 9, TEXT_BYTES = 400000, ARENA_BYTES = 6 << 20, STEP_BYTES_MAX = 2 << 20 };

static enum status fill_unit(struct call *c, struct tx *tx, void *arg)
{
    Lead lead = LEAD_INIT;

    (void)c;
    lead.status_reason = arg;
    for (int i = 0; i < EVENTS; i++) {
        char name[] = {(char)('a' + i), 0};

        lead.id = "01932b6e-5f00-7abc-8def-0123456789ab";
        lead.full_name = name;
        TRY(tx_event(tx, EVENT_LEAD_UPDATED, RECORD_LEAD, str_of(lead.id), &lead.base));
    }
    return STATUS_OK;
}

/* All of these at once would be neither in the memory of a step nor in the queue of a stream. */
DESK_TEST(lead_watch, large_leads_come_in_several_steps)
{
    char *text = arena_alloc(&d->call->arena, TEXT_BYTES + 1, 1, 1), seen[EVENTS + 1] = "";
    struct lead_watch *w;

    cr_assert_eq(lead_watch_open(d->call, &d->agents, "", "", &w), STATUS_OK);
    memset(text, 'x', TEXT_BYTES);
    cr_assert_eq(store_run(d->agents.store, d->call, STORE_WRITE, fill_unit, text), STATUS_OK);
    for (bool more = true; more;) {
        struct call c = *d->call;
        struct lead_watch_page page;
        size_t bytes = 0;

        arena_init(&c.arena, ARENA_BYTES);
        cr_assert_eq(lead_watch_next(&c, &d->agents, w, &page), STATUS_OK, "%s", c.fault.why);
        for (size_t i = 0; i < page.n_messages; i++) {
            bytes += strlen(page.messages[i]->event->lead->status_reason);
            cr_assert_lt(strlen(seen), EVENTS);
            strcat(seen, page.messages[i]->event->lead->full_name);
        }
        cr_assert_lt(bytes, STEP_BYTES_MAX);
        more = page.more;
        arena_release(&c.arena);
    }
    cr_assert_str_eq(seen, "abcdefghi");
    lead_watch_close(w);
}
