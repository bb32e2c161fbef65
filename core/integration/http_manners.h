/* http_manners: what every request of ours keeps to, whoever sends it. Private to this folder. */
#ifndef INTEGRATION_HTTP_MANNERS_H
#define INTEGRATION_HTTP_MANNERS_H

#include <curl/curl.h>

#include "integration/http.h"

/* libcurl, once for the process. */
void http_init_library(void);

/* On a handle without options: at most timeout_ms, no redirects, proxies, cookies, compression or
 * signals, TLS 1.2 or later and verified; http itself only for an operator's URL. */
void http_set_manners(CURL *curl, enum http_reach reach, int64_t timeout_ms);

/* What method and body the request has; borrows the body. */
void http_set_method(CURL *curl, enum http_method method, str body);

/* Appends a header field "name: value". False: no memory, or a line break within. */
MUST_CHECK bool http_add_field(struct curl_slist **list, str name, str value);

/* Wipes and frees: a field may be a key. */
void http_drop_fields(struct curl_slist *list);

#endif
