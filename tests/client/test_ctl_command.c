/* The command table, the command line, and how failures are told. */
#include <stdlib.h>

#include "ctl/completion.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"
#include "ctl/help.h"
#include "ctl/path.h"
#include "sales/v1/admin.service.h"
#include "sales/v1/sales_agent.pb-c.h"
#include "sales/v1/sales_agent.service.h"
#include "support/table.h"

enum { ARGV_MAX = 32 };

static struct ctl ctl;
static struct args args;
static char *out, *err;
static size_t n_out, n_err;

static void start(void)
{
    unsetenv("SALES_ADDRESS");
    unsetenv("SALES_API_KEY");
    ctl_init(&ctl, stdout, stderr);
    ctl.out = (struct term){.file = open_memstream(&out, &n_out), .columns = 200};
    ctl.err = (struct term){.file = open_memstream(&err, &n_err), .columns = 200};
}

static void stop(void)
{
    fclose(ctl.out.file);
    fclose(ctl.err.file);
    free(out);
    free(err);
    ctl_release(&ctl);
}

TestSuite(command, .init = start, .fini = stop);

/* Splits at blanks; single quotes hold words together, as in a shell. */
static int split(const char *line, const char **argv)
{
    char *copy = arena_cstr(&ctl.arena, str_of(line)), *to = copy;
    bool quoted = false, inside = false;
    int argc = 1;

    argv[0] = "salesctl";
    for (const char *c = copy; *c; c++) {
        if (*c == ' ' && !quoted) {
            inside = false;
            *to++ = 0;
            continue;
        }
        if (!inside) {
            argv[argc++] = to;
            inside = true;
        }
        if (*c == '\'')
            quoted = !quoted;
        else
            *to++ = *c;
    }
    *to = 0;
    argv[argc] = NULL;
    return argc;
}

static enum exit_code parse(const char *line, const struct command **command)
{
    const char *argv[ARGV_MAX];
    int argc = split(line, argv);

    return args_parse(&ctl, argc, argv, command, &args);
}

static const char *complaint(void)
{
    fflush(ctl.err.file);
    return err;
}

static const char *printed(void)
{
    fflush(ctl.out.file);
    return out;
}

/* ---- the table ------------------------------------------------------------------------------- */

static bool has_path(const ProtobufCMessageDescriptor *d, const char *path)
{
    ProtobufCMessage *m = path_new(&ctl.arena, d);
    const ProtobufCFieldDescriptor *f;
    const ProtobufCMessage *holder;

    return path_find(m, path, &holder, &f);
}

Test(command, every_row_names_real_methods_and_fields)
{
    for (size_t i = 0; i < n_commands; i++) {
        const struct command *c = &commands[i];
        const struct method *m = c->method ? ctl_method(c->method) : NULL;

        cr_assert(c->run && c->summary && *c->summary, "%s", c->name);
        cr_assert_eq(!c->method, !m, "%s calls %s", c->name, c->method);
        for (size_t k = 0; k < c->n_options; k++)
            if (c->options[k].path)
                cr_assert(m && has_path(m->input, c->options[k].path), "%s --%s: %s", c->name,
                          c->options[k].name, c->options[k].path);
        for (size_t k = 0; k < c->n_arguments; k++)
            if (c->arguments[k].path)
                cr_assert(m && has_path(m->input, c->arguments[k].path), "%s %s", c->name,
                          c->arguments[k].name);
        cr_assert_eq(c->shape != VIEW_NONE, c->view != NULL, "%s", c->name);
    }
}

Test(command, every_view_names_real_fields)
{
    for (size_t i = 0; i < n_commands; i++) {
        const struct command *c = &commands[i];
        const struct method *m = c->method ? ctl_method(c->method) : NULL;
        const ProtobufCFieldDescriptor *f;

        if (!c->view)
            continue;
        if (!*c->view->path) {
            for (size_t k = 0; k < c->view->n_columns; k++)
                cr_assert(has_path(m->output, c->view->columns[k].path), "%s", c->name);
            continue;
        }
        f = protobuf_c_message_descriptor_get_field_by_name(m->output, c->view->path);
        cr_assert(f && f->type == PROTOBUF_C_TYPE_MESSAGE, "%s: %s", c->name, c->view->path);
        cr_assert_eq(c->shape == VIEW_LIST, f->label == PROTOBUF_C_LABEL_REPEATED, "%s", c->name);
        for (size_t k = 0; k < c->view->n_columns; k++)
            cr_assert(has_path(f->descriptor, c->view->columns[k].path), "%s: %s", c->name,
                      c->view->columns[k].path);
    }
}

