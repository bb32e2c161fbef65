#include <criterion/criterion.h>

#include "ai/models.h"
#include "support/table.h"

enum { ARENA = 1 << 20 };

struct reading {
    const char *text, *insight, *summary; /* insight NULL: refused */
    size_t n;
};

static const struct reading READINGS[] = {
    {"", "", "", 0},
    {"claude-sonnet-5-5", "claude-sonnet-5-5", "claude-sonnet-5-5", 1},
    {" a , text.summary = b ", "a", "b", 2},
    {"text.summary=b,a", "a", "b", 2},
    {"text.summary=b", "", "b", 1},
    {"lead.insight=a,text.summary=a", "a", "a", 1},
    {"a,b", NULL, NULL, 0},
    {"text.summary=a,text.summary=b", NULL, NULL, 0},
    {"no.task=a", NULL, NULL, 0},
    {"text.summary=", NULL, NULL, 0},
    {"=a", NULL, NULL, 0},
    {"a,,b", NULL, NULL, 0},
    {"../models", NULL, NULL, 0},
    {"a b", NULL, NULL, 0},
    {"a?b", NULL, NULL, 0},
};

TABLE_TEST(ai_models, are_read_as_configured, struct reading, READINGS)
{
    struct ai_models m;
    struct call c;

    call_init(&c, NULL, ARENA);
    enum status s = ai_models_read(&c, row->text, &m);

    cr_assert_eq(s, row->insight ? STATUS_OK : STATUS_INVALID, "%s", row->text);
    cr_assert_eq(m.n, row->n, "%s", row->text);
    if (row->insight) {
        const char *insight = ai_models_of(&m, AI_TASK_LEAD_INSIGHT);
        const char *summary = ai_models_of(&m, AI_TASK_SUMMARY);

        cr_assert_str_eq(insight ? insight : "", row->insight);
        cr_assert_str_eq(summary ? summary : "", row->summary);
    }
    call_release(&c);
}
