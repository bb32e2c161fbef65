/* method: names of RPCs. */
#include "method.h"

#include "base/banned.h"
#include "naming.h"

enum { TAG_FILE_SERVICE = 6, TAG_SERVICE_METHOD = 2 };

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
        .member = naming_convert(m->arena, p->name, NAMING_LOWER),
        .member_macro = naming_convert(m->arena, p->name, NAMING_UPPER),
        .in = model_type(m, p->input_type),
        .out = model_type(m, p->output_type),
        .streams = p->client_streaming || p->server_streaming,
    };
}
