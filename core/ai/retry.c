/* The policy, in one place. */
#include "ai/retry.h"

#include <assert.h>

#include "integration/http.h"

void retry_field(struct retry_ask *ask, str name, str value, int64_t now_us)
{
    enum { S = 1000, AFTER_MAX_MS = 86400 * S };
    long long ms = -1;

    if (str_eq_nocase(name, STR("x-should-retry"))) {
        ask->should_retry = str_eq(value, STR("true")) ? 1 : str_eq(value, STR("false")) ? -1 : 0;
        return;
    }
    if (str_eq_nocase(name, STR("retry-after-ms"))) {
        if (!str_to_int64(value, &ms))
            return;
        ask->is_exact = ms >= 0;
    } else if (str_eq_nocase(name, STR("retry-after")) && !ask->is_exact) {
        int64_t s = http_wait_s(value, now_us);

        ms = s < AFTER_MAX_MS / S ? s * S : AFTER_MAX_MS;
    }
    if (ms < 0)
        return;
    ask->has_after = true;
    ask->after_ms = ms < AFTER_MAX_MS ? ms : AFTER_MAX_MS;
}

bool retry_may(enum ai_error e, const struct retry_ask *ask, int n_attempts)
{
    if (n_attempts > RETRY_MAX || e == AI_ERROR_SPENT || e == AI_ERROR_CANCELLED ||
        e == AI_ERROR_CLOSED || e == AI_ERROR_DEADLINE)
        return false;
    return ask->should_retry ? ask->should_retry > 0 : ai_error_row(e)->is_retried;
}

int64_t retry_wait_ms(enum ai_error e, const struct retry_ask *ask, int n_attempts, uint32_t random)
{
    enum { QUARTER = 4 };
    int64_t ms = RETRY_FIRST_MS;

    assert(n_attempts >= 1);
    if (ask->has_after)
        return ask->after_ms;
    if (e == AI_ERROR_OVERLOADED)
        ms *= 2; /* it asks for mercy */
    for (int i = 1; i < n_attempts && ms < RETRY_MOST_MS; i++)
        ms *= 2;
    if (ms > RETRY_MOST_MS)
        ms = RETRY_MOST_MS;
    return ms - (int64_t)((uint64_t)(ms / QUARTER) * random >> 32);
}