Test(command, no_option_is_said_twice)
{
    for (size_t i = 0; i < n_commands; i++) {
        const struct command *c = &commands[i];

        for (size_t k = 0; k < c->n_options; k++) {
            for (size_t l = 0; l < k; l++)
                cr_assert_str_neq(c->options[k].name, c->options[l].name, "%s", c->name);
            for (size_t l = 0; l < n_global_options; l++)
                cr_assert_str_neq(c->options[k].name, global_options[l].name, "%s", c->name);
        }
    }
}

/* An example that its own command would refuse is worse than none. */
Test(command, every_example_is_a_command_line_that_works)
{
    for (size_t i = 0; i < n_commands; i++) {
        str rest = str_of(commands[i].examples);

        cr_assert(rest.n > 0, "%s has no example", commands[i].name);
        while (rest.n) {
            char *line = arena_cstr(&ctl.arena, str_cut(&rest, '\n'));
            const struct command *found;
            char *pipe = strstr(line, "| salesctl "), *end = strstr(line, " > ");

            if (pipe)
                line = pipe + sizeof "| salesctl " - 1;
            if (end)
                *end = 0;
            cr_assert_eq(parse(line, &found), CTL_OK, "%s: %s", line, complaint());
            cr_assert_eq(found, &commands[i], "%s", line);
            if (found->method)
                cr_assert(ctl_request(&ctl, found, &args), "%s: %s", line, complaint());
        }
    }
}

Test(command, help_shows_examples_of_every_command)
{
    for (size_t i = 0; i < n_commands; i++) {
        char *text;
        size_t n;
        struct term t = {.file = open_memstream(&text, &n), .columns = 200};

        help_command(&t, &commands[i]);
        fclose(t.file);
        cr_assert(strstr(text, "Examples\n"), "%s", commands[i].name);
        cr_assert(strstr(text, commands[i].name));
        for (size_t k = 0; k < commands[i].n_options; k++)
            cr_assert(strstr(text, commands[i].options[k].name), "%s", commands[i].name);
        free(text);
    }
    cr_assert(help_overview(&ctl.out, "deal"));
    cr_assert(strstr(printed(), "deal progress"));
    cr_assert_not(strstr(printed(), "lead get"));
    cr_assert_not(help_overview(&ctl.out, "nonsense"));
}

/* sales_unary makes mutations repeatable by their request_id: none may lack the field. */
Test(command, every_mutating_method_has_a_request_id)
{
    const struct service *services[] = {&sales_agent_service, &admin_service};

    for (size_t i = 0; i < sizeof services / sizeof *services; i++)
        for (size_t k = 0; k < services[i]->n_methods; k++) {
            const struct method *m = &services[i]->methods[k];

            if (m->mutating)
                cr_assert(protobuf_c_message_descriptor_get_field_by_name(m->input, "request_id"),
                          "%s", m->path);
        }
}

/* Whoever administers by shell can do what the contract has. */
Test(command, every_method_of_the_admin_service_has_a_command)
{
    for (size_t i = 0; i < admin_service.n_methods; i++) {
        size_t n = 0;

        for (size_t k = 0; k < n_commands; k++)
            n += commands[k].method && !strcmp(commands[k].method, admin_service.methods[i].path);
        cr_assert(n, "no command calls %s", admin_service.methods[i].path);
    }
}

/* ---- the command line ------------------------------------------------------------------------ */

struct usage_row {
    char line[72];
    char complaint[72];
};

/* clang-format off */
static const struct usage_row usages[] = {
    {"lead lst",                             "no command 'lead lst', did you mean 'lead list'?"},
    {"nonsense",                             "no command 'nonsense'"},
    {"lead get",                             "ID is missing: id of the lead"},
    {"lead get a b",                         "one word too many: 'b'"},
    {"lead get a --adress x",                "unknown option --adress, did you mean --address?"},
    {"lead list --fliter x",                 "unknown option --fliter, did you mean --filter?"},
    {"lead get a --zzzzzzzz",                "unknown option --zzzzzzzz"},
    {"lead list --filter",                   "--filter needs a value: --filter EXPRESSION"},
    {"lead list --all=yes",                  "--all takes no value"},
    {"lead list --timeout soon",             "--timeout is a duration"},
    {"lead list --timeout 0s",               "--timeout is a duration"},
};
/* clang-format on */

static void usage_rows_check(const struct usage_row *row)
{
    const struct command *command;

    cr_assert_eq(parse(row->line, &command), CTL_USAGE, "%s", row->line);
    cr_assert(strstr(complaint(), row->complaint), "%s: %s", row->line, complaint());
    cr_assert(strstr(complaint(), "--help"), "and where to look");
}

TABLE_TEST(command, mistakes_are_named, struct usage_row, usages)
{
    usage_rows_check(row);
}

