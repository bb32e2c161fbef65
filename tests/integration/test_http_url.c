/* What a URL may say, before anything connects. */
#include "integration/http.h"
#include "support/table.h"

static const struct url_case {
    const char *url;
    bool customer, operator;
} URLS[] = {
    /* clang-format off */
    {"https://example.com/hook?a=b",            true,  true},
    {"https://example.com:8443/",               true,  true},
    {"https://EXAMPLE.com",                     true,  true},
    {"https://8.8.8.8/",                        true,  true},
    {"https://[2606:4700::1111]/",              true,  true},
    {"https://internal.svc.cluster.local/",     true,  true}, /* judged when connected to */
    {"http://example.com/",                     false, true},
    {"https://example.com:22/",                 false, true},
    {"https://127.0.0.1/",                      false, true},
    {"https://127.1/",                          false, true}, /* spellings of 127.0.0.1 */
    {"https://2130706433/",                     false, true},
    {"https://0x7f000001/",                     false, true},
    {"https://0177.0.0.1/",                     false, true},
    {"https://[::1]/",                          false, true},
    {"https://[::ffff:10.0.0.1]/",              false, true},
    {"https://[64:ff9b::a00:1]/",               false, true},
    {"https://169.254.169.254/latest",          false, true},
    {"https://user@example.com/",               false, false},
    {"https://user:pass@example.com/",          false, false},
    {"https://:@example.com/",                  false, false},
    {"https://example.com/#part",               false, false},
    {"https://[fe80::1%25eth0]/",               false, false},
    {"https://example.com:0/",                  false, false},
    {"https://example.com:65536/",              false, false},
    {"https:///hook",                           true,  true},  /* host "hook", as browsers say */
    {"https://exa mple.com/",                   false, false},
    {"https://example.com/\r\nHost: x",         false, false},
    {"ftp://example.com/",                      false, false},
    {"file:///etc/passwd",                      false, false},
    {"gopher://example.com/",                   false, false},
    {"javascript:alert(1)",                     false, false},
    {"example.com",                             false, false},
    {"//example.com/",                          false, false},
    {"",                                        false, false},
    /* clang-format on */
};

static bool may(const char *url, enum http_reach reach)
{
    struct call c;
    struct http_client *h = http_client_open(&(struct http_options){.user_agent = "test/1"});

    cr_assert_not_null(h);
    call_init(&c, NULL, CALL_ARENA_BYTES);
    enum status s = http_check_url(h, &c, str_of(url), reach);

    cr_assert(s == STATUS_OK || (s == STATUS_INVALID && strcmp(c.fault.reason, "HTTP_URL") == 0));
    call_release(&c);
    http_client_close(h);
    return s == STATUS_OK;
}

TABLE_TEST(http_url, is_judged_by_who_chose_it, struct url_case, URLS)
{
    cr_assert(may(row->url, HTTP_PUBLIC) == row->customer, "'%s' of a customer", row->url);
    cr_assert(may(row->url, HTTP_OPERATOR) == row->operator, "'%s' of an operator", row->url);
}

Test(http_url, is_bounded)
{
    char url[HTTP_URL_BYTES + 2];

    memset(url, 'a', sizeof url - 1);
    memcpy(url, "https://example.com/", 20);
    url[sizeof url - 1] = '\0';
    cr_assert(!may(url, HTTP_PUBLIC));
    url[sizeof url - 2] = '\0';
    cr_assert(may(url, HTTP_PUBLIC));
}

static const struct wait_case {
    const char *value;
    int64_t seconds;
} WAITS[] = {
    {"120", 120},
    {"0", 0},
    {"-5", 0},
    {"", 0},
    {"soon", 0},
    {"Fri, 20 Nov 2026 18:00:30 GMT", 30},
    {"Fri, 20 Nov 2026 17:00:00 GMT", 0},
    {"99999999999999999999", 0},
};

TABLE_TEST(http_url, retry_after_is_a_number_or_a_date, struct wait_case, WAITS)
{
    const struct http_field field = {STR("retry-after"), str_of(row->value)};
    const struct http_response r = {.fields = &field, .n_fields = 1};
    const int64_t now_us = (int64_t)1795197600 * 1000000; /* 20 Nov 2026 18:00:00 UTC */

    cr_assert_eq(http_retry_after_s(&r, now_us), row->seconds, "'%s'", row->value);
}
