/* The commands that are one call: options to request, request to reply, reply to view. */
#include "ctl/ctl.h"

#include <assert.h>
#include <stdlib.h>

#include "base/banned.h"
#include "base/clock.h"
#include "ctl/explain.h"
#include "ctl/path.h"
#include "grpc/health/v1/health.service.h"
#include "sales/v1/admin.service.h"
#include "sales/v1/forecast.service.h"
#include "sales/v1/sales_agent.service.h"
#include "schema/json.h"

enum {
    PAGES_MAX = 10000,
    PEM_BYTES_MAX = 1 << 20, /* the issuers of a whole distribution take a quarter of that */
};

int64_t ctl_now_ns(void)
{
    return system_clock.monotonic_ns(&system_clock);
}

int64_t ctl_now_us(void)
{
    return system_clock.now_us(&system_clock);
}

/* An empty variable says nothing. */
static const char *said(const char *variable)
{
    const char *text = getenv(variable);

    return text && *text ? text : NULL;
}

void ctl_init(struct ctl *ctl, FILE *out, FILE *err)
{
    const char *address = said("SALES_ADDRESS");

    *ctl = (struct ctl){
        .out = term_of(out),
        .err = term_of(err),
        .address = address ? address : "localhost:50051",
        .api_key = getenv("SALES_API_KEY"),
        .tls = {said("SALES_TLS"), said("SALES_TLS_CA"), said("SALES_TLS_CLIENT_CERT"),
                said("SALES_TLS_CLIENT_KEY"), said("SALES_TLS_NAME")},
        .cancel = sales_cancel_new(),
    };
    arena_init(&ctl->arena, ARENA_BYTES_MAX);
}

void ctl_release(struct ctl *ctl)
{
    sales_client_close(ctl->client);
    sales_cancel_free(ctl->cancel);
    arena_release(&ctl->arena);
}

/* NULL: no path, or the complaint is printed and *ok false. */
static const char *read_pem(struct ctl *ctl, const char *option, const char *path, bool *ok)
{
    FILE *f = path ? fopen(path, "re") : NULL;
    char *text = f ? NEW(&ctl->arena, char, PEM_BYTES_MAX + 1) : NULL;
    size_t n = text ? fread(text, 1, PEM_BYTES_MAX, f) : 0;

    if (f)
        fclose(f);
    if (!path)
        return NULL;
    if (n == 0 || n == PEM_BYTES_MAX) {
        usage_error(ctl, NULL, "--%s: cannot read '%s'", option, path);
        *ok = false;
        return NULL;
    }
    text[n] = 0;
    return text;
}

static bool tls_options(struct ctl *ctl, struct sales_options *o)
{
    const struct ctl_tls *tls = &ctl->tls;
    bool on = tls->on && strcmp(tls->on, "true") == 0, ok = true;

    if (!on && !tls->ca && !tls->cert && !tls->key && !tls->name)
        return true;
    if (!tls->cert != !tls->key) {
        usage_error(ctl, NULL, "--tls-cert and --tls-key go together");
        return false;
    }
    o->security = SALES_TLS;
    o->tls_server_name = tls->name;
    o->tls_roots_pem = read_pem(ctl, "tls-ca", tls->ca, &ok);
    o->tls_cert_pem = read_pem(ctl, "tls-cert", tls->cert, &ok);
    o->tls_key_pem = read_pem(ctl, "tls-key", tls->key, &ok);
    return ok;
}

struct sales_client *ctl_client(struct ctl *ctl)
{
    struct sales_options o = {.address = ctl->address, .api_key = ctl->api_key};

    if (ctl->client || !tls_options(ctl, &o))
        return ctl->client;
    if (sales_client_open(&o, &ctl->client) != SALES_OK)
        usage_error(ctl, NULL, "cannot use the address '%s'", ctl->address);
    return ctl->client;
}

struct sales_call ctl_call(const struct ctl *ctl)
{
    return (struct sales_call){.timeout_ms = ctl->timeout_ms, .cancel = ctl->cancel};
}

const struct method *ctl_method(const char *path)
{
    static const struct service *const services[] = {&sales_agent_service, &admin_service,
                                                     &forecast_service, &health_service, NULL};
    const struct method *m = NULL;

    for (const struct service *const *s = services; !m && *s; s++)
        m = service_find(*s, path);
    return m;
}

enum exit_code ctl_unary(struct ctl *ctl, struct sales_call *call, const char *path,
                         const ProtobufCMessage *in, ProtobufCMessage **out)
{
    const struct method *m = ctl_method(path);

    *out = NULL;
    assert(m && m->input == in->descriptor);
    if (!ctl_client(ctl))
        return CTL_USAGE;
    if (sales_unary(ctl->client, call, &(struct sales_method){path, m->output}, in, out) !=
        SALES_OK)
        return explain(ctl, call);
    return CTL_OK;
}

void ctl_json(struct ctl *ctl, const ProtobufCMessage *m)
{
    struct arena a;
    struct buf b;

    arena_init(&a, 2 * (size_t)JSON_BYTES_MAX);
    buf_init(&b, &a, JSON_BYTES_MAX);
    if (message_to_json(&a, m, &b) == STATUS_OK && buf_ok(&b))
        fprintf(ctl->out.file, "%s\n", buf_str(&b).p);
    else
        fprintf(ctl->err.file, "salesctl: the reply is too large to print\n");
    arena_release(&a);
}

