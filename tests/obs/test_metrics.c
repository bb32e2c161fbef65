#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "obs/metrics.h"
#include "obs/process.h"

static struct metrics *m;
static struct arena arena;

static void set_up(void)
{
    arena_init(&arena, 64 << 20);
    m = metrics_open();
    cr_assert_not_null(m);
}

static void tear_down(void)
{
    metrics_close(m);
    arena_release(&arena);
}

TestSuite(metrics, .init = set_up, .fini = tear_down);

static const char *const echo[] = {"unary", "a.B", "Echo", "OK"};

static const char *render(void)
{
    struct buf b;

    buf_init(&b, &arena, METRIC_TEXT_BYTES);
    cr_assert(metrics_render(m, &b));
    return buf_str(&b).p;
}

static void assert_line(const char *text, const char *line)
{
    const char *at = strstr(text, line);
    size_t n = strlen(line);

    cr_assert(at && (at == text || at[-1] == '\n') && at[n] == '\n', "no line `%s` in:\n%s", line,
              text);
}

Test(metrics, a_series_starts_at_zero_and_counts)
{
    struct series s = metrics_series(m, METRIC_GRPC_HANDLED, echo);

    assert_line(render(), "grpc_server_handled_total{grpc_type=\"unary\",grpc_service=\"a.B\","
                          "grpc_method=\"Echo\",grpc_code=\"OK\"} 0");
    series_add(s, 1);
    series_add(metrics_series(m, METRIC_GRPC_HANDLED, echo), 2);
    cr_assert_eq(series_value(s), 3);
    assert_line(render(), "grpc_server_handled_total{grpc_type=\"unary\",grpc_service=\"a.B\","
                          "grpc_method=\"Echo\",grpc_code=\"OK\"} 3");
}

Test(metrics, buckets_are_cumulative_and_bounds_inclusive)
{
    struct series s = metrics_series(m, METRIC_GRPC_SECONDS, echo);
    const char *text;

    series_observe(s, 0);
    series_observe(s, 5000000);
    series_observe(s, 5000001);
    series_observe(s, 3000000000);
    series_observe(s, 60000000000);
    text = render();
#define LABELS "{grpc_type=\"unary\",grpc_service=\"a.B\",grpc_method=\"Echo\""
    assert_line(text, "# TYPE grpc_server_handling_seconds histogram");
    assert_line(text, "grpc_server_handling_seconds_bucket" LABELS ",le=\"0.005\"} 2");
    assert_line(text, "grpc_server_handling_seconds_bucket" LABELS ",le=\"0.01\"} 3");
    assert_line(text, "grpc_server_handling_seconds_bucket" LABELS ",le=\"2.5\"} 3");
    assert_line(text, "grpc_server_handling_seconds_bucket" LABELS ",le=\"5\"} 4");
    assert_line(text, "grpc_server_handling_seconds_bucket" LABELS ",le=\"10\"} 4");
    assert_line(text, "grpc_server_handling_seconds_bucket" LABELS ",le=\"+Inf\"} 5");
    assert_line(text, "grpc_server_handling_seconds_sum" LABELS "} 63.010000001");
    assert_line(text, "grpc_server_handling_seconds_count" LABELS "} 5");
}

Test(metrics, label_values_are_escaped)
{
    metrics_series(m, METRIC_AUTH_FAILURES, (const char *[]){"a\"b\\c\nd"});
    assert_line(render(), "sales_auth_failures_total{reason=\"a\\\"b\\\\c\\nd\"} 0");
}

Test(metrics, scaled_values_are_exact)
{
    struct series cpu = metrics_series(m, METRIC_PROCESS_CPU, NULL);

    series_set(cpu, 1500000);
    assert_line(render(), "process_cpu_seconds_total 1.5");
    series_set(cpu, 7);
    assert_line(render(), "process_cpu_seconds_total 0.000007");
    series_set(cpu, 9223372036854775807);
    assert_line(render(), "process_cpu_seconds_total 9223372036854.775807");
}

Test(metrics, a_metric_without_series_is_not_shown)
{
    metrics_series(m, METRIC_RPC_CALLS, NULL);
    cr_assert_null(strstr(render(), "grpc_server"));
}

Test(metrics, the_process_reports_itself)
{
    const char *text;
    long long rss = 0;

    process_watch(m, "0.1.0");
    text = render();
    cr_assert_not_null(strstr(text, "sales_build_info{version=\"0.1.0\",compiler=\""));
    cr_assert_eq(sscanf(strstr(text, "\nprocess_resident_memory_bytes "),
                        "\nprocess_resident_memory_bytes %lld", &rss),
                 1);
    cr_assert_gt(rss, 100000);
    long long start = 0;

    cr_assert_eq(sscanf(strstr(text, "\nprocess_start_time_seconds "),
                        "\nprocess_start_time_seconds %lld", &start),
                 1);
    cr_assert_leq(llabs(start - time(NULL)), 60);
}

Test(metrics, promtool_finds_nothing_to_complain_about)
{
    const char *tool = getenv("PROMTOOL");
    char command[512];
    FILE *to;
    int status;

    cr_assert_not_null(tool, "run by ctest, which names promtool");
    process_watch(m, "0.1.0");
    metrics_series(m, METRIC_GRPC_STARTED, echo);
    metrics_series(m, METRIC_GRPC_HANDLED, echo);
    metrics_series(m, METRIC_GRPC_RECEIVED, echo);
    metrics_series(m, METRIC_GRPC_SENT, echo);
    series_observe(metrics_series(m, METRIC_GRPC_SECONDS, echo), 1234567);
    metrics_series(m, METRIC_RPC_CALLS, NULL);
    metrics_series(m, METRIC_AUTH_FAILURES, (const char *[]){"bad\"key\\\n"});
    snprintf(command, sizeof command, "%s check metrics", tool);
    to = popen(command, "w");
    cr_assert_not_null(to);
    fputs(render(), to);
    status = pclose(to);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "promtool: %d", status);
}
