/*
 * model: what one CodeGeneratorRequest says, indexed so that the emitters only have to look up.
 *
 * Built once, then read only, except for the list of errors. Everything lives in one arena until
 * the process ends.
 */
#ifndef CODEGEN_MODEL_H
#define CODEGEN_MODEL_H

#include "base/buf.h"
#include "google/protobuf/compiler/plugin.pb-c.h"

typedef Google__Protobuf__FileDescriptorProto FileProto;
typedef Google__Protobuf__DescriptorProto MessageProto;
typedef Google__Protobuf__EnumDescriptorProto EnumProto;
typedef Google__Protobuf__FieldDescriptorProto FieldProto;
typedef Google__Protobuf__ServiceDescriptorProto ServiceProto;
typedef Google__Protobuf__MethodDescriptorProto MethodProto;
typedef Google__Protobuf__Compiler__CodeGeneratorRequest Request;

enum { MODEL_PATH_MAX = 2 * 34 }; /* protoc nests messages at most 32 deep */

/* Where something stands in its file: the path of SourceCodeInfo.Location. */
struct place {
    int32_t at[MODEL_PATH_MAX];
    size_t n;
};

struct file {
    const FileProto *proto;
    const char *base; /* "sales/v1/lead": the path without ".proto" */
    size_t index;     /* in model.files */
    bool *sees;       /* [n_files] this file or an import of it, at any distance */
};

/* A message or an enum. */
struct type {
    const struct file *file;
    const MessageProto *message;  /* one of these two */
    const EnumProto *enumeration; /* is set */
    const struct type *outer;     /* the message around it or NULL */
    struct place place;
    const char *full;  /* sales.v1.Outer.Inner */
    const char *camel; /* Sales__V1__Outer__Inner */
    const char *lower; /* sales__v1__outer__inner */
    const char *upper; /* SALES__V1__OUTER__INNER */
    const char *name;  /* Outer_Inner */
    const char *snake; /* outer_inner */
    const char *macro; /* OUTER_INNER */
    bool is_map_entry;
    bool has_rules; /* its fields, or those of a message in it, carry validation rules */
};

struct model {
    struct arena *arena;
    struct file *files; /* [n_files] each after its imports */
    size_t n_files;
    struct type *types; /* [n_types] outer before inner */
    size_t n_types;
    struct buf errors; /* one per line, empty: all is well */
};

void model_build(struct model *m, struct arena *a, const Request *request);

const struct file *model_file(const struct model *m, const char *path);

/* Of a name as descriptors spell it, ".sales.v1.Lead"; NULL when there is none. */
const struct type *model_type(const struct model *m, const char *name);

/* The place of the i-th element of the repeated field `tag` inside of `around`. */
struct place place_in(const struct place *around, int32_t tag, size_t i);

/* Records "path:line: text"; the generator then emits nothing. */
void model_error(struct model *m, const struct file *f, const struct place *p, const char *fmt, ...)
    PRINTF_LIKE(4, 5);

/* Which files declare the types that this file's fields, or its methods, use. */
enum model_use { MODEL_FIELDS = 1, MODEL_METHODS = 2 };
void model_uses(const struct model *m, const struct file *f, unsigned uses,
                bool *used /* [n_files] */);

/* Zeroed memory; ends the process when there is none. */
void *model_alloc(struct model *m, size_t size, size_t count);

#endif
