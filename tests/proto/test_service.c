/* Generated tables and thunks of golden/shapes.proto. */
#include <criterion/criterion.h>

#include "golden/shapes.service.h"

static enum status get_shape(struct call *c, void *self, const Outer *in, NoRules *out)
{
    (void)c;
    out->text = in->inner ? "inner" : "none";
    *(int *)self += 1;
    return STATUS_OK;
}

static enum status watched(struct call *c, void *self, struct rpc_stream *s, const NoRules *in)
{
    (void)c;
    (void)s;
    *(int *)self += in->text[0];
    return STATUS_OK;
}

static enum status opened(struct call *c, void *self, struct rpc_stream *s)
{
    (void)c;
    (void)self;
    (void)s;
    return STATUS_OK;
}

static const struct shape_shop_handlers handlers = {
    .get_shape = get_shape,
    .watch = {.message = watched, .hooks = {.open = opened}},
};

Test(service, rows_carry_what_the_proto_says)
{
    const struct method *m = &shape_shop_service.methods[SHAPE_SHOP_GET_SHAPE];
    cr_expect_str_eq(shape_shop_service.name, "golden.v1.ShapeShop");
    cr_expect_eq(shape_shop_service.n_methods, SHAPE_SHOP_N_METHODS);
    cr_expect_eq(m->roles, ROLE_BIT_ADMIN | ROLE_BIT_AUDITOR);
    cr_expect_eq(m->execution, METHOD_ON_LOOP);
    cr_expect_not(m->mutating);
    cr_expect_eq(m->n_http, 2);
    cr_expect_str_eq(m->http[1].path, "/v1/shapes:get");
    cr_expect_not_null(m->rules);
    cr_expect_null(shape_shop_service.methods[SHAPE_SHOP_DELETE].rules);
    cr_expect(shape_shop_service.methods[SHAPE_SHOP_DELETE].mutating);
    cr_expect_eq(shape_shop_service.methods[SHAPE_SHOP_TALK].shape, METHOD_BIDI);
}

Test(service, finds_methods_by_full_path)
{
    cr_expect_eq(service_find(&shape_shop_service, "/golden.v1.ShapeShop/Watch"),
                 &shape_shop_service.methods[SHAPE_SHOP_WATCH]);
    cr_expect_null(service_find(&shape_shop_service, "/golden.v1.ShapeShop/Watc"));
    cr_expect_null(service_find(&shape_shop_service, ""));
}

Test(service, thunks_call_the_handlers_with_their_types)
{
    struct call c;
    call_init(&c, NULL, 1 << 16);
    int self = 0;
    Outer in = OUTER_INIT;
    NoRules out = NO_RULES_INIT, text = NO_RULES_INIT;
    text.text = "a";
    const struct method *m = shape_shop_service.methods;
    cr_expect_eq(m[SHAPE_SHOP_GET_SHAPE].unary(&c, &handlers, &self, &in.base, &out.base),
                 STATUS_OK);
    cr_expect_str_eq(out.text, "none");
    cr_expect_eq(m[SHAPE_SHOP_WATCH].message(&c, &handlers, &self, NULL, &text.base), STATUS_OK);
    cr_expect_eq(self, 1 + 'a');
    cr_expect_eq(m[SHAPE_SHOP_WATCH].hooks(&handlers)->open, opened);
    call_release(&c);
}

Test(service, empty_slots_answer_unimplemented)
{
    struct call c;
    call_init(&c, NULL, 1 << 16);
    NoRules in = NO_RULES_INIT, out = NO_RULES_INIT;
    const struct method *m = shape_shop_service.methods;
    cr_expect_eq(m[SHAPE_SHOP_IDLE].unary(&c, &handlers, NULL, &in.base, &out.base),
                 STATUS_UNIMPLEMENTED);
    cr_expect_str_eq(c.fault.why, "golden.v1.ShapeShop/Idle is not implemented");
    call_clear(&c);
    cr_expect_eq(m[SHAPE_SHOP_TALK].message(&c, &handlers, NULL, NULL, &in.base),
                 STATUS_UNIMPLEMENTED);
    call_release(&c);
}

Test(service, short_names_are_those_of_protoc_c)
{
    cr_expect_eq(PLAIN_KIND_N, 8);
    cr_expect_str_eq(plain_kind_name(PLAIN_KIND_LAST), "PLAIN_KIND_LAST");
    cr_expect_str_eq(plain_kind_name((PlainKind)5), "UNRECOGNIZED");
    cr_expect_eq(OUTER_INNER_THING_SOME_VALUE_SELF, 3);
    cr_expect_eq((int)OUTER_INNER_THING_MODE_FAST, 1);
    cr_expect_eq(OUTER_DESCRIPTOR, &golden__v1__outer__descriptor);
}
