/* Health as the standard service tells it. */
#include "ctl/health.h"

#include "base/banned.h"
#include "ctl/ctl.h"
#include "grpc/health/v1/health.pb-c.h"

enum exit_code health_run(struct ctl *ctl, const struct command *command, const struct args *args)
{
    ProtobufCMessage *in = ctl_request(ctl, command, args), *reply;
    struct sales_call call = ctl_call(ctl);
    int64_t began = ctl_now_ns();
    enum exit_code code;

    if (!in)
        return CTL_USAGE;
    code = ctl_unary(ctl, &call, command->method, in, &reply);
    if (code == CTL_OK) {
        const char *state = show_field(&ctl->arena, reply, "status", SHOW_PLAIN);
        bool serving = strcmp(state, "serving") == 0;

        if (ctl->json)
            ctl_json(ctl, reply);
        else
            fprintf(ctl->out.file, "%s%s%s  %s  %.1f ms\n",
                    term_ink(&ctl->out, serving ? INK_GOOD : INK_BAD), *state ? state : "unknown",
                    term_ink(&ctl->out, INK_PLAIN), ctl->address,
                    (double)(ctl_now_ns() - began) / 1e6);
        code = serving ? CTL_OK : CTL_UNAVAILABLE;
    }
    sales_call_release(&call);
    return code;
}
