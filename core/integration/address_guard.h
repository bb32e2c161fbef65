/*
 * address_guard: to which addresses a request on behalf of a customer may connect.
 *
 * It judges the address that is about to be connected to, not a name: a name says one thing when
 * it is checked and another when it is used (DNS rebinding). Refused is what is not a host of the
 * public internet, one table of ranges; forms that carry an IPv4 address inside of an IPv6 one are
 * refused too, whatever they carry. The operator may refuse more, and may allow ranges of their
 * own network, which are then free to any port.
 */
#ifndef INTEGRATION_ADDRESS_GUARD_H
#define INTEGRATION_ADDRESS_GUARD_H

#include <netinet/in.h>

#include "base/str.h"

/* A range of addresses: IPv4 ones are kept in their IPv4-mapped form. */
struct address_range {
    struct in6_addr base;
    unsigned bits; /* 0 to 128 */
};

enum { ADDRESS_RANGES_MAX = 64 }; /* an operator's list: a cluster has a handful */

struct address_guard {
    struct address_range refuse[ADDRESS_RANGES_MAX], allow[ADDRESS_RANGES_MAX];
    size_t n_refuse, n_allow;
};

/* "10.0.0.0/8", "fd00::/8", or one address. False: malformed, or bits are set behind the prefix. */
MUST_CHECK bool address_range_parse(str text, struct address_range *out);

/* A comma-separated list; "" is empty. False: an item is malformed, or there are too many. */
MUST_CHECK bool address_ranges_parse(str list, struct address_range out[ADDRESS_RANGES_MAX],
                                     size_t *n_out);

/* NULL: connect. Otherwise the static name of the range or rule that forbids it ("loopback"). */
const char *address_guard_refuses(const struct address_guard *g, const struct sockaddr *a);

/* Whether a URL may name the port at all: known only at connect time when ranges are allowed. */
bool address_guard_may_port(const struct address_guard *g, unsigned port);

#endif
