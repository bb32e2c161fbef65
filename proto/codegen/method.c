/* method: names of RPCs. */
#include "method.h"

#include <string.h>

#include "base/banned.h"
#include "naming.h"

enum { TAG_FILE_SERVICE = 6, TAG_SERVICE_METHOD = 2 };

/* clang-format off */
static const char *const keywords[] = {
    "auto", "break", "case", "char", "const", "continue", "default", "do", "double", "else", "enum",
    "extern", "float", "for", "goto", "if", "inline", "int", "long", "register", "restrict",
    "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "union",
    "unsigned", "void", "volatile", "while", "bool", "true", "false",
};
/* clang-format on */

static const char *member_name(struct model *m, const char *method)
{
    const char *name = naming_convert(m->arena, method, NAMING_LOWER);
    for (size_t i = 0; i < sizeof keywords / sizeof keywords[0]; i++)
        if (strcmp(name, keywords[i]) == 0)
            return naming_text(m->arena, "%s_", name);
    return name;
}

const char *rpc_service_name(struct model *m, const struct file *f, size_t service)
{
    const char *package = f->proto->package ? f->proto->package : "";
    return naming_text(m->arena, "%s%s%s", package, *package ? "." : "",
                       f->proto->service[service]->name);
}

struct rpc rpc_of(struct model *m, const struct file *f, size_t service, size_t method)
{
    static const struct place nowhere;
    const ServiceProto *s = f->proto->service[service];
    const MethodProto *p = s->method[method];
    struct place around = place_in(&nowhere, TAG_FILE_SERVICE, service);
    return (struct rpc){
        .service = s,
        .method = p,
        .place = place_in(&around, TAG_SERVICE_METHOD, method),
        .full_service = rpc_service_name(m, f, service),
        .prefix = naming_convert(m->arena, s->name, NAMING_LOWER),
        .macro = naming_convert(m->arena, s->name, NAMING_UPPER),
        .member = member_name(m, p->name),
        .member_macro = naming_convert(m->arena, p->name, NAMING_UPPER),
        .in = model_type(m, p->input_type),
        .out = model_type(m, p->output_type),
        .streams = p->client_streaming || p->server_streaming,
    };
}
