/* salesctl: the command line of salesd. Words to a row of the table, the row's function, its code.
 */
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/banned.h"
#include "ctl/ctl.h"
#include "ctl/help.h"

/* The first Ctrl-C ends calls in order, the second ends the program. */
static void *wait_for_signals(void *ctl)
{
    sigset_t set;
    int sig;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    while (sigwait(&set, &sig) != 0)
        ;
    sales_cancel_fire(((struct ctl *)ctl)->cancel);
    while (sigwait(&set, &sig) != 0)
        ;
    _exit(CTL_CANCELLED);
}

/* Before gRPC starts threads: they inherit the mask, so that only ours is woken. */
static bool catch_signals(struct ctl *ctl, pthread_t *thread)
{
    sigset_t set;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(thread, NULL, wait_for_signals, ctl) == 0)
        return true;
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    return false;
}

static enum exit_code help(struct ctl *ctl, const struct command *command, const struct args *args)
{
    if (command)
        help_command(&ctl->out, command);
    else if (!help_overview(&ctl->out, args->n_words ? args->words[0] : ""))
        return usage_error(ctl, NULL, "no command '%s'", args->words[0]);
    return CTL_OK;
}

/* Other users can read a command line, and an environment that a core dump holds. */
static void hide_key(struct ctl *ctl)
{
    const char *copy = ctl->api_key ? arena_cstr(&ctl->arena, str_of(ctl->api_key)) : NULL;

    if (!copy)
        return;
    explicit_bzero((char *)ctl->api_key, strlen(ctl->api_key)); /* of argv, or the environment */
    ctl->api_key = copy;
}

/* "salesctl help X" is "salesctl X --help", and "salesctl lead" is asked for help too. */
static enum exit_code dispatch(struct ctl *ctl, int argc, const char *const *argv)
{
    const struct command *command;
    struct args *args = NEW(&ctl->arena, struct args, 1);
    enum exit_code code;

    if (!args)
        return CTL_FAILED;
    if (argc > 1 && strcmp(argv[1], "help") == 0) {
        ctl->wants_help = true;
        argv++;
        argc--;
    } else if (argc == 1 || (argc == 2 && help_is_group(argv[1]))) {
        ctl->wants_help = true;
    }
    code = args_parse(ctl, argc, argv, &command, args);
    hide_key(ctl);
    if (code != CTL_OK)
        return code;
    if (ctl->wants_help || !command)
        return help(ctl, command, args);
    return command->run(ctl, command, args);
}

int main(int argc, char **argv)
{
    enum exit_code code;
    pthread_t watcher;
    struct ctl ctl;
    bool watched;

    setlocale(LC_CTYPE, "C.UTF-8"); /* widths of characters; texts are UTF-8 whatever LANG says */
    setenv("GRPC_VERBOSITY", "NONE", 0);
    ctl_init(&ctl, stdout, stderr);
    watched = catch_signals(&ctl, &watcher);
    code = dispatch(&ctl, argc, (const char *const *)argv);
    if (fflush(stdout) != 0 && code == CTL_OK)
        code = CTL_FAILED;
    if (watched) {
        pthread_cancel(watcher); /* sigwait is where it can be cancelled */
        pthread_join(watcher, NULL);
    }
    ctl_release(&ctl);
    return (int)code;
}
