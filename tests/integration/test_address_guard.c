/* Which addresses may be connected to: every range by its first and last address and by the
 * neighbours outside of it. */
#include <arpa/inet.h>

#include "integration/address_guard.h"
#include "support/table.h"

static const char *judge(const struct address_guard *g, const char *address, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        return address_guard_refuses(g, (const struct sockaddr *)&v4);
    cr_assert(inet_pton(AF_INET6, address, &v6.sin6_addr) == 1, "%s", address);
    return address_guard_refuses(g, (const struct sockaddr *)&v6);
}

static const struct verdict {
    const char *address, *refused; /* NULL: may be connected to */
} VERDICTS[] = {
    /* clang-format off */
    {"0.0.0.0", "this network"},          {"0.255.255.255", "this network"},
    {"1.0.0.0", NULL},                    {"9.255.255.255", NULL},
    {"10.0.0.0", "private network"},      {"10.255.255.255", "private network"},
    {"11.0.0.0", NULL},                   {"100.63.255.255", NULL},
    {"100.64.0.0", "carrier-grade NAT"},  {"100.100.100.200", "carrier-grade NAT"},
    {"100.127.255.255", "carrier-grade NAT"},
    {"100.128.0.0", NULL},                {"126.255.255.255", NULL},
    {"127.0.0.1", "loopback"},            {"127.255.255.255", "loopback"},
    {"128.0.0.0", NULL},                  {"168.63.129.16", "cloud metadata"},
    {"168.63.129.17", NULL},              {"169.253.255.255", NULL},
    {"169.254.169.254", "link-local"},    {"169.255.0.0", NULL},
    {"172.15.255.255", NULL},             {"172.16.0.0", "private network"},
    {"172.31.255.255", "private network"}, {"172.32.0.0", NULL},
    {"192.0.0.192", "protocol assignments"}, {"192.0.1.0", NULL},
    {"192.0.2.1", "documentation"},       {"192.0.3.0", NULL},
    {"192.88.99.1", "6to4 relay"},        {"192.167.255.255", NULL},
    {"192.168.0.1", "private network"},   {"192.168.255.255", "private network"},
    {"192.169.0.0", NULL},                {"198.17.255.255", NULL},
    {"198.18.0.0", "benchmarking"},       {"198.19.255.255", "benchmarking"},
    {"198.20.0.0", NULL},                 {"198.51.100.7", "documentation"},
    {"203.0.113.7", "documentation"},     {"203.0.114.0", NULL},
    {"223.255.255.255", NULL},            {"224.0.0.1", "multicast"},
    {"239.255.255.255", "multicast"},     {"240.0.0.1", "reserved"},
    {"255.255.255.255", "reserved"},
    {"::", "unspecified"},                {"::1", "loopback"},
    {"::2", "not global unicast"},        {"::7f00:1", "not global unicast"},
    {"::ffff:127.0.0.1", "IPv4-mapped"},  {"::ffff:8.8.8.8", "IPv4-mapped"},
    {"::ffff:0:127.0.0.1", "not global unicast"},
    {"64:ff9b::7f00:1", "NAT64"},         {"64:ff9b::808:808", "NAT64"},
    {"64:ff9b:1::a00:1", "NAT64"},        {"100::1", "discard"},
    {"2001:0:4136:e378:8000:63bf:3fff:fdd2", "protocol assignments"},
    {"2001:db8::1", "documentation"},     {"2001:4860:4860::8888", NULL},
    {"2002:7f00:1::", "6to4"},            {"2003::1", NULL},
    {"2606:4700:4700::1111", NULL},       {"3ffe::1", NULL},
    {"3fff::1", "documentation"},         {"4000::1", "not global unicast"},
    {"5f00::1", "not global unicast"},    {"bfff::1", "not global unicast"},
    {"fbff::1", "not global unicast"},    {"fc00::1", "unique local"},
    {"fd00:ec2::254", "unique local"},    {"fe80::1", "link-local"},
    {"febf::1", "link-local"},            {"fec0::1", "site-local"},
    {"ff02::1", "multicast"},
    /* clang-format on */
};

