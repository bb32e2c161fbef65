/* stream: server streams of one request, as commands use them. */
#ifndef SALESCTL_STREAM_H
#define SALESCTL_STREAM_H

#include "ctl/command.h"

/* Opens the stream of a method, sends its one request and says that there are no more. NULL with
 * the complaint printed. Close it with sales_stream_close, then release the call. */
struct sales_stream *stream_start(struct ctl *ctl, struct sales_call *call, const char *path,
                                  const ProtobufCMessage *in);

#endif
