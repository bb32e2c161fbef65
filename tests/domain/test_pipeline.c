/* pipeline: definitions, moves, guards, reasons, history. */
#include "domain/moment.h"
#include "domain/pipeline.h"
#include "support/table.h"

#define NOW (INT64_C(1750000000) * MOMENT_SECOND_US) /* 2025-06-15 */

static struct arena arena;

static void setup(void)
{
    arena_init(&arena, 1 << 22);
}

static void teardown(void)
{
    arena_release(&arena);
}

TestSuite(pipeline, .init = setup, .fini = teardown);

/* A deal in discovery with everything that the default pipeline's guards ask for. */
static Deal *full_deal(void)
{
    Deal *d = NEW(&arena, Deal, 1);
    Money *m = NEW(&arena, Money, 1);
    DealContact **contacts = NEW(&arena, DealContact *, 1);

    *d = (Deal)DEAL_INIT;
    *m = (Money)MONEY_INIT;
    contacts[0] = NEW(&arena, DealContact, 1);
    *contacts[0] = (DealContact)DEAL_CONTACT_INIT;
    m->amount_minor = 500000;
    m->currency_code = arena_cstr(&arena, STR("EUR"));
    d->amount = m;
    d->expected_close_date = arena_cstr(&arena, STR("2025-09-30"));
    d->next_step = arena_cstr(&arena, STR("send the offer"));
    d->contacts = contacts;
    d->n_contacts = 1;
    d->stage = arena_cstr(&arena, STR("discovery"));
    d->stage_kind = STAGE_KIND_OPEN;
    return d;
}

static struct pipeline_step to(const char *stage)
{
    return (struct pipeline_step){
        .to_stage = stage, .note = "", .now_us = NOW, .occurred_us = NOW, .roles = 1 << ROLE_REP};
}

static CloseReason *reason(const char *code, const char *competitor)
{
    CloseReason *r = NEW(&arena, CloseReason, 1);

    *r = (CloseReason)CLOSE_REASON_INIT;
    r->code = arena_cstr(&arena, str_of(code));
    r->competitor = arena_cstr(&arena, str_of(competitor));
    return r;
}

static void move(Deal *d, struct pipeline_step step)
{
    struct pipeline_verdict v;
    enum status s = pipeline_check_move(&arena, pipeline_default(), d, &step, &v);

    cr_assert_eq(s, STATUS_OK, "%s: %s", step.to_stage, s ? v.failures[0].text : "");
    cr_assert_eq(pipeline_move(&arena, d, &step, &v), STATUS_OK);
}

Test(pipeline, the_default_is_a_valid_definition)
{
    struct pipeline_problem problems[PIPELINE_FAILURES_MAX];
    size_t n;
    enum status s = pipeline_validate(&arena, pipeline_default(), problems, &n);

    cr_assert_eq(s, STATUS_OK, "%s %s", n ? problems[0].field : "", n ? problems[0].why.text : "");
    cr_assert_eq(n, 0);
    cr_assert_str_eq(pipeline_first(pipeline_default())->key, "discovery");
    cr_assert(protobuf_c_message_check(&pipeline_default()->base));
}

struct move_case {
    const char *from, *to;
    bool reopen, legal;
};

static const struct move_case moves[] = {
    {"discovery", "proposal", false, true},     {"discovery", "commitment", false, true},
    {"discovery", "discovery", false, false},   {"discovery", "won", false, true},
    {"commitment", "negotiation", false, true}, {"commitment", "discovery", false, false},
    {"negotiation", "lost", false, true},       {"won", "lost", false, false},
    {"won", "negotiation", false, false},       {"won", "negotiation", true, true},
    {"lost", "discovery", true, true},          {"lost", "won", true, false},
    {"proposal", "negotiation", true, false},
};

TABLE_TEST(pipeline, moves_are_rows_and_nothing_else, struct move_case, moves)
{
    struct pipeline_verdict v;
    struct pipeline_step step = to(row->to);
    Deal *d = full_deal();
    const Stage *from = pipeline_stage(pipeline_default(), row->from);

    d->stage = from->key;
    d->stage_kind = from->kind;
    step.reopen = row->reopen;
    step.reason = strcmp(row->to, "won") == 0 ? reason("best_fit", "") : reason("price", "");
    enum status s = pipeline_check_move(&arena, pipeline_default(), d, &step, &v);

    cr_assert_eq(s, row->legal ? STATUS_OK : STATUS_PRECONDITION, "%s -> %s: %s", row->from,
                 row->to, v.n_failures ? v.failures[0].text : "");
    if (!row->legal)
        cr_assert_str_eq(v.failures[0].type, "STAGE_MOVE");
}

