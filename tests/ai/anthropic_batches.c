/* Batches and the life of models, against the stand-in. */
#include <unistd.h>

#include "ai/batch.h"
#include "ai/desk.h"

static struct standin standin;

static struct ai_provider *open_plain(void)
{
    const struct anthropic_options o = desk_options(standin.url);

    return desk_open(&o);
}

/* Results of a batch, by the number in their keys. */
struct results {
    int n[AI_BATCH_EXPIRED + 1], n_in_order, n_seen, n_bad;
};

static enum status take_result(void *self, const struct ai_batch_result *r)
{
    struct results *all = self;

    long long number = -1;

    all->n_bad += !str_to_int64(str_sub(r->key, sizeof "item-" - 1, r->key.n), &number);
    all->n_in_order += number == all->n_seen;
    all->n_seen++;
    all->n[r->outcome]++;
    all->n_bad +=
        r->outcome == AI_BATCH_SUCCEEDED
            ? r->response.error || r->response.text.p[0] != '{' || !r->response.usage.input
            : !r->response.error;
    return STATUS_OK;
}

static str create_batch(struct ai_provider *p, struct call *c, int n)
{
    static const char *const MARKS[] = {"", "", "<<batch:errored>>", "<<batch:expired>>"};
    struct ai_batch_item *items = NEW(&c->arena, struct ai_batch_item, (size_t)n);
    struct ai_message *messages = NEW(&c->arena, struct ai_message, (size_t)n);
    str id;

    for (int i = 0; i < n; i++) {
        messages[i] = (struct ai_message){
            AI_USER, str_of(arena_printf(&c->arena, "question %d %s", i, MARKS[i % 4]))};
        items[i] = (struct ai_batch_item){arena_printf(&c->arena, "item-%d", i),
                                          desk_request(&messages[i])};
    }
    EXPECT(ai_batch_create(p, c, items, (size_t)n, &id) == STATUS_OK, "%s", c->fault.why);
    items[0].key = "item-1";
    str none;

    EXPECT(ai_batch_create(p, c, items, (size_t)n, &none) == STATUS_INVALID, "a key twice");
    call_clear(c);
    return id;
}

static void batches_come_back_in_any_order(void)
{
    enum { ITEMS = 40 };
    struct ai_provider *p = open_plain();
    struct ai_batch_view view = {0};
    struct results all = {0};
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    str id = create_batch(p, &c, ITEMS);

    EXPECT(ai_batch_results(p, &c, id, take_result, &all) != STATUS_OK, "not yet");
    EXPECT(all.n_seen == 0, "%d", all.n_seen);
    call_clear(&c);
    for (int i = 0; i < 100 && view.state != AI_BATCH_ENDED; i++) {
        usleep(20000);
        EXPECT(ai_batch_look(p, &c, id, &view) == STATUS_OK, "%s", c.fault.why);
    }
    EXPECT(view.n_succeeded == ITEMS / 2 && view.n_errored == ITEMS / 4 &&
               view.n_expired == ITEMS / 4,
           "%d", (int)view.n_succeeded);
    EXPECT(ai_batch_results(p, &c, id, take_result, &all) == STATUS_OK, "%s", c.fault.why);
    EXPECT(all.n_seen == ITEMS && all.n[AI_BATCH_SUCCEEDED] == ITEMS / 2 &&
               all.n[AI_BATCH_ERRORED] == ITEMS / 4 && all.n[AI_BATCH_EXPIRED] == ITEMS / 4,
           "%d results", all.n_seen);
    EXPECT(all.n_bad == 0 && all.n_in_order < ITEMS, "%d bad, %d in order", all.n_bad,
           all.n_in_order);
    EXPECT(ai_batch_look(p, &c, STR("msgbatch_none"), &view) == STATUS_UNAVAILABLE, "none");
    call_clear(&c);
    EXPECT(ai_batch_look(p, &c, STR("../models"), &view) == STATUS_INVALID, "no id");
    ai_close(p);
    call_release(&c);
}

static void a_batch_can_be_cancelled(void)
{
    struct ai_provider *p = open_plain();
    struct ai_batch_view view;
    struct results all = {0};
    struct call c;

    call_init(&c, NULL, DESK_ARENA);
    standin_admin(&standin, &c, "/anthropic/batch", "{\"ms\":60000}");
    str id = create_batch(p, &c, 8);

    EXPECT(ai_batch_cancel(p, &c, id, &view) == STATUS_OK, "%s", c.fault.why);
    EXPECT(view.state == AI_BATCH_CANCELLING, "%d", view.state);
    for (int i = 0; i < 100 && view.state != AI_BATCH_ENDED; i++) {
        usleep(20000);
        EXPECT(ai_batch_look(p, &c, id, &view) == STATUS_OK, "%s", c.fault.why);
    }
    EXPECT(ai_batch_results(p, &c, id, take_result, &all) == STATUS_OK, "%s", c.fault.why);
    EXPECT(all.n[AI_BATCH_CANCELLED] == 8, "%d", all.n[AI_BATCH_CANCELLED]);
    ai_close(p);
    call_release(&c);
}

static void models_are_known_to_live_age_or_be_gone(void)
{
    static const char *const models[] = {"claude-sonnet-5-5", "claude-sonnet-4-5",
                                         "claude-3-5-sonnet-20241022"};
    struct anthropic_options o = desk_options(standin.url);
    struct anthropic_model out[3];
    struct call c;

    o.models = models;
    o.n_models = 3;
    struct ai_provider *p = desk_open(&o);

    call_init(&c, NULL, DESK_ARENA);
    EXPECT(anthropic_check_models(p, &c, out) == STATUS_OK, "%s", c.fault.why);
    EXPECT(out[0].is_known && out[0].life == ANTHROPIC_ACTIVE, "active");
    EXPECT(out[1].is_known && out[1].life == ANTHROPIC_DEPRECATED &&
               strcmp(out[1].retires_at, "2026-11-30T00:00:00Z") == 0,
           "%s", out[1].retires_at);
    EXPECT(out[2].is_known && out[2].life == ANTHROPIC_RETIRED, "retired");
    call_release(&c);
    ai_close(p);
}

int main(void)
{
    static void (*const TESTS[])(void) = {
        batches_come_back_in_any_order,
        a_batch_can_be_cancelled,
        models_are_known_to_live_age_or_be_gone,
    };

    standin_start(&standin);
    for (size_t i = 0; i < sizeof TESTS / sizeof *TESTS; i++)
        TESTS[i]();
    standin_stop(&standin);
    printf("%d complaints\n", atomic_load(&desk_n_bad));
    return atomic_load(&desk_n_bad) != 0;
}
