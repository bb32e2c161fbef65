/* ctl: what commands share: the client, calls, JSON, and the commands that are nothing but a call.
 */
#ifndef SALESCTL_CTL_H
#define SALESCTL_CTL_H

#include "ctl/command.h"
#include "schema/method.h"

enum {
    JSON_BYTES_MAX = 64 << 20, /* a page of 500 leads with every attribute full, as text */
    ARENA_BYTES_MAX = 256 << 20,
};

/* Looks at the environment; out and err at the terminal. */
void ctl_init(struct ctl *ctl, FILE *out, FILE *err);
void ctl_release(struct ctl *ctl);

/* The client, opened at the first call; NULL with the complaint printed. */
struct sales_client *ctl_client(struct ctl *ctl);

/* A call with the command line's timeout and the Ctrl-C switch. */
struct sales_call ctl_call(const struct ctl *ctl);

/* The row of a method of any service that salesctl knows; NULL: none. */
const struct method *ctl_method(const char *path);

/* Calls; on failure prints why. *out lives in the call. */
enum exit_code ctl_unary(struct ctl *ctl, struct sales_call *call, const char *path,
                         const ProtobufCMessage *in, ProtobufCMessage **out);

/* The request that arguments and options make; NULL with the complaint printed. */
ProtobufCMessage *ctl_request(struct ctl *ctl, const struct command *command,
                              const struct args *args);

/* One line of proto3 JSON on ctl->out. */
void ctl_json(struct ctl *ctl, const ProtobufCMessage *m);

int64_t ctl_now_ns(void);
int64_t ctl_now_us(void);

/* Prints a reply as the command's view, or as JSON. */
void ctl_reply(struct ctl *ctl, const struct command *command, const ProtobufCMessage *reply);

/* Prints a reply as a command wants it, JSON included. */
typedef void ctl_show_fn(struct ctl *ctl, const struct command *command,
                         const ProtobufCMessage *reply);

/* Runs a command that is one unary call, and shows what came. */
enum exit_code ctl_run(struct ctl *ctl, const struct command *command, const struct args *args,
                       ctl_show_fn *show);

/* The same with the command's view. */
enum exit_code call_run(struct ctl *ctl, const struct command *command, const struct args *args);

/* As call_run for lists: follows next_page_token with --all. */
enum exit_code list_run(struct ctl *ctl, const struct command *command, const struct args *args);

/* As call_run, refused without --yes. */
enum exit_code delete_run(struct ctl *ctl, const struct command *command, const struct args *args);

#endif
