/* The answer borrows what main lends; only times and the caller are made for it. */
#include "agent/server_info.h"

#include "agent/activity.h"
#include "agent/instant.h"
#include "agent/tenant.h"

/* The caller's roles as the contract names them. */
static enum status put_roles(struct call *c, GetServerInfoResponse *out)
{
    static const struct {
        uint32_t bit;
        Role role;
    } rows[] = {
#define X(name, number, text) {ROLE_BIT_##name, ROLE_##name},
        ROLE_LIST(X)
#undef X
    };

    out->caller_roles = NEW(&c->arena, Role, sizeof rows / sizeof *rows);
    if (!out->caller_roles)
        return call_nomem(c);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (c->principal.roles & rows[i].bit)
            out->caller_roles[out->n_caller_roles++] = rows[i].role;
    return STATUS_OK;
}

/* Of a server whose store is down the rest is worth knowing. */
static void put_tenant(struct call *c, struct agents *a, GetServerInfoResponse *out)
{
    Tenant *tenant;

    if (tenant_get(c, a, &tenant) == STATUS_OK)
        out->tenant_id = tenant->id;
    else
        call_clear(c);
}

enum status server_info_get(struct call *c, struct agents *a, GetServerInfoResponse *out)
{
    const struct server_info *info = a->info;

    if (!info)
        return call_fail(c, STATUS_INTERNAL, "the server does not know what it is");
    out->version = (char *)info->version;
    out->commit = (char *)info->commit;
    out->storage = (char *)info->storage;
    out->server_roles = (char **)info->parts;
    out->n_server_roles = info->n_parts;
    out->methods = (char **)info->methods;
    out->n_methods = info->n_methods;
    out->max_message_bytes = info->message_bytes;
    TRY(instant_now(c, &out->time));
    TRY(instant_new(c, info->start_us, &out->start_time));
    TRY(actor_of(c, &out->caller));
    TRY(put_roles(c, out));
    put_tenant(c, a, out);
    return STATUS_OK;
}
