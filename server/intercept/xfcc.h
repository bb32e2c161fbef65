/* xfcc: x-forwarded-client-cert, in which a proxy that ended TLS says whose certificate it saw
 * (Envoy; Istio and Linkerd with it). */
#ifndef INTERCEPT_XFCC_H
#define INTERCEPT_XFCC_H

#include "base/str.h"

/*
 * The SPIFFE id in the last element, which is the one that our own proxy wrote: those before it
 * came from further away. {0}: malformed, no URI, more than one, or no SPIFFE id. Borrows from
 * value.
 */
str xfcc_spiffe_id(str value);

/* The transport address of the peer is of this host: "ipv4:127...", "ipv6:[::1]...", "unix:...". */
bool xfcc_is_local(str peer);

#endif
