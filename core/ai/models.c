/* Named tasks are written as they come, the model of all others at the end. */
#include "ai/models.h"

static bool is_letter(char b)
{
    return (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z');
}

static bool is_id(str s)
{
    static const char SIGNS[] = "-._:@";

    for (size_t i = 0; i < s.n; i++)
        if (!is_letter(s.p[i]) && (!s.p[i] || !strchr(SIGNS, s.p[i])))
            return false;
    return s.n && s.n < AI_MODEL_BYTES && is_letter(s.p[0]) && is_letter(s.p[s.n - 1]);
}

static void set(char out[AI_MODEL_BYTES], str id)
{
    memcpy(out, id.p, id.n);
    out[id.n] = '\0';
}

static void list(struct ai_models *m)
{
    for (enum ai_task t = 0; t < AI_TASKS; t++) {
        size_t i = 0;

        while (i < m->n && strcmp(m->all[i], m->of_task[t]) != 0)
            i++;
        if (i == m->n && m->of_task[t][0])
            m->all[m->n++] = m->of_task[t];
    }
}

enum status ai_models_read(struct call *c, const char *text, struct ai_models *out)
{
    str rest = str_of(text), all = {0};

    *out = (struct ai_models){0};
    while (rest.n) {
        str entry = str_trim(str_cut(&rest, ',')), id = entry, name = str_trim(str_cut(&id, '='));
        bool is_all = name.n == entry.n;
        enum ai_task task = AI_TASK_LEAD_INSIGHT;

        id = is_all ? entry : str_trim(id);
        if (!is_id(id) || (is_all ? all.n > 0 : !ai_task_parse(name, &task)) ||
            (!is_all && out->of_task[task][0])) {
            *out = (struct ai_models){0};
            return call_fail_as(c, STATUS_INVALID, "AI_MODELS",
                                "\"" STR_FMT "\" is neither MODEL nor TASK=MODEL, or comes twice",
                                STR_ARG(entry));
        }
        if (is_all)
            all = id;
        else
            set(out->of_task[task], id);
    }
    for (enum ai_task t = 0; t < AI_TASKS && all.n; t++)
        if (!out->of_task[t][0])
            set(out->of_task[t], all);
    list(out);
    return STATUS_OK;
}

const char *ai_models_of(const struct ai_models *m, enum ai_task task)
{
    return m->of_task[task][0] ? m->of_task[task] : NULL;
}
