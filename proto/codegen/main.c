/*
 * protoc-gen-sales: the protoc plugin. Reads a CodeGeneratorRequest from standard input, writes a
 * CodeGeneratorResponse to standard output: either all files or all errors.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/banned.h"
#include "emit.h"
#include "naming.h"

typedef Google__Protobuf__Compiler__CodeGeneratorResponse Response;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse__File OutputFile;

enum {
    REQUEST_BYTES_MAX = 256 << 20, /* descriptors with comments of thousands of files */
    OUTPUT_BYTES_MAX = 16 << 20,   /* one generated file */
};
static const size_t memory_limit_bytes = (size_t)2 << 30;

static void die(const char *why)
{
    fprintf(stderr, "protoc-gen-sales: %s\n", why);
    exit(1);
}

static uint8_t *read_request(size_t *n)
{
    size_t cap = 1 << 20;
    uint8_t *p = malloc(cap);
    *n = 0;
    while (p) {
        *n += fread(p + *n, 1, cap - *n, stdin);
        if (*n < cap)
            break;
        if (cap >= REQUEST_BYTES_MAX)
            die("the request is too large");
        uint8_t *larger = realloc(p, cap *= 2);
        if (!larger)
            free(p);
        p = larger;
    }
    if (!p)
        die("out of memory");
    if (ferror(stdin))
        die("cannot read the request");
    return p;
}

static void emit_file(struct model *m, const struct file *f, Response *response)
{
    for (size_t i = 0; i < n_emitters; i++) {
        if (emitters[i].only_services && f->proto->n_service == 0)
            continue;
        struct buf text;
        buf_init(&text, m->arena, OUTPUT_BYTES_MAX);
        emitters[i].emit(m, f, &text);
        if (!buf_ok(&text))
            die("a generated file is too large");
        OutputFile *out = model_alloc(m, sizeof *out, 1);
        google__protobuf__compiler__code_generator_response__file__init(out);
        out->name = (char *)naming_text(m->arena, "%s%s", f->base, emitters[i].suffix);
        out->content = (char *)buf_str(&text).p;
        response->file[response->n_file++] = out;
    }
}

static void write_response(struct arena *a, const Response *response)
{
    size_t n = google__protobuf__compiler__code_generator_response__get_packed_size(response);
    uint8_t *bytes = arena_take(a, n + 1);
    if (!bytes)
        die("out of memory");
    google__protobuf__compiler__code_generator_response__pack(response, bytes);
    if (fwrite(bytes, 1, n, stdout) != n || fflush(stdout) != 0)
        die("cannot write the response");
}

int main(void)
{
    size_t n = 0;
    uint8_t *bytes = read_request(&n);
    Request *request = google__protobuf__compiler__code_generator_request__unpack(NULL, n, bytes);
    free(bytes);
    if (!request)
        die("the request is not a CodeGeneratorRequest");

    struct arena arena;
    arena_init(&arena, memory_limit_bytes);
    struct model model;
    model_build(&model, &arena, request);
    rules_mark(&model);

    Response response = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
    response.file =
        model_alloc(&model, sizeof(OutputFile *), request->n_file_to_generate * n_emitters);
    for (size_t i = 0; i < request->n_file_to_generate; i++) {
        const struct file *f = model_file(&model, request->file_to_generate[i]);
        if (!f)
            die("a file to generate is not in the request");
        emit_file(&model, f, &response);
    }
    str errors = buf_str(&model.errors);
    if (errors.n > 0) {
        response.error = (char *)errors.p;
        response.n_file = 0;
    }
    write_response(&arena, &response);
    arena_release(&arena);
    google__protobuf__compiler__code_generator_request__free_unpacked(request, NULL);
    return 0;
}