static bool has_failure(const struct pipeline_verdict *v, const char *type, const char *subject)
{
    for (size_t i = 0; i < v->n_failures; i++)
        if (strcmp(v->failures[i].type, type) == 0 &&
            str_eq(v->failures[i].subject, str_of(subject)))
            return *v->failures[i].text != 0;
    return false;
}

Test(pipeline, every_failed_guard_is_named_at_once_also_those_jumped_over)
{
    struct pipeline_verdict v;
    struct pipeline_step step = to("commitment");
    Deal *d = full_deal();

    d->amount = NULL;
    d->n_contacts = 0;
    d->expected_close_date = arena_cstr(&arena, STR("2025-01-01"));
    cr_assert_eq(pipeline_check_move(&arena, pipeline_default(), d, &step, &v),
                 STATUS_PRECONDITION);
    cr_assert_eq(v.n_failures, 3);
    cr_assert(has_failure(&v, "STAGE_GUARD", "amount"));     /* of proposal, jumped over */
    cr_assert(has_failure(&v, "STAGE_GUARD", "contact"));    /* of negotiation, jumped over */
    cr_assert(has_failure(&v, "STAGE_GUARD", "date_ahead")); /* of commitment itself */
}

struct reason_case {
    const char *to, *code, *competitor;
    bool ok;
};

static const struct reason_case reasons[] = {
    {"won", "", "", false},
    {"won", "best_fit", "", true},
    {"won", "price", "", false},
    {"lost", "", "", false},
    {"lost", "price", "", true},
    {"lost", "best_fit", "", false},
    {"lost", "competitor", "", false},
    {"lost", "competitor", "Globex", true},
    {"lost", "because", "", false},
};

TABLE_TEST(pipeline, closing_needs_a_reason_of_the_right_kind, struct reason_case, reasons)
{
    struct pipeline_verdict v;
    struct pipeline_step step = to(row->to);

    step.reason = *row->code ? reason(row->code, row->competitor) : NULL;
    enum status s = pipeline_check_move(&arena, pipeline_default(), full_deal(), &step, &v);

    cr_assert_eq(s, row->ok ? STATUS_OK : STATUS_PRECONDITION, "%s %s", row->to, row->code);
    if (!row->ok)
        cr_assert_str_eq(v.failures[0].type, "CLOSE_REASON");
}

Test(pipeline, an_unknown_stage_is_told_which_there_are)
{
    struct pipeline_verdict v;
    struct pipeline_step step = to("nirvana");

    cr_assert_eq(pipeline_check_move(&arena, pipeline_default(), full_deal(), &step, &v),
                 STATUS_INVALID);
    cr_assert(strstr(v.failures[0].text, "negotiation") != NULL);
}

Test(pipeline, a_disqualified_lead_cannot_be_won)
{
    struct pipeline_verdict v;
    struct pipeline_step step = to("won");

    step.reason = reason("best_fit", "");
    step.lead_disqualified = true;
    cr_assert_eq(pipeline_check_move(&arena, pipeline_default(), full_deal(), &step, &v),
                 STATUS_PRECONDITION);
    cr_assert(has_failure(&v, "STAGE_GUARD", "lead"));
}

Test(pipeline, a_life_from_begin_to_reopen_leaves_every_move_in_the_history)
{
    static const StageChangeKind kinds[] = {STAGE_CHANGE_KIND_CREATED, STAGE_CHANGE_KIND_FORWARD,
                                            STAGE_CHANGE_KIND_BACK, STAGE_CHANGE_KIND_CLOSED,
                                            STAGE_CHANGE_KIND_REOPENED};
    struct pipeline_verdict v;
    struct pipeline_step step = to("");
    Deal *d = full_deal();

    d->stage = (char *)protobuf_c_empty_string;
    cr_assert_eq(pipeline_begin(&arena, pipeline_default(), d, &step, &v), STATUS_OK);
    cr_assert_str_eq(d->stage, "discovery");
    move(d, to("negotiation"));
    move(d, to("proposal"));
    step = to("lost");
    step.reason = reason("price", "");
    step.occurred_us = step.now_us = NOW + MOMENT_DAY_US;
    move(d, step);
    cr_assert_eq(d->stage_kind, STAGE_KIND_LOST);
    cr_assert_eq(moment_us(d->closed_at, 0), NOW + MOMENT_DAY_US);
    cr_assert_str_eq(d->close_reason->code, "price");
    step = to("proposal");
    step.reopen = true;
    step.occurred_us = step.now_us = NOW + 2 * MOMENT_DAY_US;
    move(d, step);
    cr_assert_null(d->closed_at);
    cr_assert_null(d->close_reason);
    cr_assert_eq(d->n_history, 5);
    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(d->history[i]->kind, kinds[i], "entry %zu", i);
        cr_assert_str_eq(d->history[i]->from_stage, i ? d->history[i - 1]->to_stage : "");
        cr_assert_eq(d->history[i]->amount->amount_minor, 500000);
    }
}

