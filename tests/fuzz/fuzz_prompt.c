/* Prompt files of an operator, and what is filled in. */
#include <math.h>

#include "ai/prompt.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static void fill(struct call *c, const struct prompt *p, str text)
{
    struct ai_input inputs[PROMPT_SLOTS_MAX];
    struct prompt_filled f;

    for (size_t i = 0; i < p->n_slots; i++)
        inputs[i] = (struct ai_input){p->slots[i].name, p->slots[i].kind, text, (double)text.n};
    if (prompt_fill(p, c, &(struct prompt_values){inputs, p->n_slots, text}, &f) == STATUS_OK &&
        !str_is_text(f.user))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    static const char platform_text[] = "version 1\n== system\nrules\n";
    struct prompt platform, p;
    struct call c;

    call_init(&c, NULL, 32 << 20);
    if (prompt_read(&c, "platform", STR(platform_text), NULL, &platform) == STATUS_OK &&
        prompt_read(&c, "own", (str){(const char *)data, n}, &platform, &p) == STATUS_OK) {
        fill(&c, &p, (str){(const char *)data, n});
        prompt_close(&p);
    }
    prompt_close(&platform);
    call_release(&c);
    return 0;
}
