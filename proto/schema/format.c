/* format: hand-written recognisers, so that a check costs one pass and never backtracks. */
#include "schema/format.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "base/banned.h"

enum {
    HOSTNAME_BYTES_MAX = 253, /* RFC 1035 */
    LABEL_BYTES_MAX = 63,
    PORT_MAX = 65535,
};

static bool is_alnum(char c)
{
    return isalnum((unsigned char)c) != 0; /* the process runs in the C locale */
}

static bool one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

/* All of s are alphanumeric or in `set`. */
static bool only(str s, const char *set)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) && !one_of(s.p[i], set))
            return false;
    return true;
}

static bool only_digits(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isdigit((unsigned char)s.p[i]))
            return false;
    return s.n > 0;
}

static bool only_hex(str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!isxdigit((unsigned char)s.p[i]))
            return false;
    return true;
}

static bool is_label(str s)
{
    return s.n >= 1 && s.n <= LABEL_BYTES_MAX && s.p[0] != '-' && s.p[s.n - 1] != '-' &&
           only(s, "-");
}

/* The WHATWG rule for <input type=email>, which protovalidate uses. */
static bool is_email(str s)
{
    size_t at = 0;
    while (at < s.n && s.p[at] != '@')
        at++;
    if (at == 0 || at == s.n || !only(str_sub(s, 0, at), ".!#$%&'*+/=?^_`{|}~-"))
        return false;
    str domain = str_sub(s, at + 1, s.n);
    if (domain.n == 0 || domain.p[domain.n - 1] == '.')
        return false;
    while (domain.n > 0)
        if (!is_label(str_cut(&domain, '.')))
            return false;
    return true;
}

static bool is_hostname(str s)
{
    if (s.n > HOSTNAME_BYTES_MAX)
        return false;
    if (s.n > 0 && s.p[s.n - 1] == '.')
        s.n--;
    if (s.n == 0 || s.p[s.n - 1] == '.')
        return false;
    str label = {0};
    while (s.n > 0) {
        label = str_cut(&s, '.');
        if (!is_label(label))
            return false;
    }
    return !only_digits(label);
}

static bool parses_as(int family, str s)
{
    char text[INET6_ADDRSTRLEN];
    unsigned char address[16];
    if (s.n == 0 || s.n >= sizeof text || memchr(s.p, '\0', s.n))
        return false;
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    return inet_pton(family, text, address) == 1;
}

static bool is_ipv4(str s)
{
    return parses_as(AF_INET, s);
}

/* With an optional zone: "fe80::1%eth0". */
static bool is_ipv6(str s)
{
    size_t at = 0;
    while (at < s.n && s.p[at] != '%')
        at++;
    if (at < s.n && at + 1 == s.n)
        return false;
    return parses_as(AF_INET6, str_sub(s, 0, at));
}

static bool is_port(str s)
{
    long long port;
    return only_digits(s) && (s.n == 1 || s.p[0] != '0') && s.n <= 5 && str_to_int64(s, &port) &&
           port <= PORT_MAX;
}

static bool is_host_and_port(str s)
{
    size_t colon = s.n;
    while (colon > 0 && s.p[colon - 1] != ':')
        colon--;
    if (colon < 2 || !is_port(str_sub(s, colon, s.n)))
        return false;
    str host = str_sub(s, 0, colon - 1);
    if (host.p[0] == '[')
        return host.p[host.n - 1] == ']' && is_ipv6(str_sub(host, 1, host.n - 2));
    return is_hostname(host) || is_ipv4(host);
}

/* --- RFC 3986 --- */

#define URI_UNRESERVED "-._~"
#define URI_SUB_DELIMS "!$&'()*+,;="

/* Letters, digits, `set` and percent-encoded bytes. */
static bool is_encoded(str s, const char *set)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '%') {
            if (s.n - i < 3 || !only_hex(str_sub(s, i + 1, 2)))
                return false;
            i += 2;
        } else if (!is_alnum(s.p[i]) && !one_of(s.p[i], set)) {
            return false;
        }
    }
    return true;
}

