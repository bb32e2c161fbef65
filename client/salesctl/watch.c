/* Changes as they are committed. A cut connection is taken up again where it ended. */
#include "ctl/watch.h"

#include <time.h>

#include "base/banned.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"
#include "ctl/path.h"
#include "ctl/stream.h"
#include "sales/v1/sales_agent.pb-c.h"

enum { RESUMES_MAX = 1000, RESUME_AFTER_S = 1, TOKEN_BYTES = 1024 };

struct watch {
    struct ctl *ctl;
    long long left;              /* events to print; < 0: no end */
    char token[TOKEN_BYTES + 1]; /* where to resume */
};

static void print_event(struct ctl *ctl, const Sales__V1__LeadEvent *e)
{
    struct arena a;

    arena_init(&a, 1 << 20);
    fprintf(ctl->out.file, "%s  %s%-9s%s  %s  %s  %s  %s\n",
            show_field(&a, &e->base, "time", SHOW_PLAIN), term_ink(&ctl->out, INK_BOLD),
            show_field(&a, &e->base, "type", SHOW_PLAIN), term_ink(&ctl->out, INK_PLAIN),
            text_clean(&a, str_of(show_field(&a, &e->base, "lead.id", SHOW_PLAIN)), 36),
            show_field(&a, &e->base, "lead.status", SHOW_PLAIN),
            show_field(&a, &e->base, "lead.score.score", SHOW_PLAIN),
            text_clean(&a, str_of(show_field(&a, &e->base, "lead.full_name", SHOW_PLAIN)), 40));
    fflush(ctl->out.file);
    arena_release(&a);
}

/* Until the count is reached or the stream ends. */
static enum sales_status follow(struct watch *w, struct sales_stream *s)
{
    ProtobufCMessage *m;
    enum sales_status status;

    while ((status = sales_stream_recv(s, &m)) == SALES_OK && m) {
        const Sales__V1__WatchLeadsResponse *r = (const void *)m;

        snprintf(w->token, sizeof w->token, "%s", r->resume_token);
        if (r->message_case != SALES__V1__WATCH_LEADS_RESPONSE__MESSAGE_EVENT)
            continue;
        if (w->ctl->json)
            ctl_json(w->ctl, m);
        else
            print_event(w->ctl, r->event);
        fflush(w->ctl->out.file);
        if (w->left > 0 && --w->left == 0)
            return SALES_OK;
    }
    return status;
}

/* A server that went away comes back; anything else is for the user. */
static bool may_resume(struct ctl *ctl, const struct sales_call *call)
{
    if (call->error.status != SALES_UNAVAILABLE || sales_cancel_is_fired(ctl->cancel))
        return false;
    fprintf(ctl->err.file, "the connection was cut, resuming\n");
    nanosleep(&(struct timespec){.tv_sec = RESUME_AFTER_S}, NULL);
    return !sales_cancel_is_fired(ctl->cancel);
}

static enum exit_code watch_all(struct watch *w, const struct command *command,
                                ProtobufCMessage *in)
{
    for (int i = 0; i < RESUMES_MAX; i++) {
        struct sales_call call = ctl_call(w->ctl);
        struct sales_stream *s;
        enum sales_status status;
        struct setter setter = {.arena = &w->ctl->arena};
        enum exit_code code;

        call.timeout_ms = w->ctl->timeout_ms ? w->ctl->timeout_ms : -1;
        if (*w->token && !path_set(&setter, in, "resume_token", str_of(w->token)))
            return CTL_FAILED;
        if (!(s = stream_start(w->ctl, &call, command->method, in)))
            return CTL_FAILED;
        status = follow(w, s);
        sales_stream_close(s);
        if (status == SALES_OK ||
            (status == SALES_CANCELLED && sales_cancel_is_fired(w->ctl->cancel)))
            code = CTL_OK; /* Ctrl-C is how a watch ends */
        else if (i + 1 < RESUMES_MAX && may_resume(w->ctl, &call)) {
            sales_call_release(&call);
            continue;
        } else
            code = explain(w->ctl, &call);
        sales_call_release(&call);
        return code;
    }
    return CTL_UNAVAILABLE;
}

enum exit_code watch_run(struct ctl *ctl, const struct command *command, const struct args *args)
{
    ProtobufCMessage *in = ctl_request(ctl, command, args);
    const char *count = args_text(args, "count");
    struct watch w = {.ctl = ctl, .left = -1};

    if (!in)
        return CTL_USAGE;
    if (count && (!str_to_int64(str_of(count), &w.left) || w.left < 1))
        return usage_error(ctl, command, "--count is a whole number from 1");
    return watch_all(&w, command, in);
}
