/* http_url: an address of a request, taken apart once by the parser that also connects. Private to
 * this folder. */
#ifndef INTEGRATION_HTTP_URL_H
#define INTEGRATION_HTTP_URL_H

#include <curl/curl.h>

#include "integration/http.h"

enum { HTTP_ORIGIN_BYTES = 300 }; /* scheme, a host of 253 characters, port */

/* INVALID HTTP_URL. On success *out is the caller's to curl_url_cleanup; else NULL.
 *   origin   "https://host:port"; connections are shared within one */
MUST_CHECK enum status http_url_open(struct call *c, const struct address_guard *guard,
                                     const struct http_request *q, CURLU **out,
                                     char origin[HTTP_ORIGIN_BYTES]);

#endif