static bool is_uri_host(str s)
{
    if (s.n == 0 || s.p[0] != '[')
        return is_encoded(s, URI_UNRESERVED URI_SUB_DELIMS);
    if (s.p[s.n - 1] != ']')
        return false;
    str inner = str_sub(s, 1, s.n - 2);
    if (inner.n > 0 && (inner.p[0] == 'v' || inner.p[0] == 'V'))
        return inner.n > 3 && only(inner, URI_UNRESERVED URI_SUB_DELIMS ":");
    for (size_t i = 0; i + 2 < inner.n; i++)
        if (memcmp(inner.p + i, "%25", 3) == 0) /* the zone, RFC 6874 */
            return is_encoded(str_sub(inner, i + 3, inner.n), URI_UNRESERVED) && i + 3 < inner.n &&
                   parses_as(AF_INET6, str_sub(inner, 0, i));
    return parses_as(AF_INET6, inner);
}

static bool is_authority(str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '@')
            continue;
        if (!is_encoded(str_sub(s, 0, i), URI_UNRESERVED URI_SUB_DELIMS ":"))
            return false;
        s = str_sub(s, i + 1, s.n);
        break;
    }
    size_t colon = s.n;
    while (colon > 0 && s.p[colon - 1] != ':' && s.p[colon - 1] != ']')
        colon--;
    if (colon == 0 || s.p[colon - 1] == ']')
        return is_uri_host(s);
    str port = str_sub(s, colon, s.n);
    return (port.n == 0 || only_digits(port)) && is_uri_host(str_sub(s, 0, colon - 1));
}

/* What follows the scheme: [//authority] path [?query] [#fragment]. */
static bool is_uri_rest(str s)
{
    const char *pchar = URI_UNRESERVED URI_SUB_DELIMS ":@/";
    const char *query = URI_UNRESERVED URI_SUB_DELIMS ":@/?";
    str fragment = s;
    s = str_cut(&fragment, '#');
    str search = s;
    s = str_cut(&search, '?');
    if (!is_encoded(fragment, query) || !is_encoded(search, query))
        return false;
    if (!str_starts(s, STR("//")))
        return is_encoded(s, pchar);
    str path = str_sub(s, 2, s.n);
    size_t n = 0;
    while (n < path.n && path.p[n] != '/')
        n++;
    return is_authority(str_sub(path, 0, n)) && is_encoded(str_sub(path, n, path.n), pchar);
}

static bool is_uri(str s)
{
    str rest = s;
    str scheme = str_cut(&rest, ':');
    if (scheme.n == 0 || scheme.n == s.n || !isalpha((unsigned char)scheme.p[0]))
        return false;
    return only(scheme, "+-.") && is_uri_rest(rest);
}

static bool is_uri_ref(str s)
{
    if (is_uri(s))
        return true;
    for (size_t i = 0; i < s.n && !one_of(s.p[i], "/?#"); i++)
        if (s.p[i] == ':')
            return false; /* the first segment of a relative path has no colon */
    return is_uri_rest(s);
}

/* --- identifiers --- */

static bool is_uuid(str s)
{
    if (s.n != 36)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : !isxdigit((unsigned char)s.p[i]))
            return false;
    }
    return true;
}

static bool is_ulid(str s)
{
    if (s.n != 26 || s.p[0] < '0' || s.p[0] > '7')
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_alnum(s.p[i]) || one_of(s.p[i], "ILOUilou"))
            return false;
    return true;
}

bool format_is(enum rule_format format, str s)
{
    switch (format) {
    case FORMAT_EMAIL: return is_email(s);
    case FORMAT_HOSTNAME: return is_hostname(s);
    case FORMAT_IP: return is_ipv4(s) || is_ipv6(s);
    case FORMAT_IPV4: return is_ipv4(s);
    case FORMAT_IPV6: return is_ipv6(s);
    case FORMAT_URI: return is_uri(s);
    case FORMAT_URI_REF: return is_uri_ref(s);
    case FORMAT_ADDRESS: return is_hostname(s) || is_ipv4(s) || is_ipv6(s);
    case FORMAT_UUID: return is_uuid(s);
    case FORMAT_TUUID: return s.n == 32 && only_hex(s);
    case FORMAT_ULID: return is_ulid(s);
    case FORMAT_HOST_AND_PORT: return is_host_and_port(s);
    case FORMAT_BYTES_IP: return s.n == 4 || s.n == 16;
    }
    return false;
}
