/* Running one command of a person's and waiting for it, on libuv.
 *
 * The command is a line that the person wrote (a reload command), so it goes to the
 * system's shell as it stands: /bin/sh -c, on Windows cmd /d /s /c. Nothing of ours
 * is put into it. It inherits the environment and has no standard input; what it writes
 * to standard output and error is kept, the last PROCESS_OUTPUT_MAX bytes of it. It has a
 * session of its own, so that what it has started is ended with it when it takes too long.
 * What it leaves running behind its end (a daemon) is not waited for.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/buf.h"

enum { PROCESS_OUTPUT_MAX = 4096 };

/* ERR_OK whenever it ran to an end of its own: *status is its exit status, 128 + n
 * for a signal n. ERR_TIMEOUT: it was ended after timeout_ms. ERR_IO: it could
 * not be started. Appends what it wrote to out. */
enum err process_run(const char *command, uint64_t timeout_ms, int *status, struct buf *out,
                     struct fault *f) MUST_CHECK;

#endif
