#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>

#include "ai/local.h"
#include "ai/prompt.h"
#include "support/table.h"

enum { ARENA = 8 << 20 };

static const struct ai_message MESSAGE = {AI_USER, {"question", 8}};

static struct ai_request request(enum ai_task task, const struct ai_input *inputs, size_t n)
{
    return (struct ai_request){.task = task,
                               .model = "any",
                               .messages = &MESSAGE,
                               .n_messages = 1,
                               .inputs = inputs,
                               .n_inputs = n,
                               .max_tokens = 100};
}

/* Whether a JSON value is of the type that task.def names. */
static bool is_of(const json_t *v, str type)
{
    if (str_eq(type, STR("texts"))) {
        for (size_t i = 0; i < json_array_size(v); i++)
            if (!json_is_string(json_array_get(v, i)))
                return false;
        return json_is_array(v);
    }
    if (str_eq(type, STR("text")))
        return json_is_string(v);
    return str_eq(type, STR("integer")) ? json_is_integer(v) : json_is_number(v);
}

Test(ai_local, answers_every_task_without_any_input)
{
    for (enum ai_task t = 0; t < AI_TASKS; t++) {
        const struct ai_request q = request(t, NULL, 0);
        str fields = str_of(ai_task_fields(t));
        struct ai_response r;
        struct call c;
        size_t n = 0;

        call_init(&c, NULL, ARENA);
        cr_assert_eq(ai_send(ai_local(), &c, &q, &r), STATUS_OK);
        json_t *answer = json_loadb(r.text.p, r.text.n, 0, NULL);

        cr_assert(json_is_object(answer), "%s", ai_task_name(t));
        for (; fields.n; n++) {
            str type = str_cut(&fields, ' '), name = str_cut(&type, ':');
            const json_t *v = json_object_get(answer, arena_cstr(&c.arena, name));

            cr_assert(v && is_of(v, type), "%s: " STR_FMT, ai_task_name(t), STR_ARG(name));
        }
        cr_assert_eq(json_object_size(answer), n);
        cr_assert(r.is_local);
        json_decref(answer);
        call_release(&c);
    }
}

static const struct ai_input INPUTS[] = {
    {"company", AI_TEXT, {"Caf\xc3\xa9 \"X\"", 9}, 0},
    {"points", AI_NUMBER, {0}, 81},
    {"top_reason", AI_TEXT, {"asked for a demo", 16}, 0},
    {"second_reason", AI_TEXT, {0}, 0},                 /* missing */
    {"third_reason", AI_TEXT, {"{points} <b>", 12}, 0}, /* a value is no template */
};

Test(ai_local, fills_the_first_sentence_that_has_all_slots_the_same_way_each_time)
{
    static const char WANT[] =
        "{\"insight\":\"Caf\xc3\xa9 \\\"X\\\" scores 81 points; what counts most: asked for a "
        "demo.\","
        "\"adjustment\":0,\"confidence\":0,\"evidence\":[\"asked for a demo\",\"{points} <b>\"]}";
    const struct ai_request q =
        request(AI_TASK_LEAD_INSIGHT, INPUTS, sizeof INPUTS / sizeof *INPUTS);

    for (int i = 0; i < 3; i++) {
        struct ai_response r;
        struct call c;

        call_init(&c, NULL, ARENA);
        cr_assert_eq(ai_send(ai_local(), &c, &q, &r), STATUS_OK);
        cr_assert_eq(r.text.n, sizeof WANT - 1);
        cr_assert_arr_eq(r.text.p, WANT, r.text.n, STR_FMT, STR_ARG(r.text));
        cr_assert(str_eq(r.received, r.text));
        call_release(&c);
    }
}

Test(ai_local, leaves_out_numbers_that_are_none)
{
    const struct ai_input inputs[] = {{"points", AI_NUMBER, {0}, NAN}};
    const struct ai_request q = request(AI_TASK_LEAD_INSIGHT, inputs, 1);
    struct ai_response r;
    struct call c;

    call_init(&c, NULL, ARENA);
    cr_assert_eq(ai_send(ai_local(), &c, &q, &r), STATUS_OK);
    cr_assert(str_starts(r.text, STR("{\"insight\":\"Too little is known")));
    call_release(&c);
}

