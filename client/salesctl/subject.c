/* What the table of commands cannot say: a stream of lines, and a flag that a command implies. */
#include "ctl/subject.h"

#include "base/banned.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"
#include "ctl/path.h"
#include "ctl/stream.h"
#include "sales/v1/admin.pb-c.h"

/* clang-format off */
static const struct view_column erased_rows[] = {
    {"erased at",      "erase_time", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"records",        "erased",     SHOW_PLAIN, ALIGN_LEFT, 0},
    {"held",           "held",       SHOW_PLAIN, ALIGN_LEFT, 0},
};
static const struct view_column held_rows[] = {
    {"records",        "records",    SHOW_PLAIN, ALIGN_LEFT, 0},
};
static const struct view_column key_rows[] = {
    {"key version",    "key_version",     SHOW_PLAIN, ALIGN_LEFT, 0},
    {"still to seal",  "pending_records", SHOW_PLAIN, ALIGN_LEFT, 0},
};
/* clang-format on */
#define VIEW(name, rows)                                                                           \
    const struct view name = {                                                                     \
        .path = "", .columns = (rows), .n_columns = sizeof(rows) / sizeof *(rows)}

VIEW(subject_erased_view, erased_rows);
VIEW(subject_held_view, held_rows);
VIEW(subject_key_view, key_rows);

enum exit_code subject_export_run(struct ctl *ctl, const struct command *command,
                                  const struct args *args)
{
    ProtobufCMessage *in = ctl_request(ctl, command, args), *m;
    struct sales_call call = ctl_call(ctl);
    enum exit_code code = CTL_OK;
    enum sales_status status;
    struct sales_stream *s;

    if (!in)
        return CTL_USAGE;
    if ((s = stream_start(ctl, &call, command->method, in)) == NULL)
        return CTL_FAILED;
    while ((status = sales_stream_recv(s, &m)) == SALES_OK && m) {
        const Sales__V1__ExportSubjectResponse *r = (const void *)m;

        if (fwrite(r->json_lines.data, 1, r->json_lines.len, ctl->out.file) != r->json_lines.len)
            code = CTL_FAILED;
    }
    sales_stream_close(s);
    if (status != SALES_OK)
        code = explain(ctl, &call);
    sales_call_release(&call);
    return fflush(ctl->out.file) == 0 ? code : CTL_FAILED;
}

enum exit_code subject_hold_run(struct ctl *ctl, const struct command *command,
                                const struct args *args)
{
    Sales__V1__SetLegalHoldRequest *in = (void *)ctl_request(ctl, command, args);
    struct sales_call call = ctl_call(ctl);
    ProtobufCMessage *reply;
    enum exit_code code;

    if (!in)
        return CTL_USAGE;
    in->hold = 1;
    code = ctl_unary(ctl, &call, command->method, &in->base, &reply);
    if (code == CTL_OK)
        ctl_reply(ctl, command, reply);
    sales_call_release(&call);
    return code;
}
