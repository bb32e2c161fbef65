/* The arguments are walked field by field: a tool that comes later needs no code here. */
#include "ctl/proposal.h"

#include "base/banned.h"
#include "ctl/ctl.h"
#include "sales/v1/sales_agent.h"

#define LIST_METHOD "/sales.v1.SalesAgent/ListProposals"

enum { PAGES_MAX = 200, PATH_BYTES = 128 };

static const struct view_column proposal_rows[] = {
    {"id", "id", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"tool", "tool", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"state", "state", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"proposed by", "proposer.id", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"because", "rationale", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"confidence", "confidence", SHOW_PERCENT, ALIGN_LEFT, 0},
    {"needs", "required_role", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"expires", "expire_time", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"decided by", "decider.id", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"decided", "decide_time", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"note", "decide_note", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"ran", "execute_time", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"made", "effect_id", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"failed", "error.reason", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"why", "error.message", SHOW_PLAIN, ALIGN_LEFT, 0},
};

static const struct view_column list_rows[] = {
    {"id", "id", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"tool", "tool", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"state", "state", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"needs", "required_role", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"by", "proposer.id", SHOW_PLAIN, ALIGN_LEFT, 20},
    {"expires", "expire_time", SHOW_PLAIN, ALIGN_LEFT, 0},
    {"because", "rationale", SHOW_PLAIN, ALIGN_LEFT, 40},
};

#define N(rows) (sizeof(rows) / sizeof *(rows))

const struct view proposal_view = {"proposal", proposal_rows, N(proposal_rows), "no proposal"};
const struct view proposal_list_view = {"proposals", list_rows, N(list_rows), "no proposals"};

static const struct view one_view = {"", proposal_rows, N(proposal_rows), "no proposal"};

/* A single message of the contract: its fields are shown, not a summary. */
static bool is_ours(const ProtobufCFieldDescriptor *f)
{
    return f->type == PROTOBUF_C_TYPE_MESSAGE && f->label != PROTOBUF_C_LABEL_REPEATED &&
           strcmp(((const ProtobufCMessageDescriptor *)f->descriptor)->package_name, "sales.v1") ==
               0;
}

/* Each set field of the message at `path`, one level of messages deep. */
static void show_fields(struct ctl *ctl, const Proposal *p, const ProtobufCMessageDescriptor *d,
                        const char *path, int depth)
{
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        char below[PATH_BYTES];
        const char *text;

        snprintf(below, sizeof below, "%s.%s", path, f->name);
        if (is_ours(f) && depth == 0) {
            show_fields(ctl, p, f->descriptor, below, depth + 1);
            continue;
        }
        text = show_field(&ctl->arena, &p->base, below, SHOW_PLAIN);
        if (*text)
            fprintf(ctl->out.file, "  %s%s%s  %s\n", term_ink(&ctl->out, INK_DIM), f->name,
                    term_ink(&ctl->out, INK_PLAIN),
                    text_clean(&ctl->arena, str_of(text), TERM_COLUMNS_PIPE));
    }
}

static const ProtobufCFieldDescriptor *arguments_of(const Proposal *p)
{
    return protobuf_c_message_descriptor_get_field(p->base.descriptor, (unsigned)p->arguments_case);
}

static void show_proposal(struct ctl *ctl, const Proposal *p)
{
    const ProtobufCFieldDescriptor *f = arguments_of(p);

    if (ctl->json) {
        ctl_json(ctl, &p->base);
        return;
    }
    show_item(&ctl->arena, &ctl->out, &one_view, &p->base);
    fprintf(ctl->out.file, "%sarguments%s\n", term_ink(&ctl->out, INK_BOLD),
            term_ink(&ctl->out, INK_PLAIN));
    if (f)
        show_fields(ctl, p, f->descriptor, f->name, 0);
    fprintf(ctl->out.file, "%shash%s  %s\n", term_ink(&ctl->out, INK_BOLD),
            term_ink(&ctl->out, INK_PLAIN), p->arguments_sha256);
}

