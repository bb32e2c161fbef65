/* emit_service: the server's side of a service: handler struct, thunks, and the table of methods.
 */
#include <string.h>

#include "base/banned.h"
#include "emit.h"
#include "google/api/http.pb-c.h"
#include "method.h"
#include "naming.h"
#include "options.h"

/* --- header --- */

static void emit_handler(const struct rpc *r, struct buf *out)
{
    if (!r->streams) {
        buf_printf(out,
                   "    enum status (*%s)(struct call *c, void *self, const %s *in,\n"
                   "        %s *out);\n",
                   r->member, r->in->name, r->out->name);
        return;
    }
    buf_printf(out,
               "    struct {\n"
               "        enum status (*message)(struct call *c, void *self, struct rpc_stream *s,\n"
               "            const %s *in);\n"
               "        struct stream_hooks hooks;\n"
               "    } %s;\n",
               r->in->name, r->member);
}

static void emit_send(const struct rpc *r, struct buf *out)
{
    buf_printf(out,
               "static inline size_t %s_%s_send(struct rpc_stream *s, const %s *out)\n"
               "{\n"
               "    return rpc_stream_send(s, &out->base);\n"
               "}\n",
               r->prefix, r->member, r->out->name);
}

static void emit_service_types(struct model *m, const struct file *f, size_t service,
                               struct buf *out)
{
    const ServiceProto *s = f->proto->service[service];
    const char *prefix = naming_convert(m->arena, s->name, NAMING_LOWER);
    const char *macro = naming_convert(m->arena, s->name, NAMING_UPPER);
    const char *full = rpc_service_name(m, f, service);

    buf_printf(out,
               "/* %s: what a server fills in. An empty slot answers UNIMPLEMENTED. */\n"
               "struct %s_handlers {\n",
               full, prefix);
    for (size_t i = 0; i < s->n_method; i++) {
        struct rpc r = rpc_of(m, f, service, i);
        emit_handler(&r, out);
    }
    buf_put(out, STR("};\n\n"));

    buf_put(out, STR("/* Indexes of the service's methods. */\nenum {\n"));
    for (size_t i = 0; i < s->n_method; i++)
        buf_printf(out, "    %s_%s,\n", macro, rpc_of(m, f, service, i).member_macro);
    buf_printf(out, "    %s_N_METHODS\n};\n\n", macro);

    const char *symbol = naming_path(m->arena, full, NAMING_LOWER, "__");
    buf_printf(out, "extern const struct service %s__service;\n#define %s_service %s__service\n\n",
               symbol, prefix, symbol);
    for (size_t i = 0; i < s->n_method; i++) {
        struct rpc r = rpc_of(m, f, service, i);
        if (r.streams)
            emit_send(&r, out);
    }
    buf_put(out, STR("\n"));
}

void emit_service_header(struct model *m, const struct file *f, struct buf *out)
{
    emit_guard_open(m, f, ".service.h", out);
    buf_put(out, STR("#include \"schema/method.h\"\n"));
    bool *used = model_alloc(m, sizeof *used, m->n_files);
    used[f->index] = true;
    model_uses(m, f, MODEL_METHODS, used);
    for (size_t i = 0; i < m->n_files; i++)
        if (used[i])
            buf_printf(out, "#include \"%s.h\"\n", m->files[i].base);
    buf_put(out, STR("\n"));
    for (size_t i = 0; i < f->proto->n_service; i++)
        emit_service_types(m, f, i, out);
    emit_guard_close(out);
}

/* --- source --- */

static void emit_unary_thunk(const struct rpc *r, struct buf *out)
{
    buf_printf(out,
               "static enum status %s_%s_unary(struct call *c, const void *handlers, void *self,\n"
               "    const ProtobufCMessage *in, ProtobufCMessage *out)\n"
               "{\n"
               "    const struct %s_handlers *h = handlers;\n"
               "    if (!h->%s)\n"
               "        return call_fail(c, STATUS_UNIMPLEMENTED, \"%s/%s is not implemented\");\n"
               "    return h->%s(c, self, (const %s *)in, (%s *)out);\n"
               "}\n\n",
               r->prefix, r->member, r->prefix, r->member, r->full_service, r->method->name,
               r->member, r->in->name, r->out->name);
}

