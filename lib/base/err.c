/* The table of errors, and faults. See err.h. */
#include "base/err.h"
#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct err_row rows[ERR_COUNT] = {
    [ERR_OK] = {"ok",          0,   200, "no error"                            },
    [ERR_FAILED] = {"failed",      1,   500, "failed"                              },
    [ERR_USAGE] = {"usage",       2,   400, "not understood"                      },
    [ERR_MEMORY] = {"memory",      1,   503, "out of memory"                       },
    [ERR_LIMIT] = {"limit",       1,   413, "larger than allowed"                 },
    [ERR_FORMAT] = {"format",      1,   400, "malformed"                           },
    [ERR_DAMAGED] = {"damaged",     5,   500, "damaged"                             },
    [ERR_UNSUPPORTED] = {"unsupported", 1,   501, "not supported"                       },
    [ERR_IO] = {"io",          1,   500, "input or output failed"              },
    [ERR_FULL] = {"full",        1,   507, "no space left"                       },
    [ERR_NOT_FOUND] = {"not_found",   1,   404, "not found"                           },
    [ERR_EXISTS] = {"exists",      1,   409, "exists already"                      },
    [ERR_PERMISSION] = {"permission",  1,   403, "not allowed"                         },
    [ERR_LOCKED] = {"locked",      11,  423, "another run holds the lock"          },
    [ERR_NETWORK] = {"network",     1,   502, "no usable answer"                    },
    [ERR_TIMEOUT] = {"timeout",     1,   504, "no answer in time"                   },
    [ERR_TLS] = {"tls",         1,   502, "the peer is not trusted"             },
    [ERR_CREDENTIALS] = {"credentials", 4,   401, "not enrolled, or credentials refused"},
    [ERR_CLOCK] = {"clock",       1,   401, "the clocks differ"                   },
    [ERR_CONFLICT] = {"conflict",    1,   409, "contradicts what is there"           },
    [ERR_BUSY] = {"busy",        1,   429, "too many at once, try later"         },
    [ERR_UNDELIVERED] = {"undelivered", 3,   503, "not yet delivered"                   },
    [ERR_FINDING] = {"finding",     6,   200, "a finding matched"                   },
    [ERR_WAITED] = {"waited",      7,   504, "waited long enough"                  },
    [ERR_INTERRUPTED] = {"interrupted", 130, 503, "interrupted"                         },
    [ERR_TERMINATED] = {"terminated",  143, 503, "terminated"                          },
    [ERR_PASSWORD] = {"password",    1,   400, "a password is missing or wrong"      },
};

const struct err_row *err_row(enum err code) {
    return &rows[(unsigned)code < ERR_COUNT ? code : ERR_FAILED];
}

enum err err_from_errno(int os) {
    static const struct {
        int os;
        enum err code;
    } map[] = {
        {ENOMEM,    ERR_MEMORY    },
        {ENOENT,    ERR_NOT_FOUND },
        {ENOTDIR,   ERR_NOT_FOUND },
        {EEXIST,    ERR_EXISTS    },
        {EACCES,    ERR_PERMISSION},
        {EPERM,     ERR_PERMISSION},
        {EROFS,     ERR_PERMISSION},
        {ENOSPC,    ERR_FULL      },
        {ETIMEDOUT, ERR_TIMEOUT   },
    };
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (map[i].os == os)
            return map[i].code;
    return ERR_IO;
}

/* Into out, cut at the last whole escape that fits. */
static void escape_into(char *out, size_t size, struct bytes text) {
    struct buf b;
    buf_init(&b, 8 * FAULT_DETAIL_MAX);
    text_escape(&b, text);
    size_t n = b.n < size - 1 ? b.n : size - 1;
    if (n > 0)
        memcpy(out, b.p, n);
    out[n] = '\0';
    buf_clear(&b);
}

enum err fault_set(struct fault *f, enum err code, const char *what, const char *format, ...) {
    if (f == NULL)
        return code;
    char plain[FAULT_DETAIL_MAX];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(plain, sizeof plain, format, args);
    va_end(args);
    *f = (struct fault){.code = code, .what = what};
    escape_into(f->detail, sizeof f->detail, bytes_of(plain, n < 0 ? 0 : strlen(plain)));
    return code;
}

enum err fault_os(struct fault *f, int os, const char *what, const char *path) {
    enum err code = fault_set(f, err_from_errno(os), what, "%s", path);
    if (f != NULL)
        f->os = os;
    return code;
}

/* The detail of these is a sentence already: nothing is put behind it. */
static bool is_sentence(enum err code) {
    return code == ERR_USAGE || code == ERR_PASSWORD;
}

const char *fault_text(const struct fault *f, char *out, size_t size) {
    const char *what = f->what != NULL ? f->what : "error";
    const char *text = f->os != 0 ? strerror(f->os) : err_row(f->code)->text;
    bool has_detail = f->detail[0] != '\0', is_said = has_detail && is_sentence(f->code);
    snprintf(out, size, "%s%s%s%s%s", what, has_detail ? ": " : "", f->detail, is_said ? "" : ": ",
             is_said ? "" : text);
    return out;
}
