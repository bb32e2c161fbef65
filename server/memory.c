/* Both are needed: a core_pattern that pipes ignores the limit, and the flag goes when a process
 * changes its user. */
#include "server/memory.h"

#include <stdbool.h>
#include <sys/prctl.h>

#ifdef __has_feature
#define FEATURE(x) __has_feature(x)
#else
#define FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || FEATURE(address_sanitizer)
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif

void memory_close(struct rlimit *before_out)
{
    struct rlimit none;

    if (getrlimit(RLIMIT_CORE, before_out) != 0)
        *before_out = (struct rlimit){0, 0};
    none = (struct rlimit){0, before_out->rlim_max}; /* the hard limit stays: memory_open */
    (void)setrlimit(RLIMIT_CORE, &none);
    if (!is_sanitized)
        (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void memory_open(const struct rlimit *before)
{
    (void)setrlimit(RLIMIT_CORE, before);
    (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}
