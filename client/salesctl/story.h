/* story: the frame that demo's steps run in, and its second half, the deal. */
#ifndef SALESCTL_STORY_H
#define SALESCTL_STORY_H

#include "base/uuid.h"
#include "ctl/command.h"

enum { STORY_NAME_BYTES = 128 };

struct story {
    struct ctl *ctl;
    struct sales_client *client;
    struct sales_call call; /* reset after every step */
    const char *file, *map;
    uint64_t rows;
    char company[STORY_NAME_BYTES], domain[STORY_NAME_BYTES], email[2 * STORY_NAME_BYTES];
    char lead_id[UUID_TEXT_BYTES + 1], deal_id[UUID_TEXT_BYTES + 1];
    int score;
    bool qualified;
};

struct step {
    const char *title;
    enum exit_code (*run)(struct story *s);
};

/* Runs the steps in order, each printed with its time; stops at the first that fails. */
enum exit_code story_run(struct story *s, const struct step *steps, size_t n);

/* A company, a domain and an e-mail address that no earlier run has used. */
void story_name(struct story *s);

/* One indented line of result; nothing with --json. */
void story_say(struct story *s, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* The step's own complaint / the call's error. */
enum exit_code story_broken(struct story *s, const char *what);
enum exit_code story_explain(struct story *s);

/* A writable copy, for requests. "" when the arena is full. */
char *story_text(struct story *s, const char *text);

/* Sets a field of a request by path. False: said why. */
bool story_set(struct story *s, ProtobufCMessage *m, const char *path, const char *text);

/* The steps around the deal. */
enum exit_code story_watch(struct story *s);
enum exit_code story_convert(struct story *s);
enum exit_code story_refused(struct story *s);
enum exit_code story_complete(struct story *s);
enum exit_code story_progress(struct story *s);
enum exit_code story_win(struct story *s);
enum exit_code story_lose(struct story *s);
enum exit_code story_open(struct story *s);
enum exit_code story_pipeline(struct story *s);

#endif
