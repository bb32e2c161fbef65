#include <criterion/criterion.h>
#include <stdio.h>

#include "intercept/lane.h"

#define KEY_A                                                                                      \
    "Bearer sk_0190163d-8694-739b-aea5-966c26f8ad90_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_B                                                                                      \
    "Bearer sk_0190163d-8694-739b-aea5-966c26f8ad90_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

Test(lane, credentials_of_a_tenant_share_its_lane)
{
    struct lanes *l = lanes_new();

    lanes_learn(l, STR(KEY_A), 7);
    lanes_learn(l, STR(KEY_B), 7);
    cr_expect_eq(lanes_find(l, STR(KEY_A), STR("10.0.0.1:1")), 7);
    cr_expect_eq(lanes_find(l, STR(KEY_B), STR("10.0.0.2:2")), 7);
    lanes_free(l);
}

Test(lane, made_up_credentials_share_the_lane_of_their_address)
{
    struct lanes *l = lanes_new();
    uint32_t of_peer = lanes_find(l, (str){0}, STR("ipv4:10.0.0.1:40000"));
    char header[200];

    lanes_learn(l, STR(KEY_A), 7);
    for (int i = 0; i < 1000; i++) {
        snprintf(header, sizeof header, "Bearer made-up-%d-and-some-more-of-it-%d", i, i * 7);
        cr_assert_eq(lanes_find(l, str_of(header), STR("ipv4:10.0.0.1:40001")), of_peer);
    }
    cr_expect_eq(lanes_find(l, str_sub(STR(KEY_A), 0, 60), STR("ipv4:10.0.0.1:1")), of_peer);
    cr_expect_neq(lanes_find(l, (str){0}, STR("ipv4:10.0.0.2:1")), of_peer);
    cr_expect_eq(lanes_find(l, (str){0}, STR("ipv6:[::1]:1")),
                 lanes_find(l, (str){0}, STR("ipv6:[::1]:2")));
    lanes_free(l);
}

Test(lane, more_credentials_than_places_are_found_or_go_by_address)
{
    struct lanes *l = lanes_new();
    char header[200];
    int n_known = 0;

    for (int pass = 0; pass < 2; pass++)
        for (int i = 1; i <= 2 * (int)LANES_KNOWN; i++) {
            snprintf(header, sizeof header, "Bearer %040d", (i * 7919) % 1000003);
            if (pass == 0)
                lanes_learn(l, str_of(header), i);
            else
                n_known += lanes_find(l, str_of(header), STR("unix:/x")) == (uint32_t)i;
        }
    cr_expect_gt(n_known, LANES_KNOWN / 2);
    cr_expect_leq(n_known, LANES_KNOWN);
    lanes_free(l);
}
