/* grpc.reflection, v1 and v1alpha: the messages are the same on the wire, so one handler serves
 * both from the schema's own bytes. */
#include <grpc/status.h>
#include <stdlib.h>

#include "grpc/reflection/v1/reflection.service.h"
#include "rpc/descriptors.h"
#include "rpc/internal.h"

struct reflection {
    struct rpc_server *server;
    struct descriptors *schema;
    struct method alpha_method; /* the v1 row under the old name */
    struct service alpha;
};

static void answer_error(ServerReflectionResponse *out, ErrorResponse *e, int code, const char *why)
{
    e->error_code = code;
    e->error_message = (char *)why;
    out->error_response = e;
    out->message_response_case = SERVER_REFLECTION_RESPONSE_MESSAGE_RESPONSE_ERROR_RESPONSE;
}

/* Marks `file` and everything it imports, then lists them: `file` first, imports in set order. */
static enum status list_files(struct call *c, struct arena *a, const struct descriptors *d,
                              size_t file, FileDescriptorResponse *out)
{
    size_t n = descriptors_n_files(d), n_todo = 0;
    bool *seen = NEW(a, bool, n);
    size_t *todo = NEW(a, size_t, n);

    out->file_descriptor_proto = NEW(a, ProtobufCBinaryData, n);
    if (!seen || !todo || !out->file_descriptor_proto)
        return call_nomem(c);
    seen[file] = true;
    todo[n_todo++] = file;
    while (out->n_file_descriptor_proto < n_todo) {
        size_t i = todo[out->n_file_descriptor_proto];
        const Google__Protobuf__FileDescriptorProto *f = descriptors_proto(d, i);
        str bytes = descriptors_file(d, i);

        out->file_descriptor_proto[out->n_file_descriptor_proto++] =
            (ProtobufCBinaryData){bytes.n, (uint8_t *)bytes.p};
        for (size_t k = 0; k < f->n_dependency; k++) {
            size_t import;

            if (!descriptors_find_file(d, f->dependency[k], &import) || seen[import])
                continue;
            seen[import] = true;
            todo[n_todo++] = import;
        }
    }
    return STATUS_OK;
}

static enum status list_services(struct call *c, struct arena *a, const struct rpc_server *s,
                                 ListServiceResponse *out)
{
    ServiceResponse *names = NEW(a, ServiceResponse, s->n_services);

    out->service = NEW(a, ServiceResponse *, s->n_services);
    if (!names || !out->service)
        return call_nomem(c);
    for (size_t i = 0; i < s->n_services; i++) {
        grpc__reflection__v1__service_response__init(&names[i]);
        names[i].name = (char *)s->services[i]->name;
        out->service[out->n_service++] = &names[i];
    }
    return STATUS_OK;
}

static enum status list_extensions(struct call *c, struct arena *a, const struct descriptors *d,
                                   char *type, ExtensionNumberResponse *out)
{
    out->base_type_name = type;
    out->n_extension_number = descriptors_extensions(d, type, NULL, 0);
    if ((out->extension_number = NEW(a, int32_t, out->n_extension_number)) == NULL)
        return call_nomem(c);
    descriptors_extensions(d, type, out->extension_number, out->n_extension_number);
    return STATUS_OK;
}

static bool find_file(const struct descriptors *d, const ServerReflectionRequest *in, size_t *file)
{
    switch ((int)in->message_request_case) {
    case SERVER_REFLECTION_REQUEST_MESSAGE_REQUEST_FILE_BY_FILENAME:
        return descriptors_find_file(d, in->file_by_filename, file);
    case SERVER_REFLECTION_REQUEST_MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        return descriptors_find_symbol(d, in->file_containing_symbol, file);
    case SERVER_REFLECTION_REQUEST_MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
        return descriptors_find_extension(d, in->file_containing_extension->containing_type,
                                          in->file_containing_extension->extension_number, file);
    default: return false;
    }
}

static enum status info(struct call *c, void *self, struct rpc_stream *s,
                        const ServerReflectionRequest *in)
{
    struct reflection *r = self;
    struct arena *a = rpc_stream_scratch(s);
    ServerReflectionResponse out = SERVER_REFLECTION_RESPONSE_INIT;
    FileDescriptorResponse files = FILE_DESCRIPTOR_RESPONSE_INIT;
    ExtensionNumberResponse numbers = EXTENSION_NUMBER_RESPONSE_INIT;
    ListServiceResponse services = LIST_SERVICE_RESPONSE_INIT;
    ErrorResponse error = ERROR_RESPONSE_INIT;
    size_t file;

    out.valid_host = in->host;
    out.original_request = (ServerReflectionRequest *)in;
    if (in->message_request_case == SERVER_REFLECTION_REQUEST_MESSAGE_REQUEST_LIST_SERVICES) {
        TRY(list_services(c, a, r->server, &services));
        out.list_services_response = &services;
        out.message_response_case =
            SERVER_REFLECTION_RESPONSE_MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    } else if (in->message_request_case ==
                   SERVER_REFLECTION_REQUEST_MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE &&
               descriptors_find_symbol(r->schema, in->all_extension_numbers_of_type, &file)) {
        TRY(list_extensions(c, a, r->schema, in->all_extension_numbers_of_type, &numbers));
        out.all_extension_numbers_response = &numbers;
        out.message_response_case =
            SERVER_REFLECTION_RESPONSE_MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
    } else if (find_file(r->schema, in, &file)) {
        TRY(list_files(c, a, r->schema, file, &files));
        out.file_descriptor_response = &files;
        out.message_response_case =
            SERVER_REFLECTION_RESPONSE_MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    } else {
        answer_error(&out, &error, GRPC_STATUS_NOT_FOUND, "not in this server's schema");
    }
    server_reflection_server_reflection_info_send(s, &out);
    return STATUS_OK;
}

static const struct server_reflection_handlers handlers = {
    .server_reflection_info = {.message = info},
};

enum status reflection_new(struct rpc_server *s, struct reflection **out)
{
    struct reflection *r = calloc(1, sizeof *r);
    enum status st;

    *out = NULL;
    if (!r)
        return STATUS_EXHAUSTED;
    if ((st = descriptors_new((str){s->o.schema, s->o.n_schema}, &r->schema)) != STATUS_OK) {
        free(r);
        return st;
    }
    r->server = s;
    r->alpha_method = server_reflection_service.methods[0];
    r->alpha_method.path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
    r->alpha = (struct service){"grpc.reflection.v1alpha.ServerReflection", &r->alpha_method, 1};
    *out = r;
    return STATUS_OK;
}

void reflection_free(struct reflection *r)
{
    if (!r)
        return;
    descriptors_free(r->schema);
    free(r);
}

size_t reflection_bindings(struct reflection *r, struct service_binding out[2])
{
    out[0] = (struct service_binding){&server_reflection_service, &handlers, r};
    out[1] = (struct service_binding){&r->alpha, &handlers, r};
    return 2;
}
