/* memory: who may see the memory of this process. */
#ifndef SERVER_MEMORY_H
#define SERVER_MEMORY_H

#include <sys/resource.h>

/* No core dumps, also not to the handler that the system has set, and nobody of the same user reads
 * our memory or environment through /proc or attaches with ptrace. Call it before anything secret
 * is read. Under the address sanitizer ptrace stays allowed: its leak checker attaches. */
void memory_close(struct rlimit *before_out);

/* As it was before. */
void memory_open(const struct rlimit *before);

#endif