Test(pipeline, event_time_may_be_past_but_neither_future_nor_before_the_last_move)
{
    struct pipeline_verdict v;
    struct pipeline_step step = to("proposal");
    Deal *d = full_deal();

    move(d, step);
    step = to("negotiation");
    step.occurred_us = NOW - 1;
    cr_assert_eq(pipeline_check_move(&arena, pipeline_default(), d, &step, &v),
                 STATUS_PRECONDITION);
    cr_assert(has_failure(&v, "EVENT_TIME", "occurred_at"));
    step.occurred_us = NOW + MOMENT_DAY_US;
    cr_assert_eq(pipeline_check_move(&arena, pipeline_default(), d, &step, &v),
                 STATUS_PRECONDITION);
    step.now_us = NOW + 2 * MOMENT_DAY_US;
    move(d, step);
    cr_assert_eq(moment_us(d->stage_time, 0), NOW + MOMENT_DAY_US);
    cr_assert_eq(moment_us(d->history[1]->recorded_at, 0), NOW + 2 * MOMENT_DAY_US);
}

static StageChange *entry(const char *from, const char *stage, int64_t day)
{
    StageChange *c = NEW(&arena, StageChange, 1);

    *c = (StageChange)STAGE_CHANGE_INIT;
    c->from_stage = arena_cstr(&arena, str_of(from));
    c->to_stage = arena_cstr(&arena, str_of(stage));
    c->occurred_at = moment_new(&arena, NOW - day * MOMENT_DAY_US);
    return c;
}

Test(pipeline, a_past_is_put_in_order_and_taken_over)
{
    struct pipeline_verdict v;
    struct pipeline_step step = to("");
    Deal *d = full_deal();
    StageChange *past[] = {entry("proposal", "won", 1), entry("", "discovery", 30),
                           entry("discovery", "proposal", 9)};

    d->stage = (char *)protobuf_c_empty_string;
    d->history = past;
    d->n_history = 3;
    cr_assert_eq(pipeline_begin(&arena, pipeline_default(), d, &step, &v), STATUS_PRECONDITION);
    cr_assert_str_eq(v.failures[0].type, "CLOSE_REASON");
    d->close_reason = reason("best_fit", "");
    cr_assert_eq(pipeline_begin(&arena, pipeline_default(), d, &step, &v), STATUS_OK);
    cr_assert_str_eq(d->stage, "won");
    cr_assert_eq(moment_us(d->closed_at, 0), NOW - MOMENT_DAY_US);
    cr_assert_eq(d->history[0]->kind, STAGE_CHANGE_KIND_CREATED);
    cr_assert_eq(d->history[2]->kind, STAGE_CHANGE_KIND_CLOSED);
}

Test(pipeline, a_past_with_a_gap_or_in_the_future_is_refused)
{
    struct pipeline_verdict v;
    struct pipeline_step step = to("");
    Deal *d = full_deal();
    StageChange *gap[] = {entry("", "discovery", 30), entry("proposal", "negotiation", 9)};
    StageChange *future[] = {entry("", "discovery", -2)};

    d->stage = (char *)protobuf_c_empty_string;
    d->history = gap;
    d->n_history = 2;
    cr_assert_eq(pipeline_begin(&arena, pipeline_default(), d, &step, &v), STATUS_PRECONDITION);
    cr_assert(has_failure(&v, "HISTORY", "negotiation"));
    d->history = future;
    d->n_history = 1;
    cr_assert_eq(pipeline_begin(&arena, pipeline_default(), d, &step, &v), STATUS_PRECONDITION);
    cr_assert(has_failure(&v, "EVENT_TIME", "discovery"));
}

Test(pipeline, a_deal_rots_by_its_stage_and_a_closed_one_does_not)
{
    Deal *d = full_deal();

    d->stage_time = moment_new(&arena, NOW);
    cr_assert_not(pipeline_is_rotting(pipeline_default(), d, NOW + 30 * MOMENT_DAY_US));
    cr_assert(pipeline_is_rotting(pipeline_default(), d, NOW + 30 * MOMENT_DAY_US + 1));
    d->stage = arena_cstr(&arena, STR("won"));
    cr_assert_not(pipeline_is_rotting(pipeline_default(), d, NOW + 900 * MOMENT_DAY_US));
    cr_assert_eq(pipeline_category(pipeline_default(), d), FORECAST_CATEGORY_CLOSED);
    d->category = FORECAST_CATEGORY_COMMIT;
    cr_assert_eq(pipeline_category(pipeline_default(), d), FORECAST_CATEGORY_CLOSED);
    d->stage = arena_cstr(&arena, STR("discovery"));
    cr_assert_eq(pipeline_category(pipeline_default(), d), FORECAST_CATEGORY_COMMIT);
    cr_assert_float_eq(pipeline_chance(pipeline_default(), d), 0.10, 1e-9);
}

