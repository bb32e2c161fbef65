/* process: what the kernel knows about us, as process_* metrics, and what is running. */
#ifndef OBS_PROCESS_H
#define OBS_PROCESS_H

#include "obs/metrics.h"

/* Registers process_*, sales_build_info and sales_log_lines_total, read anew at each rendering. */
void process_watch(struct metrics *m, const char *version);

#endif
