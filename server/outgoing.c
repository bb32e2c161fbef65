/* Settings to options. */
#include "server/outgoing.h"

#include "agent/enrichment.h"
#include "integration/calendar.h"
#include "integration/clearbit.h"
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

static enum status check_url(struct call *c, const char *name, const char *url)
{
    str s = str_of(url);

    if (!str_ends(s, STR("/")))
        return STATUS_OK;
    return call_fail_as(c, STATUS_INVALID, "CONFIG", "--%s: it ends with a slash", name);
}

static enum status check_enrichment(struct call *c, const struct config *config)
{
    str auth = str_of(config->enrich_auth);

    TRY(check_url(c, "enrich-url", config->enrich_url));
    TRY(check_url(c, "enrich-company-url", config->enrich_company_url));
    if (!config->enrich_key.text || !*config->enrich_key.text)
        return call_fail_as(c, STATUS_INVALID, "CONFIG", "enrich-url is set, and no enrich-key");
    if (!str_eq(auth, STR("bearer")) && !str_eq(auth, STR("basic")))
        return call_fail_as(c, STATUS_INVALID, "CONFIG", "--enrich-auth: neither bearer nor basic");
    if (strcmp(config->enrich_name, enrich_offline_provider()->name) == 0)
        return call_fail_as(c, STATUS_INVALID, "CONFIG", "--enrich-name: offline is taken");
    return STATUS_OK;
}

enum status outgoing_enrichment(struct call *c, const struct config *config,
                                struct http_client *http, struct metrics *metrics,
                                struct enrichment **out)
{
    bool is_basic = strcmp(config->enrich_auth, "basic") == 0;
    struct enrich_provider *provider;

    *out = NULL;
    if (!*config->enrich_url)
        return STATUS_OK;
    TRY(check_enrichment(c, config));
    TRY(clearbit_open(
        c,
        &(struct clearbit_options){.http = http,
                                   .name = config->enrich_name,
                                   .url = config->enrich_url,
                                   .company_url = config->enrich_company_url,
                                   .auth = is_basic ? CLEARBIT_BASIC : CLEARBIT_BEARER,
                                   .key = &config->enrich_key,
                                   .a_minute = config->enrich_rate,
                                   .metrics = metrics},
        &provider));
    return enrichment_open(c,
                           &(struct enrichment_options){.outside = provider,
                                                        .deadline_ms = config->enrich_deadline,
                                                        .a_minute = config->enrich_rate,
                                                        .metrics = metrics},
                           out);
}

void outgoing_close(struct http_client *client)
{
    http_client_close(client);
}
