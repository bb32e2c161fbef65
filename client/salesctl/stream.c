/* One request, many replies. */
#include "ctl/stream.h"

#include "base/banned.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"

struct sales_stream *stream_start(struct ctl *ctl, struct sales_call *call, const char *path,
                                  const ProtobufCMessage *in)
{
    const struct method *m = ctl_method(path);
    struct sales_stream *s;

    if (!ctl_client(ctl))
        return NULL;
    if (!(s = sales_stream_open(ctl->client, call, &(struct sales_method){path, m->output}))) {
        explain(ctl, call);
        return NULL;
    }
    if (sales_stream_send(s, in) == SALES_OK)
        (void)!sales_stream_close_send(s);
    return s; /* what went wrong, the first recv tells */
}