Test(command, options_come_in_any_order_and_form)
{
    const struct command *c;

    cr_assert_eq(parse("lead list --filter=a=b --timeout 5s --json --limit 3 --all", &c), CTL_OK);
    cr_assert_str_eq(c->name, "lead list");
    cr_assert_str_eq(args_text(&args, "filter"), "a=b");
    cr_assert_eq(ctl.timeout_ms, 5000);
    cr_assert(ctl.json && args_has(&args, "all"));
    cr_assert_null(args_text(&args, "order"));
    cr_assert_eq(parse("deal create -- --json", &c), CTL_OK);
    cr_assert_str_eq(args.words[0], "--json", "behind -- everything is a word");
    cr_assert_eq(parse("lead import - --map m", &c), CTL_OK);
    cr_assert_str_eq(args.words[0], "-");
}

/* ---- requests -------------------------------------------------------------------------------- */

static void *request(const char *line)
{
    const struct command *c;

    cr_assert_eq(parse(line, &c), CTL_OK, "%s: %s", line, complaint());
    return ctl_request(&ctl, c, &args);
}

Test(command, options_become_fields)
{
    const Sales__V1__CreateLeadRequest *r = request(
        "lead create --name 'Ada Byron' --seniority C-Level --employees 420 --tag a --tag b "
        "--revenue '12.5 EUR' --attr plan=pro --attr seats=12 --attr beta=true "
        "--duplicates keep_both --created-at 2026-03-01");

    cr_assert(r, "%s", complaint());
    cr_assert_str_eq(r->lead->full_name, "Ada Byron");
    cr_assert_eq(r->lead->seniority, SALES__V1__SENIORITY__SENIORITY_C_LEVEL);
    cr_assert_eq(r->lead->company->employees, 420);
    cr_assert_eq(r->lead->company->annual_revenue->amount_minor, 1250);
    cr_assert_eq(r->lead->n_tags, 2);
    cr_assert_str_eq(r->lead->tags[1], "b");
    cr_assert_eq(r->lead->n_attributes, 3);
    cr_assert_str_eq(r->lead->attributes[0]->value->string_value, "pro");
    cr_assert_eq(r->lead->attributes[1]->value->number_value, 12);
    cr_assert_eq(r->lead->attributes[2]->value->bool_value, 1);
    cr_assert_eq(r->duplicate_policy, SALES__V1__DUPLICATE_POLICY__DUPLICATE_POLICY_KEEP_BOTH);
    cr_assert_eq(r->lead->created_at->seconds, 1772323200);
}

Test(command, update_masks_name_what_was_given)
{
    const Sales__V1__UpdateLeadRequest *r = request(
        "lead update some-id --title COO --attr plan=max --clear phone --etag e1 --company X");

    cr_assert(r, "%s", complaint());
    cr_assert_str_eq(r->lead->id, "some-id");
    cr_assert_str_eq(r->lead->etag, "e1");
    cr_assert_eq(r->update_mask->n_paths, 4);
    cr_assert_str_eq(r->update_mask->paths[0], "job_title");
    cr_assert_str_eq(r->update_mask->paths[1], "attributes.plan");
    cr_assert_str_eq(r->update_mask->paths[2], "phone");
    cr_assert_str_eq(r->update_mask->paths[3], "company.name");
}

Test(command, contacts_are_people_or_leads)
{
    const Sales__V1__CreateDealRequest *r =
        request("deal create D --contact 'champion:Ada Byron <ada@example.com>' "
                "--contact 0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80 --contact Charles");

    cr_assert(r, "%s", complaint());
    cr_assert_eq(r->deal->n_contacts, 3);
    cr_assert_eq(r->deal->contacts[0]->role, SALES__V1__BUYING_ROLE__BUYING_ROLE_CHAMPION);
    cr_assert_str_eq(r->deal->contacts[0]->name, "Ada Byron");
    cr_assert_str_eq(r->deal->contacts[0]->email, "ada@example.com");
    cr_assert_str_eq(r->deal->contacts[1]->lead_id, "0193b6f2-7d1c-7a4e-9c55-2f1d3a6b7c80");
    cr_assert_str_eq(r->deal->contacts[2]->name, "Charles");
}

/* clang-format off */
static const struct usage_row values[] = {
    {"lead create --seniority boss",      "--seniority is one of: trainee, staff, senior"},
    {"lead create --employees many",      "--employees is a whole number"},
    {"lead create --employees 3000000000", "--employees is a whole number"},
    {"lead create --revenue 12",          "--revenue is an amount with its currency"},
    {"lead create --created-at tomorrow", "--created-at is a time"},
    {"lead create --attr plan",           "--attr is key=value"},
    {"activity log dance --lead x",       "KIND is one of: email, call, meeting"},
    {"activity log call --duration long", "--duration is a duration"},
    {"lead list --limit 1.5",             "--limit is a whole number"},
    {"lead create --name \xFF",           "--name is text in UTF-8"},
};
/* clang-format on */

