/*
 * Makes a salesd that ends itself with SIGKILL: linked beside server/main.c into salesd_mortal, and
 * nowhere else. KILL_AT="audit.row:3": at the third time that a thread comes to that point.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/kill_point.h"

static enum kill_point victim;
static atomic_long left;

static void strike(enum kill_point at)
{
    if (at == victim && atomic_fetch_sub(&left, 1) == 1)
        kill(getpid(), SIGKILL);
}

static void list(void)
{
    for (int i = 0; i < KILL_POINTS; i++)
        puts(kill_point_name((enum kill_point)i));
    exit(0);
}

__attribute__((constructor)) static void arm(void)
{
    const char *at = getenv("KILL_AT"), *colon = at ? strrchr(at, ':') : NULL;

    if (!at)
        return;
    if (strcmp(at, "list") == 0)
        list();
    for (int i = 0; colon && i < KILL_POINTS; i++)
        if (strlen(kill_point_name((enum kill_point)i)) == (size_t)(colon - at) &&
            strncmp(at, kill_point_name((enum kill_point)i), (size_t)(colon - at)) == 0) {
            victim = (enum kill_point)i;
            atomic_store(&left, strtol(colon + 1, NULL, 10));
            kill_hook = strike;
        }
    if (!kill_hook) {
        fprintf(stderr, "salesd_mortal: there is no point '%s'\n", at);
        exit(2);
    }
}
