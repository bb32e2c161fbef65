/* Views by table; the rest is about secrets and about policies of many paths. */
#include "ctl/admin.h"

#include <errno.h>

#include "base/banned.h"
#include "base/buf.h"
#include "ctl/ctl.h"
#include "ctl/path.h"
#include "sales/v1/admin.pb-c.h"

enum { POLICY_FILE_BYTES_MAX = 1 << 20, POLICY_PATHS_MAX = 100 /* of an update mask */ };

/* clang-format off */
#define VIEW(name, at, rows, none) \
    const struct view name = {.path = (at), .columns = (rows), \
                              .n_columns = sizeof(rows) / sizeof *(rows), .nothing = (none)}

static const struct view_column tenant_rows[] = {
    {"id",       "id",                           SHOW_PLAIN, ALIGN_LEFT, 0},
    {"etag",     "etag",                         SHOW_PLAIN, ALIGN_LEFT, 0},
    {"key",      "key",                          SHOW_PLAIN, ALIGN_LEFT, 0},
    {"name",     "display_name",                 SHOW_PLAIN, ALIGN_LEFT, 0},
    {"state",    "state",                        SHOW_PLAIN, ALIGN_LEFT, 0},
    {"HIPAA",    "policy.hipaa_mode",            SHOW_PLAIN, ALIGN_LEFT, 0},
    {"reps see", "policy.rep_scope",             SHOW_PLAIN, ALIGN_LEFT, 0},
    {"currency", "policy.default_currency_code", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"zone",     "policy.default_time_zone",     SHOW_PLAIN, ALIGN_LEFT, 0},
    {"created",  "create_time",                  SHOW_PLAIN, ALIGN_LEFT, 0},
    {"changed",  "update_time",                  SHOW_PLAIN, ALIGN_LEFT, 0},
};
static const struct view_column state_rows[] = {
    {"id",      "id",           SHOW_PLAIN, ALIGN_LEFT, 0},
    {"key",     "key",          SHOW_PLAIN, ALIGN_LEFT, 0},
    {"name",    "display_name", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"state",   "state",        SHOW_PLAIN, ALIGN_LEFT, 0},
    {"changed", "update_time",  SHOW_PLAIN, ALIGN_LEFT, 0},
};
VIEW(admin_tenant_view, "tenant", tenant_rows, "no tenant");
VIEW(admin_new_tenant_view, "tenant", tenant_rows, "no tenant");
VIEW(admin_state_view, "tenant", state_rows, "no tenant");

static const struct view_column job_rows[] = {
    {"ID",       "id",          SHOW_PLAIN, ALIGN_LEFT, 36},
    {"KIND",     "kind",        SHOW_PLAIN, ALIGN_LEFT, 24},
    {"KEY",      "key",         SHOW_PLAIN, ALIGN_LEFT, 48},
    {"STATE",    "state",       SHOW_PLAIN, ALIGN_LEFT,  0},
    {"DUE",      "due_time",    SHOW_PLAIN, ALIGN_LEFT,  0},
    {"ATTEMPTS", "attempts",    SHOW_PLAIN, ALIGN_RIGHT, 0},
    {"REASON",   "reason",      SHOW_PLAIN, ALIGN_LEFT, 32},
};
VIEW(admin_job_view, "job", job_rows, "no job");
VIEW(admin_job_list_view, "jobs", job_rows, "no jobs");

static const struct view_column key_rows[] = {
    {"id",      "id",           SHOW_PLAIN, ALIGN_LEFT, 0},
    {"name",    "name",         SHOW_PLAIN, ALIGN_LEFT, 0},
    {"subject", "subject",      SHOW_PLAIN, ALIGN_LEFT, 0},
    {"kind",    "subject_kind", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"roles",   "roles",        SHOW_PLAIN, ALIGN_LEFT, 0},
    {"teams",   "team_ids",     SHOW_PLAIN, ALIGN_LEFT, 0},
    {"expires", "expire_time",  SHOW_PLAIN, ALIGN_LEFT, 0},
    {"revoked", "revoke_time",  SHOW_PLAIN, ALIGN_LEFT, 0},
    {"prefix",  "prefix",       SHOW_PLAIN, ALIGN_LEFT, 0},
};
VIEW(admin_key_view, "api_key", key_rows, "no key");

