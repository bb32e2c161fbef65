/* Terms are resolved to operands once; a test walks the tree. The depth of the tree is bounded by
 * FILTER_DEPTH_MAX and its size by FILTER_TERMS_MAX. */
#include "store/match.h"

#include <assert.h>
#include <stdio.h>

#include "base/uuid.h"
#include "store/filter.h"
#include "store/operand.h"

/* A term, resolved. */
struct term {
    const struct filter *filter;
    struct operand operand;
    int64_t number;
    bool is_set_test; /* name:* */
};

struct record_match {
    const struct record_info *info;
    const struct filter *filter; /* NULL: everything matches */
    struct term terms[FILTER_TERMS_MAX];
    size_t n_terms;
};

static enum status refuse(struct call *c, size_t column, const char *why)
{
    call_detail(c, FAULT_FIELD, "filter", STR("filter"), "column %zu: %s", column, why);
    return call_fail_as(c, STATUS_INVALID, "FILTER", "the filter is not acceptable");
}

static bool is_equality(enum filter_op op)
{
    return op == FILTER_EQ || op == FILTER_NE || op == FILTER_HAS;
}

static enum status resolve_term(struct call *c, struct record_match *m, const struct filter *f)
{
    struct term *t;
    const char *why;

    assert(m->n_terms < FILTER_TERMS_MAX);
    t = &m->terms[m->n_terms++];
    *t = (struct term){.filter = f};
    if (!operand_find(m->info, f->name, COLUMN_FILTER, &t->operand))
        return refuse(c, f->column, "there is no such field to filter by");
    t->is_set_test = f->op == FILTER_HAS && !f->quoted && str_eq(f->value, STR("*"));
    if (t->operand.type == COLUMN_TAGS && (f->op != FILTER_HAS || t->is_set_test))
        return refuse(c, f->column, "this field can only be compared by : and a value");
    if (!is_equality(f->op) && (t->operand.type == COLUMN_BLIND || t->operand.type == COLUMN_ID))
        return refuse(c, f->column, "this field can only be compared by = and !=");
    if (!t->is_set_test && (why = operand_read(&t->operand, f->value, &t->number)) != NULL)
        return refuse(c, f->value_column, why);
    return STATUS_OK;
}

static enum status resolve(struct call *c, struct record_match *m, const struct filter *f)
{
    if (!f)
        return STATUS_OK;
    if (f->kind == FILTER_TERM)
        return resolve_term(c, m, f);
    TRY(resolve(c, m, f->left));
    return resolve(c, m, f->right);
}

enum status record_match_new(struct call *c, enum record_kind kind, str filter,
                             struct record_match **out)
{
    struct filter_error error;

    if ((*out = NEW(&c->arena, struct record_match, 1)) == NULL)
        return call_nomem(c);
    (*out)->info = record_info(kind);
    if (!filter_parse(&c->arena, filter, &(*out)->filter, &error))
        return refuse(c, error.column, error.why);
    return resolve(c, *out, (*out)->filter);
}

static bool compare(enum filter_op op, int order)
{
    switch (op) {
    case FILTER_EQ:
    case FILTER_HAS: return order == 0;
    case FILTER_NE: return order != 0;
    case FILTER_LT: return order < 0;
    case FILTER_LE: return order <= 0;
    case FILTER_GT: return order > 0;
    case FILTER_GE: return order >= 0;
    }
    return false;
}

static bool has_tag(const struct field_value *v, str tag)
{
    for (size_t i = 0; i < v->n_tags; i++)
        if (str_eq(str_of(v->tags[i]), tag))
            return true;
    return false;
}

static bool test_term(const struct record_match *match, const struct term *t,
                      const ProtobufCMessage *m)
{
    struct field_value v = field_read(m, operand_path(match->info, &t->operand));

    if (t->operand.type == COLUMN_TAGS)
        return has_tag(&v, t->filter->value);
    if (t->is_set_test)
        return v.is_set;
    if (!v.is_set)
        return t->filter->op == FILTER_NE; /* a missing value satisfies != and nothing else */
    if (t->operand.type == COLUMN_ID)
        return compare(t->filter->op, str_eq_nocase(v.text, t->filter->value) ? 0 : 1);
    if (t->operand.type == COLUMN_TEXT || t->operand.type == COLUMN_BLIND)
        return compare(t->filter->op, str_cmp(v.text, t->filter->value));
    return compare(t->filter->op, (v.number > t->number) - (v.number < t->number));
}

/* Terms were resolved in the order of this walk; skipped branches still count theirs. */
static bool test(const struct record_match *match, const struct filter *f,
                 const ProtobufCMessage *m, size_t *next)
{
    bool left, right;

    if (f->kind == FILTER_TERM)
        return test_term(match, &match->terms[(*next)++], m);
    left = test(match, f->left, m, next);
    if (f->kind == FILTER_NOT)
        return !left;
    right = test(match, f->right, m, next);
    return f->kind == FILTER_AND ? left && right : left || right;
}

bool record_match_test(const struct record_match *match, const ProtobufCMessage *m)
{
    size_t next = 0;

    assert(m->descriptor == match->info->descriptor);
    return !match->filter || test(match, match->filter, m, &next);
}