static void emit_stream_thunks(const struct rpc *r, struct buf *out)
{
    buf_printf(
        out,
        "static enum status %s_%s_message(struct call *c, const void *handlers, void *self,\n"
        "    struct rpc_stream *s, const ProtobufCMessage *in)\n"
        "{\n"
        "    const struct %s_handlers *h = handlers;\n"
        "    if (!h->%s.message)\n"
        "        return call_fail(c, STATUS_UNIMPLEMENTED, \"%s/%s is not implemented\");\n"
        "    return h->%s.message(c, self, s, (const %s *)in);\n"
        "}\n\n",
        r->prefix, r->member, r->prefix, r->member, r->full_service, r->method->name, r->member,
        r->in->name);
    buf_printf(out,
               "static const struct stream_hooks *%s_%s_hooks(const void *handlers)\n"
               "{\n"
               "    const struct %s_handlers *h = handlers;\n"
               "    return &h->%s.hooks;\n"
               "}\n\n",
               r->prefix, r->member, r->prefix, r->member);
}

typedef Google__Api__HttpRule HttpRule;

static void emit_http_rule(struct model *m, const struct file *f, const struct rpc *r,
                           const HttpRule *h, struct buf *out)
{
    static const char *const verbs[] = {
        [GOOGLE__API__HTTP_RULE__PATTERN_GET] = "GET",
        [GOOGLE__API__HTTP_RULE__PATTERN_PUT] = "PUT",
        [GOOGLE__API__HTTP_RULE__PATTERN_POST] = "POST",
        [GOOGLE__API__HTTP_RULE__PATTERN_DELETE] = "DELETE",
        [GOOGLE__API__HTTP_RULE__PATTERN_PATCH] = "PATCH",
    };
    const char *verb = NULL, *path = NULL;
    if (h->pattern_case == GOOGLE__API__HTTP_RULE__PATTERN_CUSTOM) {
        verb = h->custom->kind;
        path = h->custom->path;
    } else if ((size_t)h->pattern_case < sizeof verbs / sizeof verbs[0]) {
        verb = verbs[h->pattern_case];
        path = h->get; /* all patterns are strings that share their place in the union */
    }
    if (!verb || !path) {
        model_error(m, f, &r->place, "%s: google.api.http has no pattern", r->method->name);
        return;
    }
    if (h->response_body && *h->response_body)
        model_error(m, f, &r->place, "%s: google.api.http.response_body is not supported",
                    r->method->name);
    buf_put(out, STR("    {"));
    emit_literal(out, str_of(verb));
    buf_put(out, STR(", "));
    emit_literal(out, str_of(path));
    buf_put(out, STR(", "));
    emit_literal(out, str_of(h->body));
    buf_put(out, STR("},\n"));
}

/* Returns the number of rules, so 0 means that there is no table. */
static size_t emit_http(struct model *m, const struct file *f, const struct rpc *r, struct buf *out)
{
    const ProtobufCMessage *options = r->method->options ? &r->method->options->base : NULL;
    const HttpRule *h = (const HttpRule *)option_message(m->arena, options, OPTION_HTTP,
                                                         &google__api__http_rule__descriptor);
    if (!h)
        return 0;
    buf_printf(out, "static const struct http_rule %s_%s_http[] = {\n", r->prefix, r->member);
    emit_http_rule(m, f, r, h, out);
    for (size_t i = 0; i < h->n_additional_bindings; i++)
        emit_http_rule(m, f, r, h->additional_bindings[i], out);
    buf_put(out, STR("};\n\n"));
    return 1 + h->n_additional_bindings;
}

static const char *shape_of(const MethodProto *p)
{
    if (p->client_streaming)
        return p->server_streaming ? "METHOD_BIDI" : "METHOD_CLIENT_STREAM";
    return p->server_streaming ? "METHOD_SERVER_STREAM" : "METHOD_UNARY";
}