TABLE_TEST(address_guard, judges_every_range, struct verdict, VERDICTS)
{
    static const struct address_guard GUARD;
    const char *is = judge(&GUARD, row->address, 443), *want = row->refused;

    cr_assert(want ? is && strcmp(is, want) == 0 : !is, "%s: %s", row->address,
              is ? is : "allowed");
}

static const struct port_case {
    uint16_t port;
    bool may;
} PORTS[] = {{443, true}, {8443, true}, {80, false}, {22, false}, {6379, false}, {0, false}};

TABLE_TEST(address_guard, lets_two_ports_through, struct port_case, PORTS)
{
    static const struct address_guard GUARD;

    cr_assert((judge(&GUARD, "8.8.8.8", row->port) == NULL) == row->may, "%u", row->port);
    cr_assert(address_guard_may_port(&GUARD, row->port) == row->may, "%u", row->port);
}

Test(address_guard, refuses_other_families)
{
    static const struct address_guard GUARD;
    const struct sockaddr unix_socket = {.sa_family = AF_UNIX};

    cr_assert(address_guard_refuses(&GUARD, &unix_socket) != NULL);
}

Test(address_guard, obeys_the_operator)
{
    struct address_guard g = {0};

    cr_assert(address_ranges_parse(STR("8.8.0.0/16, 2606:4700::/32"), g.refuse, &g.n_refuse));
    cr_assert(address_ranges_parse(STR("10.1.2.0/24,127.0.0.1"), g.allow, &g.n_allow));
    cr_assert_str_eq(judge(&g, "8.8.8.8", 443), "refused by the operator");
    cr_assert_str_eq(judge(&g, "2606:4700::1", 443), "refused by the operator");
    cr_assert_null(judge(&g, "8.9.0.0", 443));
    cr_assert_null(judge(&g, "10.1.2.255", 5000), "an allowed range is free to any port");
    cr_assert_null(judge(&g, "127.0.0.1", 5000));
    cr_assert_str_eq(judge(&g, "127.0.0.2", 443), "loopback");
    cr_assert_str_eq(judge(&g, "10.1.3.0", 443), "private network");
    cr_assert_str_eq(judge(&g, "8.9.0.0", 5000), "port", "the rest keeps its ports");
    cr_assert_str_eq(judge(&g, "::ffff:127.0.0.1", 443), "IPv4-mapped");
}

static const struct range_case {
    const char *text;
    bool is_valid;
} RANGES[] = {
    {"10.0.0.0/8", true}, {"10.0.0.1", true},    {"::/0", true},         {"fd00::/8", true},
    {"0.0.0.0/0", true},  {"10.0.0.1/8", false}, {"10.0.0.0/33", false}, {"10.0.0.0/-1", false},
    {"10.0.0/8", false},  {"fd00::1/8", false},  {"fd00::/129", false},  {"", false},
    {"10.0.0.0/", false}, {"/8", false},         {"localhost", false},   {"10.0.0.0/8/8", false},
};

TABLE_TEST(address_guard, parses_ranges, struct range_case, RANGES)
{
    struct address_range r;

    cr_assert(address_range_parse(str_of(row->text), &r) == row->is_valid, "'%s'", row->text);
}

Test(address_guard, bounds_the_operators_list)
{
    char list[(ADDRESS_RANGES_MAX + 1) * 8] = "";
    struct address_range out[ADDRESS_RANGES_MAX];
    size_t n;

    for (size_t i = 0; i < ADDRESS_RANGES_MAX; i++)
        memcpy(list + i * 8, "9.9.9.9,", 8);
    cr_assert(address_ranges_parse((str){list, sizeof list - 9}, out, &n) &&
              n == ADDRESS_RANGES_MAX);
    memcpy(list + sizeof list - 8, "9.9.9.9", 7);
    cr_assert(!address_ranges_parse((str){list, sizeof list - 1}, out, &n), "one too many");
    cr_assert(!address_ranges_parse(STR("9.9.9.9,,8.8.8.8"), out, &n));
}
