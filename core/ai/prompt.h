/*
 * prompt: what a model is asked, as files.
 *
 * A prompt is a file core/ai/prompts/NAME.prompt, in the program; a directory of the configuration
 * may have another file of the same name, which then counts. platform.prompt is before every other.
 *
 *     task lead.insight                       a row of task.def; not in platform.prompt
 *     version 3
 *     max_tokens 700
 *     effort low                              low, medium or high
 *     slot notes text untrusted 6000 optional
 *     slot points number trusted
 *     == system                               rules: the same in every call
 *     == user                                 the question, with {{slots}}
 *     == schema                               of the answer, see schema.h
 *
 * Layers, in this order: the platform's rules, the tenant's own words (AiPolicy.instructions: an
 * admin's, said to rank below the platform), the task's rules, the question. A line of the question
 * whose optional slot is missing is left out.
 *
 * A trusted slot is a text of ours and becomes part of its line; an unsent one is for the local
 * provider only. An untrusted one is somebody's: it
 * is cut to its length, control and invisible characters are dropped, and it is put as one JSON
 * string, without < and >, between tags with a boundary made of a digest of all that is filled in:
 * no text can hold the boundary that it is itself part of.
 */
#ifndef AI_PROMPT_H
#define AI_PROMPT_H

#include "ai/provider.h"
#include "ai/schema.h"

enum {
    PROMPT_FILE_BYTES = 64 << 10,
    PROMPT_SLOTS_MAX = 32,
    PROMPT_NAME_BYTES = 40,
    PROMPT_SLOT_BYTES = 32 << 10, /* longest slot a file may declare */
    PROMPT_HASH_BYTES = 64,       /* SHA-256 in hex */
    PROMPT_BOUNDARY_BYTES = 16,   /* hex digits: 64 bits that nobody can choose beforehand */
    PROMPT_FILLED_BYTES = 512 << 10,
};

/* Whose a value is. */
enum prompt_trust {
    PROMPT_TRUSTED,
    PROMPT_UNTRUSTED,
    PROMPT_UNSENT, /* not part of the question: for the local provider's sentences only */
};

struct prompt_slot {
    char name[PROMPT_NAME_BYTES + 1];
    enum ai_kind kind;
    enum prompt_trust trust;
    size_t max_bytes; /* texts */
    bool is_optional;
};

struct prompt {
    char name[PROMPT_NAME_BYTES + 1]; /* "lead_insight" */
    enum ai_task task;
    int32_t version, max_tokens;
    enum ai_effort effort;
    char sha256[PROMPT_HASH_BYTES + 1];         /* of platform.prompt and this file, hex */
    struct prompt_slot slots[PROMPT_SLOTS_MAX]; /* [n_slots] */
    size_t n_slots;
    str platform, system, user; /* owned */
    struct schema *schema;      /* owned */
};

struct prompts; /* all of them, immutable, thread-safe */

/*
 * Reads those of the program and, unless `directory` is "", those of the directory instead.
 *
 * INVALID, AI_PROMPT: a file breaks the form above (the text names file and line), or the directory
 * has a *.prompt that the program does not know, or cannot be read.
 */
MUST_CHECK enum status prompts_open(struct call *c, const char *directory, struct prompts **out);
void prompts_close(struct prompts *p); /* NULL is allowed */

/* The prompt of a task: there is one for each, or prompts_open fails. */
const struct prompt *prompts_get(const struct prompts *p, enum ai_task task);

/* A prompt of text, for tests and the fuzz target; prompt_close it. platform: NULL for the
 * platform's own file. */
MUST_CHECK enum status prompt_read(struct call *c, const char *name, str text,
                                   const struct prompt *platform, struct prompt *out);
void prompt_close(struct prompt *p);

/* What is asked, in c->arena; parts of an ai_request. */
struct prompt_filled {
    str system[3]; /* [n_system] platform, tenant if it says something, task */
    size_t n_system;
    str user;
    const struct ai_input *inputs; /* [n_inputs] the values by slot, for a provider without prose */
    size_t n_inputs;
};

struct prompt_values {
    const struct ai_input
        *list; /* [n] by name of the slot; missing: empty text, NaN, or left out */
    size_t n;
    str instructions; /* of the tenant; {0}: none */
};

/*
 * INVALID, AI_SLOT: a slot that is not optional is missing, a value that is no slot of the prompt
 * or of another kind, a trusted text that is too long or has a line break; all of them faults of
 * ours.
 */
MUST_CHECK enum status prompt_fill(const struct prompt *p, struct call *c,
                                   const struct prompt_values *values, struct prompt_filled *out);

/* A text from outside as prompts have it: well-formed UTF-8 (what is not becomes U+FFFD), no
 * control characters but line breaks and tabs, no characters that are invisible or turn the
 * direction of reading, at most max_bytes, cut at a whole character. .p is NULL when the arena is
 * full. */
str prompt_clean(struct arena *a, str text, size_t max_bytes);

#endif
