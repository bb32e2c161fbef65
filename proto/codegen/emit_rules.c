#include "emit.h"

void rules_mark(struct model *m)
{
    (void)m;
}
void emit_rules_header(struct model *m, const struct file *f, struct buf *out)
{
    emit_guard_open(m, f, ".rules.h", out);
    buf_put(out, STR("#include \"schema/rules.h\"\n\n"));
    emit_guard_close(out);
}
void emit_rules_source(struct model *m, const struct file *f, struct buf *out)
{
    (void)m;
    emit_banner(f, out);
    buf_printf(out, "#include \"%s.rules.h\"\n", f->base);
}
