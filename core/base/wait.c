/* One pointer per thread. */
#include "base/wait.h"

#include <stddef.h>

static _Thread_local struct wait_host *host;

void wait_set_host(struct wait_host *h)
{
    host = h;
}

void wait_begins(void)
{
    if (host)
        host->begins(host);
}

void wait_ends(void)
{
    if (host)
        host->ends(host);
}
