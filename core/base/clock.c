/* The system's clocks and its random source. */
#include "base/clock.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_ns(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t now_us(const struct clock_ops *c)
{
    (void)c;
    return read_ns(CLOCK_REALTIME) / 1000;
}

static int64_t monotonic_ns(const struct clock_ops *c)
{
    (void)c;
    return read_ns(CLOCK_MONOTONIC);
}

static void random_bytes(const struct clock_ops *c, void *out, size_t n)
{
    unsigned char *p = out;

    (void)c;
    while (n) {
        ssize_t got = getrandom(p, n < 256 ? n : 256, 0);

        if (got < 0)
            abort(); /* a kernel without randomness: nothing that follows could be trusted */
        p += got;
        n -= (size_t)got;
    }
}

const struct clock_ops system_clock = {now_us, monotonic_ns, random_bytes};
