/* stats: latencies of calls and CPU time of a process. */
#ifndef BENCH_STATS_H
#define BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

struct latencies {
    uint32_t *us; /* [n] */
    size_t n, cap;
};

uint64_t now_ns(void);

void latencies_add(struct latencies *l, uint64_t ns);
void latencies_sort(struct latencies *l);

/* The p-th part (0 to 1) of sorted latencies, in milliseconds; 0 when there are none. */
double latencies_at(const struct latencies *l, double p);

/* User and system time of a process so far, in seconds; 0 when there is no such process. */
double cpu_seconds(long pid);

#endif
