/* key_use: writes down when API keys were used, to the hour, behind the back of the calls that use
 * them. It may forget a use, never hold up a call. */
#ifndef SERVER_KEY_USE_H
#define SERVER_KEY_USE_H

#include "base/uuid.h"
#include "store/store.h"

enum { KEY_USE_QUEUE = 256 }; /* uses that wait to be written; later ones are forgotten */

struct key_use;

/* Starts a thread. store is borrowed. NULL: no memory or no thread. */
struct key_use *key_use_new(struct store *store);

/* Ends the thread; what waits is forgotten. NULL is allowed. */
void key_use_free(struct key_use *k);

/* hour_us: wall clock. Thread-safe; never blocks for long. */
void key_use_note(struct key_use *k, struct uuid id, int64_t hour_us);

#endif
