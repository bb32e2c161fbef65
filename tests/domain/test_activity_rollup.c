/* activity_rollup: windows, directions, order. */
#include "domain/activity_rollup.h"
#include "domain/moment.h"
#include "support/table.h"

#define NOW (INT64_C(1750000000) * MOMENT_SECOND_US)

static Activity at(ActivityEvent event, ActivityKind kind, Timestamp *t, int64_t us)
{
    Activity a = ACTIVITY_INIT;

    *t = (Timestamp)TIMESTAMP_INIT;
    t->seconds = us / MOMENT_SECOND_US;
    a.event = event;
    a.kind = kind;
    a.occurred_at = t;
    return a;
}

Test(activity_rollup, counts_by_window_with_the_bounds_included)
{
    static const int days[] = {0, 7, 8, 28, 29, 90, 91, 4000};
    struct activity_rollup r;

    activity_rollup_init(&r, NOW);
    for (size_t i = 0; i < sizeof days / sizeof *days; i++) {
        Timestamp t;
        Activity a =
            at(ACTIVITY_EVENT_PAGE_VIEW, ACTIVITY_KIND_WEB, &t, NOW - days[i] * MOMENT_DAY_US);

        activity_rollup_add(&r, &a);
    }
    cr_assert_eq(r.n_event[ACTIVITY_EVENT_PAGE_VIEW][ROLLUP_7D], 2);
    cr_assert_eq(r.n_event[ACTIVITY_EVENT_PAGE_VIEW][ROLLUP_28D], 4);
    cr_assert_eq(r.n_event[ACTIVITY_EVENT_PAGE_VIEW][ROLLUP_90D], 6);
    cr_assert_eq(r.n_event[ACTIVITY_EVENT_PAGE_VIEW][ROLLUP_EVER], 8);
    cr_assert_eq(r.last_inbound_us, NOW);
    cr_assert_eq(r.first_inbound_us, NOW - 4000 * MOMENT_DAY_US);
}

Test(activity_rollup, order_does_not_matter_and_the_future_does_not_exist)
{
    struct activity_rollup up, down;
    Timestamp t[12];
    Activity list[12];

    for (int i = 0; i < 12; i++)
        list[i] = at((ActivityEvent)(i * 2 + 1), (ActivityKind)(i % ACTIVITY_KIND_N), &t[i],
                     NOW - (i - 3) * 9 * MOMENT_DAY_US);
    activity_rollup_init(&up, NOW);
    activity_rollup_init(&down, NOW);
    for (int i = 0; i < 12; i++) {
        activity_rollup_add(&up, &list[i]);
        activity_rollup_add(&down, &list[11 - i]);
    }
    cr_assert_eq(memcmp(&up, &down, sizeof up), 0);
    cr_assert_eq(up.n, 9); /* three lie in the future */
}

Test(activity_rollup, the_latest_reply_decides_and_notes_are_no_contact)
{
    struct activity_rollup r;
    Timestamp t;
    Activity_AttributesEntry entry = ACTIVITY_ATTRIBUTES_ENTRY_INIT, *entries = &entry;
    AttributeValue v = ATTRIBUTE_VALUE_INIT;
    Activity a = at(ACTIVITY_EVENT_EMAIL_REPLIED, ACTIVITY_KIND_EMAIL, &t, NOW - 5 * MOMENT_DAY_US);
    Activity note = at(ACTIVITY_EVENT_UNSPECIFIED, ACTIVITY_KIND_NOTE, &t, NOW - 5 * MOMENT_DAY_US);

    entry.key = (char *)"reply_class";
    entry.value = &v;
    v.kind_case = SALES__V1__ATTRIBUTE_VALUE__KIND_STRING_VALUE;
    v.string_value = (char *)"positive";
    a.attributes = &entries;
    a.n_attributes = 1;
    activity_rollup_init(&r, NOW);
    activity_rollup_add(&r, &note);
    cr_assert_eq(r.last_touch_us, ROLLUP_NEVER);
    activity_rollup_add(&r, &a);
    cr_assert_eq(r.last_reply, REPLY_CLASS_POSITIVE);
    t.seconds -= 86400;
    v.string_value = (char *)"negative";
    activity_rollup_add(&r, &a);
    cr_assert_eq(r.last_reply, REPLY_CLASS_POSITIVE);
    t.seconds += 3 * 86400;
    activity_rollup_add(&r, &a);
    cr_assert_eq(r.last_reply, REPLY_CLASS_NEGATIVE);
}

Test(activity_rollup, an_activity_without_any_time_is_left_out)
{
    struct activity_rollup r;
    Activity a = ACTIVITY_INIT;

    activity_rollup_init(&r, NOW);
    activity_rollup_add(&r, &a);
    cr_assert_eq(r.n, 0);
}