/* All slots of a prompt as long as they may be. */
static void fill_up(struct call *c, const struct prompt *p, struct ai_input *out)
{
    for (size_t i = 0; i < p->n_slots; i++) {
        const struct prompt_slot *s = &p->slots[i];
        char *text = arena_take(&c->arena, s->max_bytes + 1);

        for (size_t k = 0; k < s->max_bytes; k++)
            text[k] = "\xc3\xa4"[k % 2]; /* two bytes each */
        out[i] =
            (struct ai_input){s->name, s->kind, {text, s->kind ? 0 : s->max_bytes & ~1u}, 1e300};
    }
}

Test(ai_local, keeps_to_the_schemas_of_the_prompts_whatever_the_inputs)
{
    struct prompts *prompts;
    struct call c;

    call_init(&c, NULL, 4 * ARENA);
    cr_assert_eq(prompts_open(&c, "", &prompts), STATUS_OK, "%s", c.fault.why);
    for (enum ai_task t = 0; t < AI_TASKS; t++) {
        const struct prompt *p = prompts_get(prompts, t);
        struct ai_input inputs[PROMPT_SLOTS_MAX];

        fill_up(&c, p, inputs);
        for (size_t n = 0; n <= p->n_slots; n++) {
            const struct ai_request q = request(t, inputs, n);
            struct schema_result result;
            struct ai_response r;

            cr_assert_eq(ai_send(ai_local(), &c, &q, &r), STATUS_OK);
            cr_assert_eq(schema_check(p->schema, &c, r.text, &result), STATUS_OK);
            cr_assert_eq(result.n_problems, 0u, "%s: %s %s: " STR_FMT, p->name,
                         result.problems[0].path, result.problems[0].rule, STR_ARG(r.text));
        }
    }
    prompts_close(prompts);
    call_release(&c);
}

static const str BAD_TEXT = {"\xff\xfe", 2};

struct refused {
    const char *name;
    struct ai_request request;
};

#define Q .model = "m", .messages = &MESSAGE, .n_messages = 1, .max_tokens = 1
static const struct ai_message ASSISTANT = {AI_ASSISTANT, {"x", 1}}, EMPTY = {AI_USER, {0}};
static const struct refused REFUSED[] = {
    {"no model", {.messages = &MESSAGE, .n_messages = 1, .max_tokens = 1}},
    {"no message", {.model = "m", .max_tokens = 1}},
    {"last is assistant", {.model = "m", .messages = &ASSISTANT, .n_messages = 1, .max_tokens = 1}},
    {"empty message", {.model = "m", .messages = &EMPTY, .n_messages = 1, .max_tokens = 1}},
    {"no tokens", {.model = "m", .messages = &MESSAGE, .n_messages = 1}},
    {"too many tokens",
     {.model = "m", .messages = &MESSAGE, .n_messages = 1, .max_tokens = AI_TOKENS_MAX + 1}},
    {"no UTF-8", {Q, .system = &BAD_TEXT, .n_system = 1}},
    {"stable blocks", {Q, .n_stable = 1}},
    {"task", {Q, .task = AI_TASKS}},
};

TABLE_TEST(ai_request, out_of_bounds_is_refused, struct refused, REFUSED)
{
    struct ai_response r;
    struct call c;

    call_init(&c, NULL, ARENA);
    cr_assert_eq(ai_send(ai_local(), &c, &row->request, &r), STATUS_INVALID, "%s", row->name);
    call_release(&c);
}

Test(ai_error, every_error_says_a_reason_of_its_own)
{
    for (enum ai_error e = AI_OK + 1; e < AI_ERRORS; e++)
        for (enum ai_error o = AI_OK + 1; o < e; o++) {
            cr_assert_str_neq(ai_error_row(e)->reason, ai_error_row(o)->reason);
            cr_assert(!ai_error_row(e)->http || ai_error_row(e)->http != ai_error_row(o)->http);
        }
}
