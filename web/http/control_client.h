/* A small HTTP/1.1 client over the control socket of a running server, for
 * commands like `clm-server token create`. One call, one connection; blocks
 * the calling thread on a loop of its own.
 */
#ifndef HTTP_CONTROL_CLIENT_H
#define HTTP_CONTROL_CLIENT_H

#include "base/buf.h"
#include "base/env.h"

/* Sends `body` (JSON; empty: none) and appends the answer's body to *answer,
 * whose maximum bounds it. *status is the HTTP status, whatever it says: only
 * transport fails here. ERR_NOT_FOUND: no server listens there.
 * ERR_PERMISSION: not ours to open. ERR_TIMEOUT, ERR_NETWORK (it went away),
 * ERR_FORMAT (no HTTP). On Windows a server that is just stopping may cost 30 s beyond the
 * time-out: so long libuv waits for an end of the pipe. */
enum err control_call(const char *control, const char *method, const char *target,
                      struct bytes body, uint64_t timeout_ms, unsigned *status, struct buf *answer,
                      struct fault *f) MUST_CHECK;

#endif
