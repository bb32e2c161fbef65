/* The chain and the gate, on providers that the test plays. */
#include <criterion/criterion.h>

#include "integration/enrich_gate.h"
#include "support/table.h"

#define SECOND INT64_C(1000000000)

enum { ARENA_BYTES = 1 << 20, MS = 1000000 };

/* A provider that answers what it is told to, and notes when it was asked. */
struct actor {
    struct enrich_provider base;
    struct enrich_result says;
    int64_t takes_ns;
    int n_asked, order;
};

static int64_t now_ns = SECOND;
static int n_asked;

static int64_t monotonic(const struct clock_ops *ops)
{
    (void)ops;
    return now_ns;
}

static const struct clock_ops hands = {.monotonic_ns = monotonic};

static void play(struct enrich_provider *self, struct call *c, const struct enrich_query *q,
                 struct enrich_result *out)
{
    struct actor *k = (struct actor *)self;

    (void)q;
    k->n_asked++;
    k->order = ++n_asked;
    cr_assert_gt(call_left_ns(c, SECOND), 0);
    now_ns += k->takes_ns;
    *out = k->says;
}

static const struct enrich_provider_ops plays = {.lookup = play};

static struct actor actor(const char *name, int priority, enum enrich_answer answer)
{
    return (struct actor){.base = {.ops = &plays,
                                   .name = name,
                                   .priority = priority,
                                   .about = ENRICH_PERSON | ENRICH_COMPANY,
                                   .where = ENRICH_OUTSIDE},
                          .says = {.answer = answer, .reason = enrich_answer_name(answer)}};
}

static void say(struct actor *k, const char *key, const char *value, double confidence)
{
    k->says.facts[k->says.n_facts++] = (struct enrich_fact){.key = key,
                                                            .value = value,
                                                            .type = ENRICH_TEXT,
                                                            .confidence = confidence,
                                                            .source = k->base.name,
                                                            .observed_at_us = 1};
}

static void ask(struct enrich_chain *k, enum enrich_where where, struct enrich_result *out)
{
    struct call c;

    call_init(&c, &hands, ARENA_BYTES);
    enrich_chain_ask(k, &c, where, &(struct enrich_query){.about = ENRICH_PERSON, .at_us = 1}, out);
    cr_assert_eq(c.deadline_ns, 0, "the call has its own deadline again");
    call_release(&c);
}

Test(enrich, facts_of_several_merge_by_confidence)
{
    struct actor a = actor("a", 2, ENRICH_OK), b = actor("b", 1, ENRICH_OK);
    struct enrich_chain chain = {.n = 0};
    struct enrich_result r;

    say(&a, "company.name", "of a", 0.9);
    say(&a, "company.city", "of a", 0.5);
    say(&b, "company.name", "of b", 0.7);
    say(&b, "company.city", "of b", 0.7);
    enrich_chain_add(&chain, &a.base);
    enrich_chain_add(&chain, &b.base);
    ask(&chain, ENRICH_OUTSIDE, &r);
    cr_assert_eq(r.answer, ENRICH_OK);
    cr_assert_eq(r.n_facts, 2);
    cr_assert_str_eq(r.facts[0].value, "of a");
    cr_assert_str_eq(r.facts[1].value, "of b");
    cr_assert_eq(b.order, 1, "by priority, whatever the order of adding");
    cr_assert_eq(a.order, 2);
}

/* clang-format off */
static const struct { enum enrich_answer first, second, together; } answers[] = {
    {ENRICH_NOT_FOUND, ENRICH_NOT_FOUND, ENRICH_NOT_FOUND},
    {ENRICH_OK,        ENRICH_FAILED,    ENRICH_OK},
    {ENRICH_FAILED,    ENRICH_OK,        ENRICH_OK},
    {ENRICH_NOT_FOUND, ENRICH_PENDING,   ENRICH_PENDING},
    {ENRICH_DENIED,    ENRICH_NOT_FOUND, ENRICH_DENIED},
    {ENRICH_LIMITED,   ENRICH_FAILED,    ENRICH_LIMITED},
};
/* clang-format on */

typedef __typeof__(answers[0]) answer_case;

TABLE_TEST(enrich, the_most_useful_answer_counts, answer_case, answers)
{
    struct actor a = actor("a", 1, row->first), b = actor("b", 2, row->second);
    struct enrich_chain chain = {.n = 0};
    struct enrich_result r;

    enrich_chain_add(&chain, &a.base);
    enrich_chain_add(&chain, &b.base);
    ask(&chain, ENRICH_OUTSIDE, &r);
    cr_assert_eq(r.answer, row->together, "%s", enrich_answer_name(r.answer));
}

