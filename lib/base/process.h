/* Running one command of a person's and waiting for it, on libuv.
 *
 * The command is a line that the person wrote (a reload command), so it goes to the
 * system's shell as it stands: /bin/sh -c, on Windows cmd /d /s /c. Nothing of ours
 * is put into it. It has no standard input; what it writes to standard output and
 * error is kept, the last PROCESS_OUTPUT_MAX bytes of it.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/buf.h"

enum { PROCESS_OUTPUT_MAX = 4096 };

/* ERR_OK whenever it ran to an end of its own: *status is its exit status, 128 + n
 * for a signal n. ERR_TIMEOUT: it was ended after timeout_ms. ERR_NOT_FOUND, ERR_IO:
 * it could not be started. Appends what it wrote to out. */
enum err process_run(const char *command, uint64_t timeout_ms, int *status, struct buf *out,
                     struct fault *f) MUST_CHECK;

#endif
