/*
 * emit: the parts of a file's output. Each emitter appends text to *out and reports what it cannot
 * express through model_error; it never writes half of a fact.
 */
#ifndef CODEGEN_EMIT_H
#define CODEGEN_EMIT_H

#include "model.h"

/* One output file per row: suffix behind the path without ".proto". */
struct emitter {
    const char *suffix; /* ".service.h" */
    void (*emit)(struct model *m, const struct file *f, struct buf *out);
    bool only_services; /* skipped for files that declare none */
};

extern const struct emitter emitters[];
extern const size_t n_emitters;

void emit_types(struct model *m, const struct file *f, struct buf *out);
void emit_service_header(struct model *m, const struct file *f, struct buf *out);
void emit_service_source(struct model *m, const struct file *f, struct buf *out);
void emit_client(struct model *m, const struct file *f, struct buf *out);
void emit_rules_header(struct model *m, const struct file *f, struct buf *out);
void emit_rules_source(struct model *m, const struct file *f, struct buf *out);

/* Marks the types that carry rules (type.has_rules); before any emitter runs. */
void rules_mark(struct model *m);

/* "Generated ... do not edit" and, for headers, the guard. */
void emit_banner(const struct file *f, struct buf *out);
void emit_guard_open(struct model *m, const struct file *f, const char *suffix, struct buf *out);
void emit_guard_close(struct buf *out);

/* A C string literal with its quotes, of any bytes. */
void emit_literal(struct buf *out, str text);

#endif
