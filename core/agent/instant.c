/* Timestamps of requests and replies. */
#include "agent/instant.h"

enum status instant_new(struct call *c, int64_t us, Timestamp **out)
{
    *out = moment_new(&c->arena, us);
    return *out ? STATUS_OK : call_nomem(c);
}

enum status instant_now(struct call *c, Timestamp **out)
{
    return instant_new(c, call_now_us(c), out);
}

enum status duration_new(struct call *c, int64_t us, Duration **out)
{
    if ((*out = NEW(&c->arena, Duration, 1)) == NULL)
        return call_nomem(c);
    **out = (Duration)DURATION_INIT;
    (*out)->seconds = us / 1000000;
    (*out)->nanos = (int32_t)(us % 1000000 * 1000);
    return STATUS_OK;
}

enum status instant_of_event(struct call *c, const Timestamp *t, const char *field, int64_t *us_out)
{
    int64_t now = call_now_us(c);

    *us_out = now;
    if (!t)
        return STATUS_OK;
    if (t->seconds < INSTANT_MIN_US / 1000000 || t->seconds > INSTANT_MAX_US / 1000000 ||
        t->nanos < 0 || t->nanos > 999999999) {
        call_detail(c, FAULT_FIELD, "timestamp", str_of(field),
                    "must lie between the years 1 and 9999");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "%s is no time", field);
    }
    *us_out = instant_us(t);
    if (*us_out > now + INSTANT_AHEAD_US) {
        call_detail(c, FAULT_FIELD, "timestamp.lt_now", str_of(field), "must not be in the future");
        return call_fail_as(c, STATUS_INVALID, "VALIDATION", "%s is in the future", field);
    }
    return STATUS_OK;
}
