#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "obs/log.h"
#include "obs/trace.h"

static int64_t fake_ns = 1000000000;

static int64_t fake_now(const struct clock_ops *c)
{
    (void)c;
    return 1763639868123456;
}
static int64_t fake_monotonic(const struct clock_ops *c)
{
    (void)c;
    return fake_ns;
}
static void fake_random(const struct clock_ops *c, void *out, size_t n)
{
    (void)c;
    memset(out, 0xAB, n);
}
static const struct clock_ops fake_clock = {fake_now, fake_monotonic, fake_random};

enum { LINES_MAX = 5000 };

static char file[64];
static char text[1 << 22];
static json_t *lines[LINES_MAX];
static size_t n_lines;

static void open_log(enum log_level level, size_t buffer_bytes)
{
    struct log_options o = {.level = level, .buffer_bytes = buffer_bytes, .clock = &fake_clock};
    struct call c;

    snprintf(file, sizeof file, "/tmp/test_log.XXXXXX");
    close(mkstemp(file));
    o.path = file;
    call_init(&c, &fake_clock, 1 << 16);
    cr_assert_eq(log_open(&c, &o), STATUS_OK, "%s", c.fault.why);
    call_release(&c);
}

static void parse_lines(void)
{
    char *save = NULL;

    for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
        json_error_t e;

        cr_assert_lt(n_lines, LINES_MAX);
        lines[n_lines++] = json_loads(l, JSON_REJECT_DUPLICATES, &e);
        cr_assert_not_null(lines[n_lines - 1], "%s: %s", l, e.text);
    }
}

/* Closes the log and parses what it wrote; every line must be JSON. */
static void read_log(void)
{
    FILE *f;

    log_close();
    f = fopen(file, "r");
    cr_assert_not_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    unlink(file);
    parse_lines();
}

static const char *get(size_t line, const char *key)
{
    cr_assert_lt(line, n_lines);
    return json_string_value(json_object_get(lines[line], key));
}

static int64_t get_int(size_t line, const char *key)
{
    cr_assert_lt(line, n_lines);
    return json_integer_value(json_object_get(lines[line], key));
}

Test(log, a_line_says_when_what_and_for_whom)
{
    struct call c;

    open_log(LOG_INFO, 0);
    call_init(&c, &fake_clock, 1 << 16);
    trace_start(&c.trace, c.clock);
    c.method = "sales.v1.SalesAgent/GetLead";
    snprintf(c.principal.tenant, sizeof c.principal.tenant, "demo");
    log_info(&c, LOG_EVENT_KEY_CREATED, F_ID("key_id", "k1"), F_INT("n", -3), F_MS("age", 12),
             F_NS("took", 1234567), F_BYTES("sent", 99), F_BOOL("ok", true), F_STR("none", NULL));
    log_info(&c, LOG_EVENT_SERVER_STARTED);
    read_log();
    cr_assert_eq(n_lines, 2);
    cr_assert_str_eq(get(0, "ts"), "2025-11-20T11:57:48.123456Z");
    cr_assert_str_eq(get(0, "level"), "info");
    cr_assert_str_eq(get(0, "event"), "key.created");
    cr_assert_str_eq(get(0, "trace_id"), "abababababababababababababababab");
    cr_assert_str_eq(get(0, "span_id"), "abababababababab");
    cr_assert_str_eq(get(0, "tenant"), "demo");
    cr_assert_str_eq(get(0, "rpc"), "sales.v1.SalesAgent/GetLead");
    cr_assert_str_eq(get(0, "key_id"), "k1");
    cr_assert_eq(get_int(0, "n"), -3);
    cr_assert_eq(get_int(0, "age_ms"), 12);
    cr_assert_float_eq(json_real_value(json_object_get(lines[0], "took_ms")), 1.234, 1e-9);
    cr_assert_eq(get_int(0, "sent_bytes"), 99);
    cr_assert(json_is_true(json_object_get(lines[0], "ok")));
    cr_assert_null(json_object_get(lines[0], "none"));
    call_release(&c);
}

Test(log, any_bytes_give_valid_json)
{
    static char all[256], huge[4 * LOG_TEXT_BYTES];

    for (int i = 0; i < 255; i++)
        all[i] = (char)(i + 1);
    for (size_t i = 0; i + 2 < sizeof huge; i += 2) {
        huge[i] = '\xC3';
        huge[i + 1] = '\xA9';
    }
    open_log(LOG_DEBUG, 0);
    log_info(NULL, LOG_EVENT_SERVER_STARTED, F_STR("all", all), F_STR("quote", "a\"b\\c\n\x7F"));
    log_info(NULL, LOG_EVENT_SERVER_STARTED, F_STR("huge", huge + 1));
    log_info(NULL, LOG_EVENT_SERVER_STARTED, F_STR("a", huge), F_STR("b", huge), F_STR("c", huge),
             F_STR("d", huge), F_STR("e", huge), F_INT("last", 1));
    read_log();
    cr_assert_eq(n_lines, 3);
    cr_assert_str_eq(get(0, "quote"), "a\"b\\c\n\x7F");
    cr_assert(json_is_true(json_object_get(lines[1], "truncated")));
    cr_assert(json_is_true(json_object_get(lines[2], "truncated")));
    cr_assert_eq(strlen(get(2, "a")), LOG_TEXT_BYTES);
    cr_assert_eq(get_int(2, "last"), 1);
}