/* ---- requests -------------------------------------------------------------------------------- */

struct filling {
    struct ctl *ctl;
    const struct command *command;
    ProtobufCMessage *request;
};

static bool fill(struct filling *f, const char *what, const char *path, const char *text)
{
    struct setter s = {.arena = &f->ctl->arena, .now_us = ctl_now_us()};

    if (path_set(&s, f->request, path, str_of(text)))
        return true;
    usage_error(f->ctl, f->command, "%s %s", what, s.why);
    return false;
}

/* "lead.company.name" under the mask "lead" -> "company.name"; an attribute adds its key. */
static bool add_mask_path(struct filling *f, const struct given *g)
{
    const char *mask = f->command->mask;
    size_t n = mask ? strlen(mask) : 0;
    const char *path = g->option->path, *member, *text;

    if (strcmp(g->option->name, "clear") == 0 || !n || strncmp(path, mask, n) != 0 ||
        path[n] != '.')
        return true;
    member = path + n + 1;
    if (strcmp(member, "id") == 0 || strcmp(member, "etag") == 0)
        return true;
    text = strcmp(member, "attributes") == 0 ? arena_printf(&f->ctl->arena, "attributes.%.*s",
                                                            (int)strcspn(g->text, "="), g->text)
                                             : member;
    return text && fill(f, "--clear", "update_mask.paths", text);
}

ProtobufCMessage *ctl_request(struct ctl *ctl, const struct command *command,
                              const struct args *args)
{
    struct filling f = {ctl, command, path_new(&ctl->arena, ctl_method(command->method)->input)};

    if (!f.request)
        return NULL;
    for (size_t i = 0; i < args->n_words; i++) {
        size_t k = i < command->n_arguments ? i : command->n_arguments - 1;
        const struct argument *a = &command->arguments[k];

        if (a->path && !fill(&f, a->name, a->path, args->words[i]))
            return NULL;
    }
    for (size_t i = 0; i < args->n_given; i++) {
        const struct given *g = &args->given[i];
        const char *what = arena_printf(&ctl->arena, "--%s", g->option->name);

        if (!g->option->path)
            continue;
        if (!what || !fill(&f, what, g->option->path, g->option->value ? g->text : "yes") ||
            !add_mask_path(&f, g))
            return NULL;
    }
    return f.request;
}

/* ---- running --------------------------------------------------------------------------------- */

void ctl_reply(struct ctl *ctl, const struct command *c, const ProtobufCMessage *reply)
{
    if (ctl->json)
        ctl_json(ctl, reply);
    else if (c->shape == VIEW_LIST)
        show_list(&ctl->arena, &ctl->out, c->view, reply);
    else if (c->shape == VIEW_ITEM)
        show_item(&ctl->arena, &ctl->out, c->view, reply);
    if (!ctl->json && c->done)
        fprintf(ctl->out.file, "%s\n", c->done);
}

enum exit_code ctl_run(struct ctl *ctl, const struct command *command, const struct args *args,
                       ctl_show_fn *show)
{
    ProtobufCMessage *in = ctl_request(ctl, command, args), *reply;
    struct sales_call call = ctl_call(ctl);
    enum exit_code code;

    if (!in)
        return CTL_USAGE;
    code = ctl_unary(ctl, &call, command->method, in, &reply);
    if (code == CTL_OK)
        show(ctl, command, reply);
    sales_call_release(&call);
    return code;
}

enum exit_code call_run(struct ctl *ctl, const struct command *command, const struct args *args)
{
    return ctl_run(ctl, command, args, ctl_reply);
}

enum exit_code delete_run(struct ctl *ctl, const struct command *command, const struct args *args)
{
    if (!args_has(args, "yes"))
        return usage_error(ctl, command, "%s cannot be undone: say --yes", command->name);
    return call_run(ctl, command, args);
}

enum exit_code list_run(struct ctl *ctl, const struct command *command, const struct args *args)
{
    ProtobufCMessage *in = ctl_request(ctl, command, args), *reply;
    struct sales_call call = ctl_call(ctl);
    enum exit_code code = in ? CTL_OK : CTL_USAGE;

    for (int page = 0; code == CTL_OK && page < PAGES_MAX; page++) {
        struct setter setter = {.arena = &ctl->arena};
        const char *next;

        code = ctl_unary(ctl, &call, command->method, in, &reply);
        if (code != CTL_OK)
            break;
        ctl_reply(ctl, command, reply);
        next = show_field(&ctl->arena, reply, "next_page_token", SHOW_PLAIN);
        if (!*next)
            break;
        if (!args_has(args, "all")) {
            if (!ctl->json)
                fprintf(ctl->err.file, "more: --all, or --page-token %s\n", next);
            break;
        }
        if (!path_set(&setter, in, "page_token", str_of(next)))
            code = CTL_FAILED;
        sales_call_reset(&call);
    }
    sales_call_release(&call);
    return code;
}