static void emit_row(const struct rpc *r, size_t n_http, struct buf *out)
{
    enum { EXECUTION_LOOP = 2 }; /* of sales.v1.Execution */
    const ProtobufCMessage *options = r->method->options ? &r->method->options->base : NULL;
    bool on_loop = option_number(options, OPTION_EXECUTION) == EXECUTION_LOOP;
    bool mutating = option_number(options, OPTION_MUTATING) != 0;

    buf_printf(out, "    [%s_%s] = {\n", r->macro, r->member_macro);
    buf_printf(out, "        .name = \"%s\",\n", r->method->name);
    buf_printf(out, "        .path = \"/%s/%s\",\n", r->full_service, r->method->name);
    buf_printf(out, "        .shape = %s,\n", shape_of(r->method));
    buf_printf(out, "        .execution = %s,\n", on_loop ? "METHOD_ON_LOOP" : "METHOD_ON_WORKER");
    buf_printf(out, "        .input = &%s__descriptor,\n", r->in->lower);
    buf_printf(out, "        .output = &%s__descriptor,\n", r->out->lower);
    if (r->in->has_rules)
        buf_printf(out, "        .rules = &%s__rules,\n", r->in->lower);
    buf_printf(out, "        .roles = 0x%x,\n", (unsigned)option_bits(options, OPTION_ROLES));
    buf_printf(out, "        .mutating = %s,\n", mutating ? "true" : "false");
    if (n_http > 0)
        buf_printf(out, "        .http = %s_%s_http,\n        .n_http = %zu,\n", r->prefix,
                   r->member, n_http);
    buf_printf(out, "        .handler = offsetof(struct %s_handlers, %s),\n", r->prefix, r->member);
    if (r->streams)
        buf_printf(out, "        .message = %s_%s_message,\n        .hooks = %s_%s_hooks,\n",
                   r->prefix, r->member, r->prefix, r->member);
    else
        buf_printf(out, "        .unary = %s_%s_unary,\n", r->prefix, r->member);
    buf_put(out, STR("    },\n"));
}

static void emit_service_table(struct model *m, const struct file *f, size_t service,
                               struct buf *out)
{
    const ServiceProto *s = f->proto->service[service];
    const char *prefix = naming_convert(m->arena, s->name, NAMING_LOWER);
    const char *macro = naming_convert(m->arena, s->name, NAMING_UPPER);
    const char *full = rpc_service_name(m, f, service);
    size_t *n_http = model_alloc(m, sizeof *n_http, s->n_method + 1);

    for (size_t i = 0; i < s->n_method; i++) {
        struct rpc r = rpc_of(m, f, service, i);
        if (r.streams)
            emit_stream_thunks(&r, out);
        else
            emit_unary_thunk(&r, out);
        n_http[i] = emit_http(m, f, &r, out);
    }
    if (s->n_method > 0) {
        buf_printf(out, "static const struct method %s_methods[%s_N_METHODS] = {\n", prefix, macro);
        for (size_t i = 0; i < s->n_method; i++) {
            struct rpc r = rpc_of(m, f, service, i);
            emit_row(&r, n_http[i], out);
        }
        buf_put(out, STR("};\n\n"));
    }
    buf_printf(out, "const struct service %s__service = {\n    .name = \"%s\",\n",
               naming_path(m->arena, full, NAMING_LOWER, "__"), full);
    if (s->n_method > 0)
        buf_printf(out, "    .methods = %s_methods,\n    .n_methods = %s_N_METHODS,\n", prefix,
                   macro);
    buf_put(out, STR("};\n\n"));
}

void emit_service_source(struct model *m, const struct file *f, struct buf *out)
{
    emit_banner(f, out);
    buf_printf(out, "#include \"%s.service.h\"\n\n", f->base);
    bool *used = model_alloc(m, sizeof *used, m->n_files);
    model_uses(m, f, MODEL_METHODS, used);
    for (size_t i = 0; i < m->n_files; i++)
        if (used[i])
            buf_printf(out, "#include \"%s.rules.h\"\n", m->files[i].base);
    buf_put(out, STR("\n"));
    for (size_t i = 0; i < f->proto->n_service; i++)
        emit_service_table(m, f, i, out);
}