Test(log, lower_levels_are_left_out)
{
    open_log(LOG_WARN, 0);
    log_debug(NULL, LOG_EVENT_SERVER_STARTED);
    log_info(NULL, LOG_EVENT_SERVER_STARTED);
    log_warn(NULL, LOG_EVENT_SERVER_STARTED);
    log_error(NULL, LOG_EVENT_SERVER_FAILED);
    read_log();
    cr_assert_eq(n_lines, 2);
    cr_assert_str_eq(get(0, "level"), "warn");
    cr_assert_str_eq(get(1, "level"), "error");
}

Test(log, an_event_over_its_rate_is_held_back_and_counted)
{
    open_log(LOG_INFO, 0);
    for (int i = 0; i < 25; i++)
        log_info(NULL, LOG_EVENT_SERVER_STARTED, F_INT("i", i));
    fake_ns += 1000000000;
    log_info(NULL, LOG_EVENT_SERVER_STARTED, F_INT("i", 25));
    log_info(NULL, LOG_EVENT_SIGNAL_RECEIVED);
    read_log();
    cr_assert_eq(n_lines, 12, "burst of ten, one after a second, one other event: %zu", n_lines);
    cr_assert_eq(get_int(10, "i"), 25);
    cr_assert_eq(get_int(10, "suppressed"), 15);
    cr_assert_eq(get_int(11, "suppressed"), 0);
}

/* Takes what the pipe holds until nothing comes for a while. */
static void drain(int fd, size_t *n)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    while (poll(&p, 1, 300) == 1) {
        ssize_t got = read(fd, text + *n, sizeof text - 1 - *n);

        if (got <= 0)
            break;
        *n += (size_t)got;
    }
}

Test(log, a_stalled_reader_costs_lines_not_time)
{
    struct log_options o = {.level = LOG_INFO, .buffer_bytes = 8192, .clock = &fake_clock};
    struct call c;
    int pipe_fd[2];
    size_t n = 0;
    int64_t said = 0;

    cr_assert_eq(pipe(pipe_fd), 0);
    fcntl(pipe_fd[1], F_SETPIPE_SZ, 4096);
    o.fd = pipe_fd[1];
    call_init(&c, &fake_clock, 1 << 16);
    cr_assert_eq(log_open(&c, &o), STATUS_OK);
    for (int i = 0; i < 4000; i++)
        log_info(NULL, LOG_EVENT_RPC_FINISHED, F_INT("i", i));
    drain(pipe_fd[0], &n);
    cr_assert_gt(log_counts().dropped, 1000);
    log_close();
    drain(pipe_fd[0], &n);
    text[n] = 0;
    parse_lines();
    for (size_t i = 0; i < n_lines; i++)
        if (strcmp(get(i, "event"), "log.dropped") == 0)
            said += get_int(i, "lines");
    cr_assert_eq((uint64_t)said, log_counts().dropped, "said %lld, were %llu", (long long)said,
                 (unsigned long long)log_counts().dropped);
    call_release(&c);
}

Test(log, reopening_follows_a_rotation)
{
    char rotated[80];
    FILE *f;

    open_log(LOG_INFO, 0);
    log_info(NULL, LOG_EVENT_SERVER_STARTED);
    snprintf(rotated, sizeof rotated, "%s.1", file);
    cr_assert_eq(rename(file, rotated), 0);
    log_reopen();
    for (int i = 0; i < 500 && access(file, F_OK) != 0; i++)
        poll(NULL, 0, 10);
    log_info(NULL, LOG_EVENT_SERVER_STOPPED);
    read_log();
    cr_assert_eq(n_lines, 1);
    cr_assert_str_eq(get(0, "event"), "server.stopped");
    f = fopen(rotated, "r");
    cr_assert_not_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    unlink(rotated);
    cr_assert_not_null(strstr(text, "server.started"));
}

Test(log, a_file_that_cannot_be_made_is_said)
{
    struct log_options o = {.path = "/nowhere/at/all"};
    struct call c;

    call_init(&c, NULL, 1 << 16);
    cr_assert_eq(log_open(&c, &o), STATUS_UNAVAILABLE);
    cr_assert_not_null(strstr(c.fault.why, "/nowhere/at/all"));
    log_close();
    log_info(&c, LOG_EVENT_SERVER_STARTED);
    call_release(&c);
}

Test(log, event_names_are_noun_dot_verb)
{
    static const char *const names[] = {
#define X(id, name, per_second, burst) name,
#include "obs/event.def"
#undef X
    };

    for (size_t i = 0; i < LOG_N_EVENTS; i++) {
        const char *dot = strchr(names[i], '.');

        cr_assert(dot && dot != names[i] && dot[1], "%s", names[i]);
        cr_assert_eq(strspn(names[i], "abcdefghijklmnopqrstuvwxyz_."), strlen(names[i]), "%s",
                     names[i]);
        cr_assert(str_ends(str_of(names[i]), STR("ed")), "%s is not in the past", names[i]);
    }
}
