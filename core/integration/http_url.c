/* The rules for URLs, in the order in which they are asked. */
#include "integration/http_url.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

#include "base/banned.h"

static enum status refuse(struct call *c, const char *why)
{
    return call_fail_as(c, STATUS_INVALID, "HTTP_URL", "the URL %s", why);
}

/* An address written as such is known now: say so now, to the person who types it. */
static const char *literal_refused(const struct address_guard *g, const char *host, unsigned port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    char z[INET6_ADDRSTRLEN];
    size_t n = strlen(host);

    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1)
        return address_guard_refuses(g, (const struct sockaddr *)&v4);
    if (n < 3 || n - 2 >= sizeof z || host[0] != '[')
        return NULL;
    memcpy(z, host + 1, n - 2);
    z[n - 2] = '\0';
    if (inet_pton(AF_INET6, z, &v6.sin6_addr) != 1)
        return "malformed";
    return address_guard_refuses(g, (const struct sockaddr *)&v6);
}

static bool has_part(CURLU *u, CURLUPart part)
{
    char *text = NULL;
    bool has = curl_url_get(u, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return has;
}

static enum status check_public(struct call *c, const struct address_guard *g, const char *scheme,
                                const char *host, unsigned port)
{
    if (strcmp(scheme, "https") != 0)
        return refuse(c, "is not https");
    if (!address_guard_may_port(g, port))
        return refuse(c, "names a port other than 443 and 8443");
    const char *refused = literal_refused(g, host, port);

    if (refused)
        return call_fail_as(c, STATUS_INVALID, "HTTP_URL", "the URL names an address of %s",
                            refused);
    return STATUS_OK;
}

static enum status check_parts(struct call *c, const struct address_guard *g, CURLU *u,
                               const struct http_request *q, char origin[HTTP_ORIGIN_BYTES])
{
    char *scheme = NULL, *host = NULL, *port = NULL;
    enum status s = STATUS_OK;
    long long number = 0;

    if (curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK ||
        !str_to_int64(str_of(port), &number) || number < 1 || number > 65535)
        s = refuse(c, "has no host, or no port that we know");
    else if (strcmp(scheme, "https") != 0 && strcmp(scheme, "http") != 0)
        s = refuse(c, "is not https");
    else if (q->reach == HTTP_PUBLIC)
        s = check_public(c, g, scheme, host, (unsigned)number);
    if (s == STATUS_OK &&
        snprintf(origin, HTTP_ORIGIN_BYTES, "%s://%s:%s", scheme, host, port) >= HTTP_ORIGIN_BYTES)
        s = refuse(c, "has too long a host");
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    return s;
}

static enum status check(struct call *c, const struct address_guard *g, CURLU *u,
                         const struct http_request *q, char origin[HTTP_ORIGIN_BYTES])
{
    if (q->url.n > HTTP_URL_BYTES)
        return refuse(c, "is too long");
    if (memchr(q->url.p ? q->url.p : "", '\0', q->url.n))
        return refuse(c, "is malformed");
    const char *url = arena_cstr(&c->arena, q->url);

    if (!url)
        return call_nomem(c);
    CURLUcode code = curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER);

    if (code == CURLUE_USER_NOT_ALLOWED || has_part(u, CURLUPART_USER) ||
        has_part(u, CURLUPART_PASSWORD))
        return refuse(c, "carries a user or a password");
    if (code != CURLUE_OK)
        return refuse(c, "is malformed");
    if (has_part(u, CURLUPART_FRAGMENT) || has_part(u, CURLUPART_ZONEID))
        return refuse(c, "has a fragment or a zone");
    return check_parts(c, g, u, q, origin);
}

enum status http_url_open(struct call *c, const struct address_guard *guard,
                          const struct http_request *q, CURLU **out, char origin[HTTP_ORIGIN_BYTES])
{
    CURLU *u = curl_url();

    *out = NULL;
    if (!u)
        return call_nomem(c);
    enum status s = check(c, guard, u, q, origin);

    if (s != STATUS_OK)
        curl_url_cleanup(u);
    else
        *out = u;
    return s;
}