Test(enrich, one_deadline_for_all)
{
    struct actor a = actor("a", 1, ENRICH_OK), b = actor("b", 2, ENRICH_OK);
    struct enrich_chain chain = {.deadline_ms = 100};
    struct enrich_result r;

    say(&a, "company.name", "of a", 0.9);
    a.takes_ns = 101 * MS;
    enrich_chain_add(&chain, &a.base);
    enrich_chain_add(&chain, &b.base);
    ask(&chain, ENRICH_OUTSIDE, &r);
    cr_assert_eq(a.n_asked, 1);
    cr_assert_eq(b.n_asked, 0, "there is no time left");
    cr_assert_eq(r.answer, ENRICH_OK);
}

Test(enrich, inside_is_not_outside)
{
    struct actor a = actor("a", 1, ENRICH_OK);
    struct enrich_chain chain = {.n = 0};
    struct enrich_result r;

    enrich_chain_add(&chain, &a.base);
    ask(&chain, ENRICH_INSIDE, &r);
    cr_assert_eq(a.n_asked, 0);
    cr_assert_eq(r.answer, ENRICH_NOT_FOUND);
}

/* The gate. */

static enum breaker_pass enter(struct enrich_gate *g, int64_t ns, int64_t *wait_ms,
                               const char **why)
{
    *why = "";
    return enrich_gate_enter(g, ns, wait_ms, why);
}

static void leave(struct enrich_gate *g, enum breaker_pass pass, int64_t ns,
                  enum enrich_answer answer, int64_t wait_ms)
{
    enrich_gate_leave(g, pass, ns, &(struct enrich_result){.answer = answer, .wait_ms = wait_ms});
}

Test(enrich_gate, a_quota_passes_so_many_a_minute)
{
    struct enrich_gate g;
    const char *why;
    int64_t wait_ms;
    int n = 0;

    enrich_gate_init(&g, 600);
    for (int64_t ns = SECOND; ns < 61 * SECOND; ns += 10 * MS) {
        enum breaker_pass pass = enter(&g, ns, &wait_ms, &why);

        if (pass == BREAKER_REFUSED) {
            cr_assert_str_eq(why, "ENRICH_QUOTA");
            cr_assert_gt(wait_ms, 0);
            cr_assert_leq(wait_ms, 101);
            continue;
        }
        n++;
        leave(&g, pass, ns, ENRICH_OK, 0);
    }
    cr_assert_geq(n, 600);
    cr_assert_leq(n, 600 + 61, "a burst of a tenth: %d", n);
    enrich_gate_release(&g);
}

Test(enrich_gate, a_limit_keeps_everybody_out_for_its_time)
{
    struct enrich_gate g;
    const char *why;
    int64_t wait_ms;

    enrich_gate_init(&g, 600);
    leave(&g, enter(&g, SECOND, &wait_ms, &why), SECOND, ENRICH_LIMITED, 5000);
    cr_assert_eq(enter(&g, 2 * SECOND, &wait_ms, &why), BREAKER_REFUSED);
    cr_assert_str_eq(why, "ENRICH_PAUSED");
    cr_assert_eq(wait_ms, 4001);
    cr_assert_eq(enter(&g, 6 * SECOND, &wait_ms, &why), BREAKER_PASSED);
    enrich_gate_release(&g);
}

Test(enrich_gate, a_provider_that_fails_is_left_alone_then_probed)
{
    struct enrich_gate g;
    const char *why;
    int64_t wait_ms, ns = SECOND;

    enrich_gate_init(&g, 100000);
    for (int i = 0; i < BREAKER_ENDS_MIN; i++, ns += MS)
        leave(&g, enter(&g, ns, &wait_ms, &why), ns, ENRICH_FAILED, 0);
    cr_assert_eq(enrich_gate_state(&g), BREAKER_OPEN);
    cr_assert_eq(enter(&g, ns, &wait_ms, &why), BREAKER_REFUSED);
    cr_assert_str_eq(why, "ENRICH_BREAKER");
    cr_assert_leq(wait_ms, BREAKER_PAUSE_NS / MS + 1);
    ns += BREAKER_PAUSE_NS + MS;
    cr_assert_eq(enter(&g, ns, &wait_ms, &why), BREAKER_PROBE);
    leave(&g, BREAKER_PROBE, ns, ENRICH_NOT_FOUND, 0);
    cr_assert_eq(enrich_gate_state(&g), BREAKER_CLOSED);
    enrich_gate_release(&g);
}
