/* ExportSubject: a page of the person's records per message, as fast as the client reads. */
#include "agent/subject.h"
#include "service/admin.h"
#include "service/scope.h"

static enum status start(struct call *c, struct agents *a, struct rpc_stream *s,
                         const ExportSubjectRequest *in)
{
    struct subject_export *x;

    TRY(subject_export_open(c, a, in->subject, &x));
    rpc_stream_set_state(s, x); /* closed in done() */
    return STATUS_OK;
}

enum status export_subject_message(struct call *c, void *self, struct rpc_stream *s,
                                   const ExportSubjectRequest *in)
{
    struct scope scope;

    scope_enter(&scope, c, s);
    return scope_leave(&scope, start(&scope.call, self, s, in));
}

static enum status produce(struct call *c, struct agents *a, struct rpc_stream *s)
{
    ExportSubjectResponse out = EXPORT_SUBJECT_RESPONSE_INIT;

    TRY(subject_export_next(c, a, rpc_stream_state(s), &out));
    if (out.json_lines.len)
        admin_export_subject_send(s, &out);
    else
        rpc_stream_finish(s);
    return STATUS_OK;
}

enum status export_subject_writable(struct call *c, void *self, struct rpc_stream *s)
{
    struct scope scope;

    scope_enter(&scope, c, s);
    return scope_leave(&scope, produce(&scope.call, self, s));
}

void export_subject_done(struct call *c, void *self, struct rpc_stream *s)
{
    (void)c;
    (void)self;
    subject_export_close(rpc_stream_state(s));
}
