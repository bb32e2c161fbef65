/* An export is a checkpoint and all entries up to it, page by page. */
#include "ctl/audit.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/banned.h"
#include "ctl/audit_file.h"
#include "ctl/ctl.h"
#include "ctl/when.h"

#define VERIFY "/sales.v1.Admin/VerifyAudit"
#define LIST   "/sales.v1.Admin/ListAuditEntries"

enum { EXPORT_PAGE = 500, HEX_KEY_CHARS = 2 * AUDIT_PUBLIC_BYTES };

static enum exit_code complain(struct ctl *ctl, const char *path, const char *why)
{
    fprintf(ctl->err.file, "salesctl: %s: %s\n", path, why);
    return CTL_FAILED;
}

static void put_hex(FILE *file, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fprintf(file, "%02x", p[i]);
}

/* "intact" or what is wrong, for both kinds of verification. */
static void print_problem(struct ctl *ctl, AuditProblem problem, uint64_t sequence, const char *why)
{
    static const char *const names[AUDIT_PROBLEM_N] = {
        [AUDIT_PROBLEM_UNSPECIFIED] = "intact",
        [AUDIT_PROBLEM_ALTERED] = "altered",
        [AUDIT_PROBLEM_MISSING] = "an entry is missing",
        [AUDIT_PROBLEM_REORDERED] = "the order was changed",
        [AUDIT_PROBLEM_TRUNCATED] = "the end is missing",
        [AUDIT_PROBLEM_BAD_SIGNATURE] = "a signature is wrong",
    };
    bool is_known = problem >= 0 && problem < AUDIT_PROBLEM_N;

    fprintf(ctl->out.file, "%s%s%s", term_ink(&ctl->out, problem ? INK_BAD : INK_GOOD),
            is_known ? names[problem] : "damaged", term_ink(&ctl->out, INK_PLAIN));
    if (problem)
        fprintf(ctl->out.file, ", first at entry %llu%s%s", (unsigned long long)sequence,
                *why ? ": " : "", why);
    fputc('\n', ctl->out.file);
}

static void print_key(struct ctl *ctl, const unsigned char *key, const char *key_id)
{
    fprintf(ctl->out.file, "public key %s ", key_id);
    put_hex(ctl->out.file, key, AUDIT_PUBLIC_BYTES);
    fputc('\n', ctl->out.file);
}

static enum exit_code verify_online(struct ctl *ctl, const struct command *command,
                                    const struct args *args)
{
    ProtobufCMessage *in = ctl_request(ctl, command, args), *reply;
    struct sales_call call = ctl_call(ctl);
    enum exit_code code;

    if (!in)
        return CTL_USAGE;
    code = ctl_unary(ctl, &call, VERIFY, in, &reply);
    if (code == CTL_OK) {
        const VerifyAuditResponse *r = (const VerifyAuditResponse *)(const void *)reply;

        if (ctl->json) {
            ctl_json(ctl, reply);
        } else {
            print_problem(ctl, r->problem, r->problem_sequence, "");
            fprintf(ctl->out.file, "%llu entries checked, %llu not sealed yet\n",
                    (unsigned long long)r->checked, (unsigned long long)r->unsealed);
            if (r->checkpoint && r->public_key.len == AUDIT_PUBLIC_BYTES)
                print_key(ctl, r->public_key.data, r->checkpoint->key_id);
        }
        code = r->intact ? CTL_OK : CTL_FAILED;
    }
    sales_call_release(&call);
    return code;
}

static bool read_key(const char *hex, unsigned char out[AUDIT_PUBLIC_BYTES])
{
    static const char digits[] = "0123456789abcdef";

    if (strlen(hex) != HEX_KEY_CHARS)
        return false;
    for (size_t i = 0; i < HEX_KEY_CHARS; i++) {
        const char *at = strchr(digits, hex[i]);

        if (!at)
            return false;
        out[i / 2] = (unsigned char)(i % 2 ? out[i / 2] | (at - digits) : (at - digits) << 4);
    }
    return true;
}

static bool check_path(const char *path, const unsigned char *key,
                       const struct audit_checkpoint *known, struct audit_finding *out)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    bool ok;

    *out = (struct audit_finding){.why = strerror(errno)};
    if (!file)
        return false;
    ok = audit_file_check(file, key, known, out);
    if (file != stdin)
        fclose(file);
    return ok;
}