TABLE_TEST(command, values_are_refused_with_what_would_do, struct usage_row, values)
{
    cr_assert_null(request(row->line), "%s", row->line);
    cr_assert(strstr(complaint(), row->complaint), "%s: %s", row->line, complaint());
}

/* ---- failures -------------------------------------------------------------------------------- */

static struct sales_call failed_call(void)
{
    static const struct sales_field_violation violations[] = {
        {"lead.email", "must be an address"}, {"lead.\033[31mphone", "at most 40\ncharacters"}};
    static const struct sales_precondition preconditions[] = {
        {"STAGE_GUARD", "amount", "set the amount"}, {"MOVE", "", "not from here"}};
    static const struct sales_pair metadata[] = {{"guard", "amount_set"}};

    return (struct sales_call){
        .error = {.status = SALES_FAILED_PRECONDITION,
                  .message = "the \"move\" is refused",
                  .reason = "MOVE_REFUSED",
                  .domain = "sales.v1",
                  .metadata = metadata,
                  .n_metadata = 1,
                  .violations = violations,
                  .n_violations = 2,
                  .preconditions = preconditions,
                  .n_preconditions = 2,
                  .retry_after_ms = 1500},
        .answer_id = "req-1",
        .n_attempts = 3,
    };
}

Test(command, failures_list_everything_there_is_to_fix)
{
    struct sales_call call = failed_call();

    cr_assert_eq(explain(&ctl, &call), CTL_REFUSED);
    cr_assert_str_eq(complaint(), "MOVE_REFUSED: the \"move\" is refused (FAILED_PRECONDITION)\n"
                                  "  - lead.email: must be an address\n"
                                  "  - lead.\xEF\xBF\xBD[31mphone: at most 40 characters\n"
                                  "  - STAGE_GUARD (amount): set the amount\n"
                                  "  - MOVE: not from here\n"
                                  "    guard = amount_set\n"
                                  "  come back in 1.5 s\n"
                                  "  after 3 attempts\n"
                                  "  request req-1\n");
}

Test(command, failures_as_json_are_one_object)
{
    struct sales_call call = failed_call();

    ctl.json = true;
    cr_assert_eq(explain(&ctl, &call), CTL_REFUSED);
    cr_assert_str_eq(
        complaint(),
        "{\"error\":{\"status\":\"FAILED_PRECONDITION\",\"message\":\"the \\\"move\\\" is "
        "refused\","
        "\"reason\":\"MOVE_REFUSED\",\"requestId\":\"req-1\",\"attempts\":3,\"retryAfterMs\":1500,"
        "\"violations\":[{\"field\":\"lead.email\",\"description\":\"must be an address\"},"
        "{\"field\":\"lead.\\u001b[31mphone\",\"description\":\"at most 40\\ncharacters\"}],"
        "\"preconditions\":[{\"type\":\"STAGE_GUARD\",\"subject\":\"amount\",\"description\":\"set "
        "the amount\"},{\"type\":\"MOVE\",\"subject\":\"\",\"description\":\"not from "
        "here\"}]}}\n");
}

Test(command, every_status_has_a_class)
{
    for (int s = 1; s <= SALES_UNAUTHENTICATED; s++)
        cr_assert_neq(explain_code((enum sales_status)s), CTL_OK, "%d", s);
    cr_assert_eq(explain_code(SALES_OK), CTL_OK);
    cr_assert_eq(explain_code((enum sales_status)99), CTL_FAILED);
}

Test(command, lists_of_leads_are_shown_by_their_view)
{
    Sales__V1__ListLeadsResponse r = SALES__V1__LIST_LEADS_RESPONSE__INIT;
    Sales__V1__Lead lead = SALES__V1__LEAD__INIT, *list[] = {&lead};
    const struct command *c;

    cr_assert_eq(parse("lead list", &c), CTL_OK);
    show_list(&ctl.arena, &ctl.out, c->view, &r.base);
    lead.full_name = (char[]){"Ada\033[2J"};
    lead.status = SALES__V1__LEAD_STATUS__LEAD_STATUS_QUALIFIED;
    r.leads = list;
    r.n_leads = 1;
    show_list(&ctl.arena, &ctl.out, c->view, &r.base);
    cr_assert(strstr(printed(), "no leads\n"), "%s", printed());
    cr_assert(strstr(printed(), "Ada\xEF\xBF\xBD[2J"), "%s", printed());
    cr_assert(strstr(printed(), "qualified"), "%s", printed());
}
