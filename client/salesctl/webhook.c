/* Secrets come from files, never from the command line: that is for everybody to see. */
#include "ctl/webhook.h"

#include "base/banned.h"
#include "base/buf.h"
#include "ctl/ctl.h"
#include "domain/webhook_sign.h"

enum { SECRETS_FILE_BYTES = 4096 };

static void show_once(struct ctl *ctl, const char *what, const char *text)
{
    const char *dim = term_ink(&ctl->out, INK_DIM), *plain = term_ink(&ctl->out, INK_PLAIN);

    if (*text)
        fprintf(ctl->out.file, "%s%s%s  %s\n%sKeep it: it is not shown again.%s\n", dim, what,
                plain, text, dim, plain);
}

static void show_keys(struct ctl *ctl, const struct command *command, const ProtobufCMessage *reply)
{
    ctl_reply(ctl, command, reply);
    if (ctl->json)
        return;
    show_once(ctl, "secret", show_field(&ctl->arena, reply, "secret", SHOW_PLAIN));
    show_once(ctl, "public key", show_field(&ctl->arena, reply, "public_key", SHOW_PLAIN));
}

enum exit_code webhook_run(struct ctl *ctl, const struct command *command, const struct args *args)
{
    return ctl_run(ctl, command, args, show_keys);
}

/* A whole file, "-" is standard input. False: it cannot be read, or is longer than most. */
static bool read_file(struct arena *a, const char *path, size_t most, str *out)
{
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    char *p = f ? arena_take(a, most + 1) : NULL;
    size_t n = p ? fread(p, 1, most + 1, f) : 0;
    bool is_read = p && !ferror(f) && n <= most;

    if (f && f != stdin)
        fclose(f);
    *out = (str){p, is_read ? n : 0};
    return is_read;
}

/* One secret or key per line. */
static bool read_keys(str text, struct webhook_key keys[WEBHOOK_KEYS_MAX], size_t *n_out)
{
    *n_out = 0;
    while (text.n) {
        str line = str_trim(str_cut(&text, '\n'));

        if (!line.n)
            continue;
        if (*n_out == WEBHOOK_KEYS_MAX || !webhook_key_parse(line, &keys[*n_out]))
            return false;
        ++*n_out;
    }
    return *n_out > 0;
}

static void say(struct ctl *ctl, enum webhook_verdict v)
{
    const char *text = webhook_verdict_text(v);
    bool is_valid = v == WEBHOOK_VALID;

    if (ctl->json)
        fprintf(ctl->out.file, "{\"valid\":%s,\"reason\":\"%s\"}\n", is_valid ? "true" : "false",
                text);
    else
        fprintf(ctl->out.file, "%s%s%s\n", term_ink(&ctl->out, is_valid ? INK_GOOD : INK_BAD), text,
                term_ink(&ctl->out, INK_PLAIN));
}

static str given(const struct args *args, const char *option)
{
    return str_of(args_text(args, option));
}

enum exit_code webhook_verify_run(struct ctl *ctl, const struct command *command,
                                  const struct args *args)
{
    struct webhook_received r = {.id = given(args, "id"),
                                 .timestamp = given(args, "timestamp"),
                                 .signature = given(args, "signature")};
    const char *path = args_text(args, "secret-file");
    struct webhook_key keys[WEBHOOK_KEYS_MAX];
    long long at = 0;
    size_t n_keys;
    str text;

    if (!path)
        return usage_error(ctl, command, "--secret-file is missing");
    if (!read_file(&ctl->arena, path, SECRETS_FILE_BYTES, &text) || !read_keys(text, keys, &n_keys))
        return usage_error(ctl, command, "%s holds no secrets, one per line: whsec_...", path);
    if (!read_file(&ctl->arena, args->words[0], WEBHOOK_BODY_BYTES, &r.body))
        return usage_error(ctl, command, "%s cannot be read, or is over %d bytes", args->words[0],
                           WEBHOOK_BODY_BYTES);
    if (!args_has(args, "any-time") || !str_to_int64(r.timestamp, &at))
        at = ctl_now_us() / 1000000;
    enum webhook_verdict v = webhook_verify(&r, keys, n_keys, at);

    say(ctl, v);
    return v == WEBHOOK_VALID ? CTL_OK : CTL_INVALID;
}
