/* One short function per RPC; the table at the end is the service. */
#include "service/admin.h"

#include "agent/server_info.h"

static enum status get_server_info(struct call *c, void *self, const GetServerInfoRequest *in,
                                   GetServerInfoResponse *out)
{
    (void)in;
    return server_info_get(c, self, out);
}

const struct admin_handlers admin_handlers = {
    .get_server_info = get_server_info,
};
