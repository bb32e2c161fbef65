/* One bounded unit per run; a full one is due again at once. */
#include "agent/webhook_sweep.h"

#include "agent/webhook_queue.h"
#include "domain/moment.h"
#include "store/records.h"

static enum status is_there(struct call *c, struct tx *tx, str webhook_id, bool *out)
{
    WebhookRecord *r;
    enum status s = tx_get_webhook(tx, webhook_id, &r);

    *out = s == STATUS_OK;
    if (s != STATUS_NOT_FOUND)
        return s;
    call_clear(c);
    return STATUS_OK;
}

static enum status list_old(struct call *c, struct tx *tx, str webhook_id, const char *filter,
                            struct list_page *out)
{
    struct list_where where = {.column = WEBHOOK_DELIVERY_BY_webhook_id, .text = webhook_id};
    struct list_query q = {.page_size = WEBHOOK_SWEEP_MAX,
                           .filter = str_of(filter),
                           .order_by = STR("create_time"),
                           .where = &where,
                           .n_where = 1};

    if (!filter)
        return call_nomem(c);
    return tx_list(tx, RECORD_WEBHOOK_DELIVERY, &q, out);
}

static enum status sweep_unit(struct call *c, struct tx *tx, void *arg)
{
    struct job *job = arg;
    char day[DATE_TEXT_BYTES + 1];
    struct list_page page = {0};
    bool has_webhook;

    date_of(call_now_us(c) - WEBHOOK_KEEP_DAYS * MOMENT_DAY_US, day);
    TRY(is_there(c, tx, job->key, &has_webhook));
    TRY(list_old(c, tx, job->key,
                 has_webhook ? arena_printf(&c->arena, "create_time < \"%s\"", day) : "", &page));
    for (size_t i = 0; i < page.n_items; i++) {
        const WebhookDeliveryRecord *d = (const WebhookDeliveryRecord *)page.items[i];

        TRY(tx_delete_webhook_delivery(tx, str_of(d->id), STR("")));
    }
    if (page.n_items == WEBHOOK_SWEEP_MAX)
        return tx_job_again(tx, job, call_now_us(c));
    return has_webhook ? tx_job_again(tx, job, call_now_us(c) + MOMENT_DAY_US)
                       : tx_job_done(tx, job);
}

enum status webhook_sweep_run(struct call *c, struct agents *a, struct job *job)
{
    return store_run(a->store, c, STORE_WRITE, sweep_unit, job);
}

static enum status handle(void *self, struct call *c, struct job *job)
{
    return webhook_sweep_run(c, self, job);
}

const struct job_kind webhook_sweep_kind = {
    .name = WEBHOOK_JOB_SWEEP,
    .handle = handle,
    .lease_ms = 60000,
    .attempts_max = INT32_MAX,
    .first_ms = 1000,
    .most_ms = 600000,
    .limit = 1,
};
