/* prompt_file: the prompts that are in the program, as core/ai/prompts has them. Generated. */
#ifndef AI_PROMPT_FILE_H
#define AI_PROMPT_FILE_H

#include "base/str.h"

struct prompt_file {
    const char *name; /* "lead_insight": the file's, without .prompt */
    str text;
};

extern const struct prompt_file prompt_files[]; /* [n_prompt_files] by name */
extern const size_t n_prompt_files;

#endif