/* Both answers have the proposal as their first field. */
static const Proposal *proposal_of(const ProtobufCMessage *reply)
{
    return reply->descriptor == PROPOSE_ACTION_RESPONSE_DESCRIPTOR
               ? ((const ProposeActionResponse *)reply)->proposal
               : ((const DecideProposalResponse *)reply)->proposal;
}

static enum exit_code send_request(struct ctl *ctl, const struct command *command,
                                   ProtobufCMessage *in)
{
    struct sales_call call = ctl_call(ctl);
    ProtobufCMessage *reply;
    enum exit_code code = ctl_unary(ctl, &call, command->method, in, &reply);

    if (code == CTL_OK && ctl->json)
        ctl_json(ctl, reply);
    else if (code == CTL_OK)
        show_proposal(ctl, proposal_of(reply));
    sales_call_release(&call);
    return code;
}

enum exit_code proposal_run(struct ctl *ctl, const struct command *command, const struct args *args)
{
    ProtobufCMessage *in = ctl_request(ctl, command, args);

    return in ? send_request(ctl, command, in) : CTL_USAGE;
}

/* Shows it when it is on the page. */
static bool show_from(struct ctl *ctl, const ListProposalsResponse *page, const char *id)
{
    for (size_t i = 0; i < page->n_proposals; i++)
        if (strcmp(page->proposals[i]->id, id) == 0) {
            show_proposal(ctl, page->proposals[i]);
            return true;
        }
    return false;
}

static enum exit_code show_one(struct ctl *ctl, const char *id)
{
    ListProposalsRequest in = LIST_PROPOSALS_REQUEST_INIT;
    enum exit_code code = CTL_OK;
    bool is_found = false;

    in.page_size = 500;
    for (int i = 0; code == CTL_OK && !is_found && (i == 0 || *in.page_token) && i < PAGES_MAX;
         i++) {
        struct sales_call call = ctl_call(ctl);
        ProtobufCMessage *reply;

        code = ctl_unary(ctl, &call, LIST_METHOD, &in.base, &reply);
        if (code == CTL_OK) {
            const ListProposalsResponse *page = (const ListProposalsResponse *)reply;

            is_found = show_from(ctl, page, id);
            in.page_token = arena_cstr(&ctl->arena, str_of(page->next_page_token));
        }
        sales_call_release(&call);
        if (!in.page_token)
            return CTL_FAILED;
    }
    if (code != CTL_OK || is_found)
        return code;
    fprintf(ctl->err.file, "salesctl: there is no such proposal\n");
    return CTL_NOT_FOUND;
}

enum exit_code proposal_show_run(struct ctl *ctl, const struct command *command,
                                 const struct args *args)
{
    (void)command;
    return show_one(ctl, args->words[0]);
}

static enum exit_code decide(struct ctl *ctl, const struct command *command,
                             const struct args *args, Verdict verdict)
{
    DecideProposalRequest *in = (DecideProposalRequest *)ctl_request(ctl, command, args);

    if (!in)
        return CTL_USAGE;
    in->verdict = verdict;
    return send_request(ctl, command, &in->base);
}

enum exit_code proposal_approve_run(struct ctl *ctl, const struct command *command,
                                    const struct args *args)
{
    enum exit_code code;

    if (args_has(args, "hash"))
        return decide(ctl, command, args, VERDICT_APPROVE);
    code = show_one(ctl, args->words[0]);
    if (code != CTL_OK)
        return code;
    fprintf(ctl->err.file, "salesctl: nothing is approved yet: repeat with --hash and the hash "
                           "shown, if these are the arguments you want\n");
    return CTL_USAGE;
}

enum exit_code proposal_reject_run(struct ctl *ctl, const struct command *command,
                                   const struct args *args)
{
    return decide(ctl, command, args, VERDICT_REJECT);
}
