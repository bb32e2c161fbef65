/* One table of ranges, over addresses brought to one form: 128 bits, IPv4 mapped. */
#include "integration/address_guard.h"

#include <arpa/inet.h>
#include <assert.h>

#include "base/banned.h"

enum { MAPPED_BITS = 96, RANGE_TEXT_BYTES = 64 };

static const unsigned PORTS[] = {443, 8443};

/* IANA special-purpose registries (RFC 6890 and later), and what clouds put on public addresses.
 * The first row that matches gives its name. */
static const struct refused {
    const char *range, *name;
} REFUSED[] = {
    /* clang-format off */
    {"0.0.0.0/8",          "this network"},
    {"10.0.0.0/8",         "private network"},
    {"100.64.0.0/10",      "carrier-grade NAT"},
    {"127.0.0.0/8",        "loopback"},
    {"168.63.129.16/32",   "cloud metadata"},
    {"169.254.0.0/16",     "link-local"},
    {"172.16.0.0/12",      "private network"},
    {"192.0.0.0/24",       "protocol assignments"},
    {"192.0.2.0/24",       "documentation"},
    {"192.88.99.0/24",     "6to4 relay"},
    {"192.168.0.0/16",     "private network"},
    {"198.18.0.0/15",      "benchmarking"},
    {"198.51.100.0/24",    "documentation"},
    {"203.0.113.0/24",     "documentation"},
    {"224.0.0.0/4",        "multicast"},
    {"240.0.0.0/4",        "reserved"},
    {"::/128",             "unspecified"},
    {"::1/128",            "loopback"},
    {"64:ff9b::/96",       "NAT64"},
    {"64:ff9b:1::/48",     "NAT64"},
    {"100::/64",           "discard"},
    {"2001::/23",          "protocol assignments"}, /* Teredo among them */
    {"2001:db8::/32",      "documentation"},
    {"2002::/16",          "6to4"},
    {"3fff::/20",          "documentation"},
    {"fc00::/7",           "unique local"},
    {"fe80::/10",          "link-local"},
    {"fec0::/10",          "site-local"},
    {"ff00::/8",           "multicast"},
    /* What is left outside of 2000::/3, the only global unicast space given out. */
    {"::/3",               "not global unicast"},
    {"4000::/2",           "not global unicast"},
    {"8000::/1",           "not global unicast"},
    /* clang-format on */
};

static struct in6_addr mapped(struct in_addr v4)
{
    struct in6_addr a = {.s6_addr = {[10] = 0xff, [11] = 0xff}};

    memcpy(a.s6_addr + 12, &v4, 4);
    return a;
}

static bool in_range(const struct in6_addr *a, const struct address_range *r)
{
    unsigned bytes = r->bits / 8, rest = r->bits % 8;

    if (memcmp(a->s6_addr, r->base.s6_addr, bytes) != 0)
        return false;
    return !rest || !((a->s6_addr[bytes] ^ r->base.s6_addr[bytes]) & (0xff00 >> rest) & 0xff);
}

static bool ends_in_zeros(const struct address_range *r)
{
    for (unsigned bit = r->bits; bit < 128; bit++)
        if (r->base.s6_addr[bit / 8] & (0x80 >> bit % 8))
            return false;
    return true;
}

bool address_range_parse(str text, struct address_range *out)
{
    char z[RANGE_TEXT_BYTES];
    struct in_addr v4;
    str rest = text, address = str_cut(&rest, '/');
    bool has_bits = address.n < text.n;
    long long bits = -1;

    *out = (struct address_range){0};
    if (!address.n || address.n >= sizeof z || (has_bits && !str_to_int64(rest, &bits)))
        return false;
    memcpy(z, address.p, address.n);
    z[address.n] = '\0';
    unsigned most = 128;

    if (inet_pton(AF_INET, z, &v4) == 1) {
        out->base = mapped(v4);
        most = 32;
    } else if (inet_pton(AF_INET6, z, &out->base) != 1) {
        return false;
    }
    if (!has_bits)
        bits = most;
    if (bits < 0 || bits > most)
        return false;
    out->bits = (unsigned)bits + (most == 32 ? MAPPED_BITS : 0);
    return ends_in_zeros(out);
}

bool address_ranges_parse(str list, struct address_range out[ADDRESS_RANGES_MAX], size_t *n_out)
{
    *n_out = 0;
    while (list.n) {
        str item = str_trim(str_cut(&list, ','));

        if (*n_out == ADDRESS_RANGES_MAX || !address_range_parse(item, &out[*n_out]))
            return false;
        ++*n_out;
    }
    return true;
}

static bool in_any(const struct in6_addr *a, const struct address_range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (in_range(a, &ranges[i]))
            return true;
    return false;
}

/* The rows are texts, so that they can be read; parsing 32 of them costs less than any connect. */
static const char *refused_by_table(const struct in6_addr *a, bool is_v4)
{
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        struct address_range r;
        bool is_valid = address_range_parse(str_of(REFUSED[i].range), &r);

        assert(is_valid);
        bool range_is_v4 = strchr(REFUSED[i].range, '.') != NULL;

        if (range_is_v4 == is_v4 && in_range(a, &r))
            return REFUSED[i].name;
    }
    return NULL;
}

bool address_guard_may_port(const struct address_guard *g, unsigned port)
{
    if (g->n_allow)
        return true;
    for (size_t i = 0; i < sizeof PORTS / sizeof *PORTS; i++)
        if (PORTS[i] == port)
            return true;
    return false;
}

static const char *judge(const struct address_guard *g, const struct in6_addr *a, bool is_v4,
                         unsigned port)
{
    static const struct address_guard NO_RANGES;

    if (in_any(a, g->allow, g->n_allow))
        return NULL;
    if (in_any(a, g->refuse, g->n_refuse))
        return "refused by the operator";
    const char *name = refused_by_table(a, is_v4);

    if (name)
        return name;
    return address_guard_may_port(&NO_RANGES, port) ? NULL : "port";
}

const char *address_guard_refuses(const struct address_guard *g, const struct sockaddr *a)
{
    assert(g);
    assert(a);
    if (a->sa_family == AF_INET) {
        struct sockaddr_in v4;

        memcpy(&v4, a, sizeof v4);
        struct in6_addr address = mapped(v4.sin_addr);

        return judge(g, &address, true, ntohs(v4.sin_port));
    }
    if (a->sa_family != AF_INET6)
        return "address family";
    struct sockaddr_in6 v6;

    memcpy(&v6, a, sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
        return "IPv4-mapped";
    return judge(g, &v6.sin6_addr, false, ntohs(v6.sin6_port));
}