static void print_finding(struct ctl *ctl, const struct audit_finding *f, bool has_key)
{
    print_problem(ctl, f->problem, f->sequence, f->why);
    fprintf(ctl->out.file, "%llu entries checked", (unsigned long long)f->n_entries);
    if (f->checkpoint.chain.count)
        fprintf(ctl->out.file, ", signed %s",
                when_text(&ctl->arena, f->checkpoint.time_us / 1000000));
    fputc('\n', ctl->out.file);
    print_key(ctl, f->public_key, f->key_id);
    if (!has_key)
        fprintf(ctl->err.file, "salesctl: the key is the file's own: compare it with one noted "
                               "elsewhere, or give --public-key\n");
}

static enum exit_code verify_file(struct ctl *ctl, const struct command *command,
                                  const struct args *args)
{
    const char *hex = args_text(args, "public-key"), *known_path = args_text(args, "known");
    unsigned char key[AUDIT_PUBLIC_BYTES];
    struct audit_finding known = {0}, found;

    if (hex && !read_key(hex, key))
        return usage_error(ctl, command, "--public-key takes %d hex digits", HEX_KEY_CHARS);
    if (known_path && !check_path(known_path, hex ? key : NULL, NULL, &known))
        return complain(ctl, known_path, known.why);
    if (!check_path(args->words[0], hex ? key : NULL, known_path ? &known.checkpoint : NULL,
                    &found))
        return complain(ctl, args->words[0], found.why);
    print_finding(ctl, &found, hex != NULL);
    return found.problem ? CTL_FAILED : CTL_OK;
}

enum exit_code audit_verify_run(struct ctl *ctl, const struct command *command,
                                const struct args *args)
{
    return args->n_words ? verify_file(ctl, command, args) : verify_online(ctl, command, args);
}

/* All entries up to the checkpoint. *at says how far it came. */
static enum exit_code export_entries(struct ctl *ctl, FILE *file, uint64_t until,
                                     struct audit_chain *at)
{
    ListAuditEntriesRequest in = LIST_AUDIT_ENTRIES_REQUEST_INIT;
    struct sales_call call = ctl_call(ctl);
    enum exit_code code = CTL_OK;
    char filter[96];

    in.page_size = EXPORT_PAGE;
    in.order_by = "sequence";
    while (code == CTL_OK && at->count < until) {
        ProtobufCMessage *reply;
        const ListAuditEntriesResponse *page;

        snprintf(filter, sizeof filter, "sequence > %llu AND sequence <= %llu",
                 (unsigned long long)at->count, (unsigned long long)until);
        in.filter = filter;
        code = ctl_unary(ctl, &call, LIST, &in.base, &reply);
        if (code != CTL_OK)
            break;
        page = (const ListAuditEntriesResponse *)(const void *)reply;
        if (!page->n_entries)
            break; /* the file will not verify, and says where */
        for (size_t i = 0; code == CTL_OK && i < page->n_entries; i++)
            if (!audit_file_entry(file, page->entries[i], at))
                code = complain(ctl, "export", "an entry could not be written");
        sales_call_reset(&call);
    }
    sales_call_release(&call);
    return code;
}

static enum exit_code export_to(struct ctl *ctl, FILE *file)
{
    VerifyAuditRequest in = VERIFY_AUDIT_REQUEST_INIT;
    struct sales_call call = ctl_call(ctl);
    ProtobufCMessage *reply;
    enum exit_code code = ctl_unary(ctl, &call, VERIFY, &in.base, &reply);
    struct audit_chain at;

    if (code == CTL_OK) {
        const VerifyAuditResponse *r = (const VerifyAuditResponse *)(const void *)reply;

        if (!r->intact)
            code = complain(ctl, "export",
                            "the server finds its trail damaged: audit verify says "
                            "where");
        else if (!audit_file_begin(file, r, &at))
            code = complain(ctl, "export", strerror(errno));
        else
            code = export_entries(ctl, file, r->checkpoint ? r->checkpoint->count : 0, &at);
        if (code == CTL_OK)
            fprintf(ctl->out.file, "%llu entries\n", (unsigned long long)at.count);
        if (code == CTL_OK && r->checkpoint)
            print_key(ctl, r->public_key.data, r->checkpoint->key_id);
    }
    sales_call_release(&call);
    return code;
}

enum exit_code audit_export_run(struct ctl *ctl, const struct command *command,
                                const struct args *args)
{
    const char *path = args->words[0];
    FILE *file = fopen(path, "wbx");
    enum exit_code code;

    (void)command;
    if (!file)
        return complain(ctl, path, strerror(errno));
    code = export_to(ctl, file);
    if (fclose(file) != 0 && code == CTL_OK)
        code = complain(ctl, path, strerror(errno));
    if (code != CTL_OK)
        unlink(path);
    return code;
}
