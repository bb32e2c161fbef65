/* emit_client: typed wrappers over the client library, in terms of protoc-c's names only, because
 * this header is installed and short names are not. */
#include <string.h>

#include "base/banned.h"
#include "emit.h"
#include "method.h"
#include "naming.h"

/* "sales_agent_create_lead", "sales_coaching_stream_call" */
static const char *function_name(struct model *m, const struct rpc *r)
{
    bool prefixed = str_starts(str_of(r->prefix), STR("sales_"));
    return naming_text(m->arena, "%s%s_%s", prefixed ? "" : "sales_", r->prefix, r->member);
}

static void emit_unary(struct model *m, const struct rpc *r, struct buf *out)
{
    buf_printf(
        out,
        "static inline enum sales_status %s(struct sales_client *client,\n"
        "    struct sales_call *call, const %s *in, %s **out)\n"
        "{\n"
        "    static const struct sales_method method = {\"/%s/%s\",\n"
        "        &%s__descriptor};\n"
        "    ProtobufCMessage *answer = NULL;\n"
        "    enum sales_status status = sales_unary(client, call, &method, &in->base, &answer);\n"
        "    *out = (%s *)answer;\n"
        "    return status;\n"
        "}\n\n",
        function_name(m, r), r->in->camel, r->out->camel, r->full_service, r->method->name,
        r->out->lower, r->out->camel);
}

static void emit_stream(struct model *m, const struct rpc *r, struct buf *out)
{
    const char *name = function_name(m, r);
    buf_printf(out,
               "static inline struct sales_stream *%s_open(struct sales_client *client,\n"
               "    struct sales_call *call)\n"
               "{\n"
               "    static const struct sales_method method = {\"/%s/%s\",\n"
               "        &%s__descriptor};\n"
               "    return sales_stream_open(client, call, &method);\n"
               "}\n\n",
               name, r->full_service, r->method->name, r->out->lower);
    buf_printf(out,
               "static inline enum sales_status %s_send(struct sales_stream *stream,\n"
               "    const %s *in)\n"
               "{\n"
               "    return sales_stream_send(stream, &in->base);\n"
               "}\n\n",
               name, r->in->camel);
    buf_printf(out,
               "/* *out is NULL at the end of the stream. */\n"
               "static inline enum sales_status %s_recv(struct sales_stream *stream,\n"
               "    %s **out)\n"
               "{\n"
               "    ProtobufCMessage *answer = NULL;\n"
               "    enum sales_status status = sales_stream_recv(stream, &answer);\n"
               "    *out = (%s *)answer;\n"
               "    return status;\n"
               "}\n\n",
               name, r->out->camel, r->out->camel);
}

void emit_client(struct model *m, const struct file *f, struct buf *out)
{
    emit_guard_open(m, f, ".client.h", out);
    buf_put(out, STR("#include \"client/sales.h\"\n"));
    bool *used = model_alloc(m, sizeof *used, m->n_files);
    used[f->index] = true;
    model_uses(m, f, MODEL_METHODS, used);
    for (size_t i = 0; i < m->n_files; i++)
        if (used[i])
            buf_printf(out, "#include \"%s.pb-c.h\"\n", m->files[i].base);
    buf_put(out, STR("\n"));
    for (size_t i = 0; i < f->proto->n_service; i++) {
        buf_printf(out, "/* --- %s --- */\n\n", rpc_service_name(m, f, i));
        for (size_t k = 0; k < f->proto->service[i]->n_method; k++) {
            struct rpc r = rpc_of(m, f, i, k);
            if (r.streams)
                emit_stream(m, &r, out);
            else
                emit_unary(m, &r, out);
        }
    }
    emit_guard_close(out);
}
