/* Passwords of files: from a file, never from argv, which others can read. */
#ifndef APPLETS_ERS_PASSWORD_H
#define APPLETS_ERS_PASSWORD_H

#include "base/buf.h"

enum { PASSWORD_FILE_MAX = 4096 };

/* The first line of a file, without its end. `out`: by crypto_buf_init, with PASSWORD_FILE_MAX.
 * ERR_USAGE: more than PBE_PASSWORD_MAX octets. */
enum err password_read(const char *path, struct buf *out, struct fault *f) MUST_CHECK;

#endif
