/* Settings to options. */
#include "server/outgoing.h"

#include "integration/calendar.h"
#include "integration/http.h"

static enum status read_ranges(struct call *c, const char *name, const char *text,
                               struct address_range out[ADDRESS_RANGES_MAX], size_t *n_out)
{
    if (address_ranges_parse(str_of(text), out, n_out))
        return STATUS_OK;
    return call_fail(c, STATUS_INVALID,
                     "--%s: not a list of at most %d ranges like 10.1.0.0/16, fd00::/8", name,
                     ADDRESS_RANGES_MAX);
}

enum status outgoing_open(struct call *c, const struct config *config, const char *version,
                          struct http_client **out)
{
    struct address_guard *guard = NEW(&c->arena, struct address_guard, 1);
    const char *agent = arena_printf(&c->arena, "salesd/%s", version);

    *out = NULL;
    if (!guard || !agent)
        return call_nomem(c);
    TRY(read_ranges(c, "webhook-allow", config->webhook_allow, guard->allow, &guard->n_allow));
    TRY(read_ranges(c, "webhook-refuse", config->webhook_refuse, guard->refuse, &guard->n_refuse));
    *out = http_client_open(
        &(struct http_options){.user_agent = agent, .ca_file = config->webhook_ca, .guard = guard});
    return *out ? STATUS_OK : call_nomem(c);
}

enum status outgoing_calendar(struct call *c, const struct config *config, struct http_client *http,
                              struct calendar **out)
{
    *out = NULL;
    if (!*config->calendar_tenant)
        return STATUS_OK;
    if (!config->calendar_token.text || !*config->calendar_token.text)
        return call_fail_as(c, STATUS_INVALID, "CONFIG",
                            "calendar-tenant is set, and no calendar-token");
    return calendar_open(c,
                         &(struct calendar_options){.http = http,
                                                    .url = config->calendar_url,
                                                    .calendar_id = config->calendar_id,
                                                    .tenant = config->calendar_tenant,
                                                    .token = &config->calendar_token},
                         out);
}

void outgoing_close(struct http_client *client)
{
    http_client_close(client);
}