static const struct view_column key_list_rows[] = {
    {"ID",      "id",           SHOW_PLAIN, ALIGN_LEFT, 36},
    {"NAME",    "name",         SHOW_PLAIN, ALIGN_LEFT, 24},
    {"SUBJECT", "subject",      SHOW_PLAIN, ALIGN_LEFT, 20},
    {"ROLES",   "roles",        SHOW_PLAIN, ALIGN_LEFT, 24},
    {"EXPIRES", "expire_time",  SHOW_PLAIN, ALIGN_LEFT,  0},
    {"REVOKED", "revoke_time",  SHOW_PLAIN, ALIGN_LEFT,  0},
    {"PREFIX",  "prefix",       SHOW_PLAIN, ALIGN_LEFT,  0},
};
VIEW(admin_key_list_view, "api_keys", key_list_rows, "no keys");

static const struct view_column usage_rows[] = {
    {"WHAT",     "key",            SHOW_PLAIN, ALIGN_LEFT,  48},
    {"CALLS",    "calls",          SHOW_PLAIN, ALIGN_RIGHT,  0},
    {"FAILED",   "failed_calls",   SHOW_PLAIN, ALIGN_RIGHT,  0},
    {"AI CALLS", "ai_calls",       SHOW_PLAIN, ALIGN_RIGHT,  0},
    {"TOKENS IN", "input_tokens",  SHOW_PLAIN, ALIGN_RIGHT,  0},
    {"OUT",      "output_tokens",  SHOW_PLAIN, ALIGN_RIGHT,  0},
};
VIEW(admin_usage_view, "rows", usage_rows, "nothing in that time");

static const struct view_column info_rows[] = {
    {"version",  "version",           SHOW_PLAIN, ALIGN_LEFT, 0},
    {"commit",   "commit",            SHOW_PLAIN, ALIGN_LEFT, 0},
    {"storage",  "storage",           SHOW_PLAIN, ALIGN_LEFT, 0},
    {"parts",    "server_roles",      SHOW_PLAIN, ALIGN_LEFT, 0},
    {"time",     "time",              SHOW_PLAIN, ALIGN_LEFT, 0},
    {"started",  "start_time",        SHOW_PLAIN, ALIGN_LEFT, 0},
    {"messages", "max_message_bytes", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"tenant",   "tenant_id",         SHOW_PLAIN, ALIGN_LEFT, 0},
    {"you are",  "caller.id",         SHOW_PLAIN, ALIGN_LEFT, 0},
    {"roles",    "caller_roles",      SHOW_PLAIN, ALIGN_LEFT, 0},
};
VIEW(admin_info_view, "", info_rows, "nothing");
/* clang-format on */

static void show_secret(struct ctl *ctl, const struct command *command,
                        const ProtobufCMessage *reply)
{
    ctl_reply(ctl, command, reply);
    if (!ctl->json)
        fprintf(ctl->out.file, "secret  %s\n",
                show_field(&ctl->arena, reply, "secret", SHOW_PLAIN));
    fprintf(ctl->err.file, "salesctl: keep the secret now, it is not shown again\n");
}

enum exit_code admin_secret_run(struct ctl *ctl, const struct command *command,
                                const struct args *args)
{
    return ctl_run(ctl, command, args, show_secret);
}

