/* Reads /proc/self at scrape time; what cannot be read keeps its last value. */
#include "obs/process.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "obs/log.h"

enum watched { CPU, RSS, VSS, FDS, FDS_MAX, LOG_WRITTEN, LOG_DROPPED, N_WATCHED };

/* One process, one set; written by process_watch before the first rendering. */
static struct series watched[N_WATCHED];

static void read_cpu(void)
{
    struct rusage u;

    if (getrusage(RUSAGE_SELF, &u) == 0)
        series_set(watched[CPU], (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000LL +
                                     u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* A small file of /proc as text; "" when it cannot be read. */
static void read_text(const char *path, char *out, size_t n_out)
{
    FILE *f = fopen(path, "re");

    out[0] = 0;
    if (!f)
        return;
    out[fread(out, 1, n_out - 1, f)] = 0;
    fclose(f);
}

static void read_memory(void)
{
    int64_t page = sysconf(_SC_PAGESIZE), pages;
    char text[256], *rest;

    read_text("/proc/self/statm", text, sizeof text);
    pages = strtoll(text, &rest, 10); /* total, then resident */
    if (rest == text)
        return;
    series_set(watched[VSS], pages * page);
    series_set(watched[RSS], strtoll(rest, NULL, 10) * page);
}

static void read_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    struct rlimit most;
    int64_t n = -3; /* ".", ".." and the folder itself */

    if (!dir)
        return;
    while (readdir(dir))
        n++;
    closedir(dir);
    series_set(watched[FDS], n);
    if (getrlimit(RLIMIT_NOFILE, &most) == 0)
        series_set(watched[FDS_MAX],
                   most.rlim_cur == RLIM_INFINITY ? INT64_MAX : (int64_t)most.rlim_cur);
}

static void collect(void *unused)
{
    struct log_counts lines = log_counts();

    (void)unused;
    read_cpu();
    read_memory();
    read_files();
    series_set(watched[LOG_WRITTEN], (int64_t)lines.written);
    series_set(watched[LOG_DROPPED], (int64_t)lines.dropped);
}

/* Start time: ticks since boot (field 22 of stat) against the time since boot. Milliseconds. */
static int64_t started_ms(void)
{
    char text[1024], *p;
    struct timespec up, now;
    int64_t ticks;

    read_text("/proc/self/stat", text, sizeof text);
    p = strrchr(text, ')'); /* field 2, the program's name, may hold anything */
    for (int field = 2; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    clock_gettime(CLOCK_REALTIME, &now);
    clock_gettime(CLOCK_BOOTTIME, &up);
    ticks = p ? strtoll(p, NULL, 10) : up.tv_sec * sysconf(_SC_CLK_TCK);
    return (now.tv_sec - up.tv_sec) * 1000LL + ticks * 1000 / sysconf(_SC_CLK_TCK);
}

void process_watch(struct metrics *m, const char *version)
{
    /* clang-format off */
    static const struct { enum watched at; enum metric metric; const char *labels[1]; } rows[] = {
        {CPU,         METRIC_PROCESS_CPU,     {NULL}},
        {RSS,         METRIC_PROCESS_RSS,     {NULL}},
        {VSS,         METRIC_PROCESS_VSS,     {NULL}},
        {FDS,         METRIC_PROCESS_FDS,     {NULL}},
        {FDS_MAX,     METRIC_PROCESS_FDS_MAX, {NULL}},
        {LOG_WRITTEN, METRIC_LOG_LINES,       {"written"}},
        {LOG_DROPPED, METRIC_LOG_LINES,       {"dropped"}},
    };
    /* clang-format on */

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        watched[rows[i].at] = metrics_series(m, rows[i].metric, rows[i].labels);
    series_set(metrics_series(m, METRIC_PROCESS_START, NULL), started_ms());
    series_set(metrics_series(m, METRIC_BUILD_INFO, (const char *[]){version, __VERSION__}), 1);
    metrics_collect(m, collect, NULL);
}
