/* One thread waits; nothing runs in signal context but _exit. */
#include "server/signals.h"

#include <pthread.h>
#include <unistd.h>

#include "obs/log.h"

/* The one that we send ourselves. */
#define SIGNAL_LISTENER SIGUSR1

static volatile sig_atomic_t deadly_code;

sigset_t signals_block(void)
{
    static const int waited[] = {SIGTERM, SIGINT, SIGHUP, SIGNAL_LISTENER};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof waited / sizeof *waited; i++)
        sigaddset(&set, waited[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

enum signals_asked signals_wait(const sigset_t *set)
{
    for (;;) {
        int got;

        if (sigwait(set, &got) != 0)
            continue;
        log_info(NULL, LOG_EVENT_SIGNAL_RECEIVED, F_INT("signal", got));
        if (got == SIGHUP)
            log_reopen();
        else
            return got == SIGNAL_LISTENER ? SIGNALS_LISTENER_DEAD : SIGNALS_STOP;
    }
}

void signals_listener_dead(void)
{
    kill(getpid(), SIGNAL_LISTENER);
}

static void die_now(int unused)
{
    (void)unused;
    _exit(deadly_code);
}

void signals_let_kill(int exit_code)
{
    static const int deadly[] = {SIGTERM, SIGINT};
    struct sigaction action = {.sa_handler = die_now};
    sigset_t set;

    deadly_code = exit_code;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        sigaction(deadly[i], &action, NULL);
        sigaddset(&set, deadly[i]);
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