enum exit_code admin_policy_get_run(struct ctl *ctl, const struct command *command,
                                    const struct args *args)
{
    ProtobufCMessage *in = ctl_request(ctl, command, args), *reply;
    struct sales_call call = ctl_call(ctl);
    enum exit_code code;

    if (!in)
        return CTL_USAGE;
    code = ctl_unary(ctl, &call, command->method, in, &reply);
    if (code == CTL_OK) {
        Sales__V1__TenantPolicy none = SALES__V1__TENANT_POLICY__INIT;
        const Sales__V1__GetTenantResponse *r = (const void *)reply;

        ctl_json(ctl, r->tenant && r->tenant->policy ? &r->tenant->policy->base : &none.base);
    }
    sales_call_release(&call);
    return code;
}

/* A policy in the making. */
struct change {
    struct ctl *ctl;
    const struct command *command;
    ProtobufCMessage *request;
    size_t n;
};

/* "ai.monthly_budget_micro_usd = 5000000" into policy and mask. */
static enum exit_code take(struct change *k, str text)
{
    struct arena *a = &k->ctl->arena;
    struct setter s = {.arena = a, .now_us = ctl_now_us()};
    const ProtobufCFieldDescriptor *field;
    const ProtobufCMessage *holder;
    str path = str_trim(str_cut(&text, '=')), value = str_trim(text);
    const char *full = arena_printf(a, "policy." STR_FMT, STR_ARG(path));

    if (!path.n || k->n++ == POLICY_PATHS_MAX)
        return usage_error(k->ctl, k->command, "up to %d of PATH=VALUE are taken",
                           POLICY_PATHS_MAX);
    if (full && !path_find(k->request, full, &holder, &field))
        return usage_error(k->ctl, k->command, "the policy has no field " STR_FMT, STR_ARG(path));
    if (!full || (value.n && !path_set(&s, k->request, full, value)) ||
        !path_set(&s, k->request, "update_mask.paths", path))
        return usage_error(k->ctl, k->command, STR_FMT ": %s", STR_ARG(path),
                           s.why ? s.why : "no memory");
    return CTL_OK;
}

static enum exit_code take_file(struct change *k, const char *name)
{
    char *text = arena_take(&k->ctl->arena, POLICY_FILE_BYTES_MAX + 1);
    FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "r");
    enum exit_code code = CTL_OK;
    str rest = {0};

    if (f && text)
        rest = (str){text, fread(text, 1, POLICY_FILE_BYTES_MAX + 1, f)};
    if (f && f != stdin)
        fclose(f);
    if (!f || !text || rest.n > POLICY_FILE_BYTES_MAX)
        return usage_error(k->ctl, k->command, "%s: %s", name,
                           f ? "larger than 1 MiB" : strerror(errno));
    while (rest.n && code == CTL_OK) {
        str line = str_trim(str_cut(&rest, '\n'));

        if (line.n && line.p[0] != '#')
            code = take(k, line);
    }
    return code;
}

enum exit_code admin_policy_set_run(struct ctl *ctl, const struct command *command,
                                    const struct args *args)
{
    struct change k = {ctl, command, ctl_request(ctl, command, args), 0};
    struct sales_call call = ctl_call(ctl);
    struct setter s = {.arena = &ctl->arena};
    const char *file = args_text(args, "file");
    enum exit_code code = k.request ? CTL_OK : CTL_USAGE;
    ProtobufCMessage *reply;

    if (code == CTL_OK && !path_set(&s, k.request, "policy.default_language", STR("")))
        code = CTL_FAILED; /* makes the policy: it must be there, also when all is emptied */
    if (code == CTL_OK && file)
        code = take_file(&k, file);
    for (size_t i = 0; i < args->n_words && code == CTL_OK; i++)
        code = take(&k, str_of(args->words[i]));
    if (code == CTL_OK && !k.n)
        code = usage_error(ctl, command, "say what to set: PATH=VALUE, or --file");
    if (code == CTL_OK)
        code = ctl_unary(ctl, &call, command->method, k.request, &reply);
    if (code == CTL_OK && ctl->json)
        ctl_json(ctl, reply);
    else if (code == CTL_OK)
        show_item(&ctl->arena, &ctl->out, command->view, reply);
    sales_call_release(&call);
    return code;
}