/* A private copy of the default that a test may break. */
static Pipeline *copy_of_default(void)
{
    size_t n = protobuf_c_message_get_packed_size(&pipeline_default()->base);
    uint8_t *bytes = arena_take(&arena, n);

    protobuf_c_message_pack(&pipeline_default()->base, bytes);
    return (Pipeline *)protobuf_c_message_unpack(&sales__v1__pipeline__descriptor, NULL, n, bytes);
}

static void expect_problem(const Pipeline *p, const char *rule)
{
    struct pipeline_problem problems[PIPELINE_FAILURES_MAX];
    size_t n, i = 0;

    cr_assert_eq(pipeline_validate(&arena, p, problems, &n), STATUS_INVALID, "%s", rule);
    while (i < n && strcmp(problems[i].why.rule, rule) != 0)
        i++;
    cr_assert_lt(i, n, "%s is not among %zu problems, the first is %s", rule, n,
                 problems[0].why.rule);
}

Test(pipeline, broken_definitions_are_told_what_is_wrong)
{
    Pipeline *p = copy_of_default();

    p->stages[1]->key = p->stages[0]->key;
    expect_problem(p, "stage.key");
    p = copy_of_default();
    p->stages[4]->kind = STAGE_KIND_OPEN;
    expect_problem(p, "stage.kinds");
    p = copy_of_default();
    p->stages[0]->kind = STAGE_KIND_LOST;
    expect_problem(p, "stage.first");
    p = copy_of_default();
    p->stages[4]->probability = 0.9;
    expect_problem(p, "stage.probability");
    p = copy_of_default();
    p->n_moves = 1;
    expect_problem(p, "stage.reach");
    p = copy_of_default();
    p->moves[17]->reopen = false;
    expect_problem(p, "move.reopen");
    p = copy_of_default();
    p->moves[1]->to_stage = p->moves[0]->to_stage;
    expect_problem(p, "move.double");
    p = copy_of_default();
    p->moves[0]->to_stage = p->name;
    expect_problem(p, "move.stage");
    p = copy_of_default();
    p->n_reasons = 5;
    expect_problem(p, "reason.kinds");
    p = copy_of_default();
    p->stages[1]->guards[1]->argument = p->name;
    expect_problem(p, "guard.field");
    p = copy_of_default();
    p->n_stages = 2;
    expect_problem(p, "pipeline.size");
}

Test(pipeline, a_move_may_be_kept_for_some_roles)
{
    struct pipeline_verdict v;
    struct pipeline_step step = to("proposal");
    Pipeline *p = copy_of_default();
    Role managers[] = {ROLE_MANAGER};

    p->moves[0]->roles = managers;
    p->moves[0]->n_roles = 1;
    cr_assert_eq(pipeline_check_move(&arena, p, full_deal(), &step, &v), STATUS_PRECONDITION);
    cr_assert_str_eq(v.failures[0].type, "STAGE_ROLE");
    step.roles = 1u << ROLE_MANAGER;
    cr_assert_eq(pipeline_check_move(&arena, p, full_deal(), &step, &v), STATUS_OK);
}

Test(pipeline, guards_count_activities_and_contacts)
{
    struct pipeline_verdict v;
    struct pipeline_step step = to("negotiation");
    Pipeline *p = copy_of_default();
    Deal *d = full_deal();
    StageGuard *g = p->stages[2]->guards[0];

    g->kind = GUARD_KIND_ACTIVITY_LOGGED;
    g->argument = arena_cstr(&arena, STR("meeting"));
    g->minimum = 2;
    step.n_activities[ACTIVITY_KIND_MEETING] = 1;
    cr_assert_eq(pipeline_check_move(&arena, p, d, &step, &v), STATUS_PRECONDITION);
    step.n_activities[ACTIVITY_KIND_MEETING] = 2;
    cr_assert_eq(pipeline_check_move(&arena, p, d, &step, &v), STATUS_OK);
    g->kind = GUARD_KIND_CONTACT_WITH_ROLE;
    g->argument = arena_cstr(&arena, STR("economic_buyer"));
    cr_assert_eq(pipeline_check_move(&arena, p, d, &step, &v), STATUS_PRECONDITION);
    d->contacts[0]->role = BUYING_ROLE_ECONOMIC_BUYER;
    cr_assert_eq(pipeline_check_move(&arena, p, d, &step, &v), STATUS_OK);
    g->kind = (GuardKind)99;
    cr_assert_eq(pipeline_check_move(&arena, p, d, &step, &v), STATUS_PRECONDITION);
}
