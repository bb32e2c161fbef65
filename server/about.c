/* No secret may come in here: every caller with a role can read the answer. */
#include "server/about.h"

static size_t name_parts(config_roles roles, const char *out[CONFIG_N_ROLES])
{
    static const char *const names[CONFIG_N_ROLES] = {
#define X(id, text) [CONFIG_ROLE_##id] = (text),
        CONFIG_ROLE_LIST(X)
#undef X
    };
    size_t n = 0;

    for (int i = 0; i < CONFIG_N_ROLES; i++)
        if (roles >> i & 1)
            out[n++] = names[i];
    return n;
}

void about_init(struct about *out, const struct config *config, const struct build *build,
                const struct service_binding bindings[SERVICES_OURS], int64_t start_us)
{
    bool is_sqlite = str_starts(str_of(config->store.text), STR("sqlite:"));

    *out = (struct about){.info = {.version = build->version,
                                   .commit = build->commit,
                                   .storage = is_sqlite ? "sqlite" : "postgres",
                                   .start_us = start_us,
                                   .message_bytes = (uint64_t)config->message_bytes,
                                   .operator_tenant = config->operator_tenant[0]
                                                          ? config->operator_tenant
                                                          : config->bootstrap_tenant}};
    out->info.n_parts = name_parts(config->roles, out->parts);
    out->info.n_methods = services_methods(bindings, out->methods);
    out->info.parts = out->parts;
    out->info.methods = out->methods;
}
