/* Small units, so that nobody waits behind them. */
#include "job/house.h"

#include "store/key.h"
#include "store/once.h"
#include "store/spend.h"

enum {
    UNITS_MAX = 1000, /* of one run; the rest waits for the next */
    SCRUB_DELAY_US = 3000000,
};

static enum status expire_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return once_expire(tx, ONCE_EXPIRE_MAX, arg);
}

static enum status expire_answers(void *self, struct call *c, struct job *job)
{
    size_t n = ONCE_EXPIRE_MAX;

    (void)job;
    for (int i = 0; i < UNITS_MAX && n == ONCE_EXPIRE_MAX; i++)
        TRY(store_run_system(self, c, STORE_WRITE, expire_unit, &n));
    return STATUS_OK;
}

const struct job_kind house_expire_answers = {.name = "house.expire_answers",
                                              .handle = expire_answers,
                                              .lease_ms = 120000,
                                              .attempts_max = 3,
                                              .first_ms = 5000,
                                              .most_ms = 60000,
                                              .every_ms = 300000,
                                              .scope = JOB_OF_SERVICE};

static enum status sweep_unit(struct call *c, struct tx *tx, void *arg)
{
    (void)c;
    return tx_spend_sweep(tx, arg);
}

static enum status expire_spend(void *self, struct call *c, struct job *job)
{
    size_t n = SPEND_SWEEP_MAX;

    (void)job;
    for (int i = 0; i < UNITS_MAX && n == SPEND_SWEEP_MAX; i++)
        TRY(store_run_system(self, c, STORE_WRITE, sweep_unit, &n));
    return STATUS_OK;
}

const struct job_kind house_expire_spend = {.name = "house.expire_spend",
                                            .handle = expire_spend,
                                            .lease_ms = 120000,
                                            .attempts_max = 3,
                                            .first_ms = 5000,
                                            .most_ms = 60000,
                                            .every_ms = 86400000,
                                            .scope = JOB_OF_SERVICE};

static enum status scrub(void *self, struct call *c, struct job *job)
{
    (void)job;
    return store_scrub(self, c);
}

const struct job_kind house_scrub = {.name = "house.scrub",
                                     .handle = scrub,
                                     .lease_ms = 60000,
                                     .attempts_max =
                                         10000, /* a week: somebody reads all the time */
                                     .first_ms = 500,
                                     .most_ms = 60000,
                                     .limit = 1};

enum status house_scrub_later(struct tx *tx)
{
    TRY(tx_key_shred(tx));
    return tx_job_put(tx, &(struct job_put){.kind = str_of(house_scrub.name),
                                            .due_us = call_now_us(tx_call(tx)) + SCRUB_DELAY_US,
                                            .rule = JOB_EARLIER});
}
