/* Passwords of files. See password.h. */
#include "applets/ers/password.h"
#include "base/file.h"
#include "crypto/pbe.h"

enum err password_read(const char *path, struct buf *out, struct fault *f) {
    enum err err = file_read(path, out, f);
    if (err)
        return err;
    struct cur c = cur_open(buf_bytes(out));
    struct bytes line = cur_until(&c, '\n');
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        line.n--;
    if (line.n > PBE_PASSWORD_MAX)
        return fault_set(f, ERR_USAGE, path, "more than %d octets in its first line",
                         PBE_PASSWORD_MAX);
    buf_cut(out, line.n);
    return ERR_OK;
}
