/* The well-known string formats: what each takes and what it refuses. */
#include "schema/format.h"
#include "support/table.h"

struct row {
    enum rule_format format;
    bool legal;
    const char *text;
};

#define L63 "aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffff123"

/* clang-format off */
static const struct row rows[] = {
    {FORMAT_EMAIL, true,  "a@b"},                      {FORMAT_EMAIL, true,  "a.b!#$%&'*+/=?^_`{|}~-@x-y.example"},
    {FORMAT_EMAIL, true,  "a@" L63 ".com"},            {FORMAT_EMAIL, false, "a@" L63 "4.com"},
    {FORMAT_EMAIL, false, "@b"},                       {FORMAT_EMAIL, false, "a@"},
    {FORMAT_EMAIL, false, "a@b@c"},                    {FORMAT_EMAIL, false, "a b@c"},
    {FORMAT_EMAIL, false, "a@b..c"},                   {FORMAT_EMAIL, false, "a@b."},
    {FORMAT_EMAIL, false, "a@-b"},                     {FORMAT_EMAIL, false, "\xc3\xa4@b"},
    {FORMAT_HOSTNAME, true,  "a"},                     {FORMAT_HOSTNAME, true,  "a.example."},
    {FORMAT_HOSTNAME, true,  "1.a2"},                  {FORMAT_HOSTNAME, false, "a.1"},
    {FORMAT_HOSTNAME, false, "."},                     {FORMAT_HOSTNAME, false, "a..b"},
    {FORMAT_HOSTNAME, false, "a.."},                   {FORMAT_HOSTNAME, false, "a_b"},
    {FORMAT_HOSTNAME, false, "a-"},
    {FORMAT_HOSTNAME, false, L63 "." L63 "." L63 "." L63},
    {FORMAT_IPV4, true,  "255.0.0.1"},                 {FORMAT_IPV4, false, "256.0.0.1"},
    {FORMAT_IPV4, false, "01.0.0.1"},                  {FORMAT_IPV4, false, "1.2.3"},
    {FORMAT_IPV4, false, "1.2.3.4 "},                  {FORMAT_IPV4, false, "1.2.3.4.5.6.7.8.9.1.2.3.4.5.6.7.8.9.1.2.3.4.5.6"},
    {FORMAT_IPV6, true,  "::"},                        {FORMAT_IPV6, true,  "fe80::1%eth0"},
    {FORMAT_IPV6, false, "fe80::1%"},                  {FORMAT_IPV6, false, "1::2::3"},
    {FORMAT_IP, true, "1.2.3.4"},                      {FORMAT_IP, true, "::ffff:1.2.3.4"},
    {FORMAT_ADDRESS, true, "a.example"},               {FORMAT_ADDRESS, false, "a b"},
    {FORMAT_URI, true,  "http://a"},                   {FORMAT_URI, true,  "mailto:a@b"},
    {FORMAT_URI, true,  "https://u:p@h:8080/p/%41?q=/?#f/?"}, {FORMAT_URI, true, "http://[::1]:80/"},
    {FORMAT_URI, true,  "http://[fe80::1%25eth0]/"},   {FORMAT_URI, true,  "a+b.c-d:"},
    {FORMAT_URI, false, "http://[::1/"},               {FORMAT_URI, false, "http://a b"},
    {FORMAT_URI, false, "http://a/%4"},                {FORMAT_URI, false, "http://a/%zz"},
    {FORMAT_URI, false, "1a:b"},                       {FORMAT_URI, false, "a"},
    {FORMAT_URI, false, "http://a:b/"},                {FORMAT_URI, false, "http://a#b#c"},
    {FORMAT_URI, false, "http://[]"},                  {FORMAT_URI, false, "http://\xc3\xa4"},
    {FORMAT_URI_REF, true,  "//h/p"},                  {FORMAT_URI_REF, true,  "?q"},
    {FORMAT_URI_REF, true,  "a/b:c"},                  {FORMAT_URI_REF, false, "1a:b"},
    {FORMAT_URI_REF, false, "<"},
    {FORMAT_UUID, true,  "0190163D-8694-739b-aea5-966c26f8ad90"},
    {FORMAT_UUID, false, "0190163d-8694-739b-aea5-966c26f8ad9"},
    {FORMAT_UUID, false, "0190163d-8694-739b-aea5-966c26f8ad9g"},
    {FORMAT_UUID, false, "0190163d86947-39b-aea5-966c26f8ad90"},
    {FORMAT_TUUID, false, "0190163d8694739baea5966c26f8ad9z"},
    {FORMAT_ULID, true,  "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"}, {FORMAT_ULID, false, "7ZZZZZZZZZZZZZZZZZZZZZZZZI"},
    {FORMAT_ULID, false, "7ZZZZZZZZZZZZZZZZZZZZZZZZ"},
    {FORMAT_HOST_AND_PORT, true,  "[::1]:0"},          {FORMAT_HOST_AND_PORT, true,  "1.2.3.4:65535"},
    {FORMAT_HOST_AND_PORT, false, "a:65536"},          {FORMAT_HOST_AND_PORT, false, "a:01"},
    {FORMAT_HOST_AND_PORT, false, ":1"},               {FORMAT_HOST_AND_PORT, false, "::1:80"},
    {FORMAT_HOST_AND_PORT, false, "[::1]"},            {FORMAT_HOST_AND_PORT, false, "[:1"},
    {FORMAT_BYTES_IP, true, "abcd"},                   {FORMAT_BYTES_IP, false, "abcde"},
};
/* clang-format on */

TABLE_TEST(format, takes_what_the_standard_allows, struct row, rows)
{
    cr_expect_eq(format_is(row->format, str_of(row->text)), row->legal, "%s", row->text);
}

Test(format, does_not_stop_at_a_nul)
{
    cr_expect_not(format_is(FORMAT_HOSTNAME, STR("a\0b")));
    cr_expect_not(format_is(FORMAT_IPV4, STR("1.2.3.4\0")));
    cr_expect_not(format_is(FORMAT_EMAIL, STR("a\0@b")));
}
