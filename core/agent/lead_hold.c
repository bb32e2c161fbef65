/* Fields are compared as they would be stored: packed, each alone. */
#include "agent/lead_hold.h"

#include <assert.h>

static const char *const names[LEAD_HOLD_FIELDS] = {
#define X(name) #name,
    LEAD_HOLD_LIST(X)
#undef X
};

/* A lead with nothing but this field: a text, or a list. */
static Lead alone(const Lead *lead, const char *name)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(lead->base.descriptor, name);
    Lead one = LEAD_INIT;

    assert(f && (f->type == PROTOBUF_C_TYPE_STRING || f->label == PROTOBUF_C_LABEL_REPEATED));
    memcpy((char *)&one + f->offset, (const char *)lead + f->offset, sizeof(void *));
    if (f->label == PROTOBUF_C_LABEL_REPEATED)
        memcpy((char *)&one + f->quantifier_offset, (const char *)lead + f->quantifier_offset,
               sizeof(size_t));
    return one;
}

static enum status read_field(struct call *c, const Lead *lead, size_t i, str *out)
{
    Lead one = alone(lead, names[i]);
    size_t n = protobuf_c_message_get_packed_size(&one.base);
    char *bytes = n ? arena_take(&c->arena, n) : NULL;

    if (n && !bytes)
        return call_nomem(c);
    *out = (str){bytes, n ? protobuf_c_message_pack(&one.base, (uint8_t *)bytes) : 0};
    return STATUS_OK;
}

enum status lead_hold_note(struct call *c, const Lead *lead, struct lead_hold *out)
{
    *out = (struct lead_hold){.is_held = lead->legal_hold};
    for (size_t i = 0; out->is_held && i < LEAD_HOLD_FIELDS; i++)
        TRY(read_field(c, lead, i, &out->fields[i]));
    return STATUS_OK;
}

static enum status refuse(struct call *c, bool is_refused)
{
    return is_refused ? call_fail_as(c, STATUS_PRECONDITION, "LEGAL_HOLD",
                                     "the lead is under legal hold: what is on record stays")
                      : STATUS_OK;
}

static void name(struct call *c, size_t i)
{
    call_detail(c, FAULT_PRECONDITION, "LEGAL_HOLD", str_of(names[i]),
                "lift the legal hold first, or leave lead.%s as it is", names[i]);
}

/* keeps: a field that is not set now is left alone, as merges do. */
static enum status check(struct call *c, const struct lead_hold *before, const Lead *after,
                         bool keeps)
{
    bool is_refused = false;

    for (size_t i = 0; before->is_held && i < LEAD_HOLD_FIELDS; i++) {
        str now = {0};

        if (!before->fields[i].n)
            continue;
        TRY(read_field(c, after, i, &now));
        if (str_eq(now, before->fields[i]) || (keeps && !now.n))
            continue;
        name(c, i);
        is_refused = true;
    }
    return refuse(c, is_refused);
}

enum status lead_hold_check(struct call *c, const struct lead_hold *before, const Lead *after)
{
    return check(c, before, after, false);
}

enum status lead_hold_check_merge(struct call *c, const Lead *known, const Lead *draft)
{
    struct lead_hold before;

    TRY(lead_hold_note(c, known, &before));
    return check(c, &before, draft, true);
}
