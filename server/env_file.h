/* env_file: the few lines by which a shell finds a server: addresses and an API key. */
#ifndef SERVER_ENV_FILE_H
#define SERVER_ENV_FILE_H

#include "base/call.h"

/* The API key that the file holds, NUL-terminated in c->arena; "" when there is no file or no key.
 */
const char *env_file_key(struct call *c, const char *path);

/* Writes SALES_ADDRESS, SALES_HTTP and SALES_API_KEY as exports, readable by the owner only (0600),
 * all or nothing. UNAVAILABLE: the file cannot be written. */
MUST_CHECK enum status env_file_write(struct call *c, const char *path, const char *address,
                                      const char *http, const char *key);

#endif
