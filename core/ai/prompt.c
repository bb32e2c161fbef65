/* The set: what the program brings, file by file replaced by what the directory has. */
#include "ai/prompt.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "ai/prompt_file.h"
#include "base/banned.h"

struct prompts {
    struct prompt platform, tasks[AI_TASKS];
};

static const char platform_name[] = "platform", suffix[] = ".prompt";

/* The file of the directory into the arena; *out stays when it is not there. */
static enum status read_file(struct call *c, const char *directory, const char *name, str *out)
{
    char *path = arena_printf(&c->arena, "%s/%s%s", directory, name, suffix);
    char *text = arena_take(&c->arena, PROMPT_FILE_BYTES + 1);
    FILE *f;
    size_t n;

    if (!path || !text)
        return call_nomem(c);
    if (!(f = fopen(path, "re")))
        return STATUS_OK;
    n = fread(text, 1, PROMPT_FILE_BYTES + 1, f);
    if (ferror(f)) {
        (void)fclose(f);
        return call_fail_as(c, STATUS_INVALID, "AI_PROMPT", "prompt %s cannot be read", name);
    }
    (void)fclose(f);
    *out = (str){text, n};
    return STATUS_OK;
}

static bool is_known(str name)
{
    for (size_t i = 0; i < n_prompt_files; i++)
        if (str_eq(name, str_of(prompt_files[i].name)))
            return true;
    return false;
}

/* A file that nothing reads is a mistake of whoever put it there. */
static enum status check_directory(struct call *c, const char *directory)
{
    DIR *d = opendir(directory);
    const struct dirent *e;
    enum status s = STATUS_OK;

    if (!d)
        return call_fail_as(c, STATUS_INVALID, "AI_PROMPT",
                            "the directory of prompts cannot be read");
    while (s == STATUS_OK && (e = readdir(d))) { // NOLINT(concurrency-mt-unsafe): a stream of ours
        str name = str_of(e->d_name);

        if (str_ends(name, STR(".prompt")) &&
            !is_known(str_sub(name, 0, name.n - sizeof suffix + 1)))
            s = call_fail_as(c, STATUS_INVALID, "AI_PROMPT", "there is no prompt %.60s", e->d_name);
    }
    (void)closedir(d);
    return s;
}

static enum status read_one(struct prompts *p, struct call *c, const char *directory,
                            const struct prompt_file *file)
{
    bool is_platform = !strcmp(file->name, platform_name);
    str text = file->text;
    struct prompt one;

    if (*directory)
        TRY(read_file(c, directory, file->name, &text));
    TRY(prompt_read(c, file->name, text, is_platform ? NULL : &p->platform, &one));
    if (is_platform) {
        p->platform = one;
    } else if (p->tasks[one.task].version) {
        prompt_close(&one);
        return call_fail_as(c, STATUS_INVALID, "AI_PROMPT", "two prompts for a task: %s",
                            file->name);
    } else {
        p->tasks[one.task] = one;
    }
    return STATUS_OK;
}

static enum status read_set(struct prompts *p, struct call *c, const char *directory)
{
    if (*directory)
        TRY(check_directory(c, directory));
    for (int pass = 0; pass < 2; pass++) /* the platform first: the others hold its text */
        for (size_t i = 0; i < n_prompt_files; i++)
            if (pass == !!strcmp(prompt_files[i].name, platform_name))
                TRY(read_one(p, c, directory, &prompt_files[i]));
    for (enum ai_task t = 0; t < AI_TASKS; t++)
        if (!p->tasks[t].version)
            return call_fail_as(c, STATUS_INVALID, "AI_PROMPT", "there is no prompt for %s",
                                ai_task_name(t));
    return STATUS_OK;
}

enum status prompts_open(struct call *c, const char *directory, struct prompts **out)
{
    struct prompts *p = calloc(1, sizeof *p);
    enum status s;

    *out = NULL;
    if (!p)
        return call_nomem(c);
    s = read_set(p, c, directory);
    if (s != STATUS_OK)
        prompts_close(p);
    else
        *out = p;
    return s;
}

void prompts_close(struct prompts *p)
{
    if (!p)
        return;
    prompt_close(&p->platform);
    for (enum ai_task t = 0; t < AI_TASKS; t++)
        prompt_close(&p->tasks[t]);
    free(p);
}

const struct prompt *prompts_get(const struct prompts *p, enum ai_task task)
{
    assert(task < AI_TASKS);
    return &p->tasks[task];
}
