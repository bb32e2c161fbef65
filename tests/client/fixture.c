/* One peer, one client, one call: what every test of the client has. */
#include "client/fixture.h"

#include <criterion/criterion.h>
#include <string.h>
#include <time.h>

struct fixture fx;

void open_client(struct sales_options o)
{
    o.address = fx.peer.address;
    cr_assert_eq(sales_client_open(&o, &fx.client), SALES_OK);
    fx.call = (struct sales_call){.timeout_ms = 10000};
}

void stop(void)
{
    sales_call_release(&fx.call);
    sales_client_close(fx.client);
    peer_stop(&fx.peer);
}

int64_t now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

char *unconst(const char *text)
{
    char *p;

    memcpy(&p, &text, sizeof p);
    return p;
}
