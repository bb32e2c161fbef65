/* lifecycle: exactly the moves of the contract. */
#include "domain/lifecycle.h"
#include "support/table.h"

static unsigned count_legal(enum lifecycle_step step)
{
    struct precondition why;
    unsigned n = 0;

    for (int from = 0; from < LEAD_STATUS_N; from++)
        for (int to = 0; to < LEAD_STATUS_N; to++)
            n += lifecycle_check((LeadStatus)from, step, (LeadStatus)to, &why) == STATUS_OK;
    return n;
}

Test(lifecycle, only_a_qualified_lead_converts)
{
    struct precondition why;

    for (int from = 0; from < LEAD_STATUS_N; from++) {
        enum status s =
            lifecycle_check((LeadStatus)from, LIFECYCLE_CONVERT, LEAD_STATUS_CONVERTED, &why);

        cr_assert_eq(s == STATUS_OK, from == LEAD_STATUS_QUALIFIED);
        cr_assert_eq(why.type == NULL, s == STATUS_OK);
    }
    cr_assert_eq(count_legal(LIFECYCLE_CONVERT), 1);
}

Test(lifecycle, conversion_is_final_and_merging_is_left_by_undo_only)
{
    struct precondition why;

    for (int to = 0; to < LEAD_STATUS_N; to++) {
        cr_assert_neq(
            lifecycle_check(LEAD_STATUS_CONVERTED, LIFECYCLE_QUALIFY, (LeadStatus)to, &why),
            STATUS_OK);
        cr_assert_neq(lifecycle_check(LEAD_STATUS_CONVERTED, LIFECYCLE_MERGE, (LeadStatus)to, &why),
                      STATUS_OK);
        cr_assert_neq(lifecycle_check(LEAD_STATUS_MERGED, LIFECYCLE_QUALIFY, (LeadStatus)to, &why),
                      STATUS_OK);
    }
    cr_assert_eq(count_legal(LIFECYCLE_QUALIFY), 4 * 3);
    cr_assert_eq(count_legal(LIFECYCLE_MERGE), 4);
    cr_assert_eq(count_legal(LIFECYCLE_UNDO_MERGE), 4);
}

Test(lifecycle, a_refusal_says_what_would_satisfy_it)
{
    struct precondition why;

    cr_assert_eq(lifecycle_check(LEAD_STATUS_NEW, LIFECYCLE_CONVERT, LEAD_STATUS_CONVERTED, &why),
                 STATUS_PRECONDITION);
    cr_assert_str_eq(why.type, "LEAD_STATUS");
    cr_assert(str_eq(why.subject, STR("LEAD_STATUS_NEW")));
    cr_assert(strstr(why.text, "qualify") != NULL);
}
