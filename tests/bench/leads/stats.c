/* stats: latencies are kept whole and sorted at the end, so that percentiles are exact. */
#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LATENCIES_FIRST = 1 << 16, STAT_USER_FIELD = 14 };

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

void latencies_add(struct latencies *l, uint64_t ns)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : LATENCIES_FIRST;
        l->us = realloc(l->us, l->cap * sizeof *l->us);
        if (!l->us)
            abort();
    }
    l->us[l->n++] = (uint32_t)(ns / 1000);
}

static int by_size(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void latencies_sort(struct latencies *l)
{
    if (l->n > 0)
        qsort(l->us, l->n, sizeof *l->us, by_size);
}

double latencies_at(const struct latencies *l, double p)
{
    return l->n ? l->us[(size_t)(p * (double)(l->n - 1))] / 1000.0 : 0;
}

double cpu_seconds(long pid)
{
    char path[64], text[1024];

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = pid > 0 ? fopen(path, "r") : NULL;

    if (!f)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);

    fclose(f);
    text[n] = 0;
    char *at = strrchr(text, ')'); /* ends field 2; the name before it may hold blanks */

    for (int field = 2; at && field < STAT_USER_FIELD; field++)
        at = strchr(at + 1, ' ');
    if (!at)
        return 0;
    unsigned long user = strtoul(at, &at, 10), system = strtoul(at, NULL, 10);

    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}
