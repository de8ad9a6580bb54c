/* What the last scan of the configured targets found: STATE/last-scan, from which
 * the next one knows what is news. Losing it makes everything new, nothing else.
 *
 *   clm last-scan 1
 *   STATE SHA256|- NOT_AFTER|- HOST:PORT PROTOCOL      one line an endpoint, in byte
 *   STATE SHA256|- NOT_AFTER|- PATH file|store         order of what stands behind the
 *   ...                                                time
 *
 * STATE is `ok`, `expiring` or `expired` where a certificate was read, else the
 * outcome's name; NOT_AFTER is RFC 3339. Endpoints that were refused or silent have
 * no line.
 */
#ifndef APPLETS_ERS_LAST_H
#define APPLETS_ERS_LAST_H

#include "base/arena.h"
#include "base/buf.h"

struct last_row {
    struct bytes key; /* "HOST:PORT PROTOCOL", "PATH file" */
    struct bytes state;
    bool has_certificate, has_not_after;
    uint8_t sha256[32];
    int64_t not_after_s;
};

struct last {
    struct last_row *rows; /* in byte order of their keys */
    size_t n;
};

/* Absent: none. ERR_DAMAGED names the line. All in the arena. */
enum err last_read(struct arena *a, const char *path, struct last *out, struct fault *f) MUST_CHECK;
/* The same from bytes, which are borrowed. */
enum err last_parse(struct arena *a, struct bytes text, struct last *out,
                    struct fault *f) MUST_CHECK;
const struct last_row *last_find(const struct last *l, struct bytes key);

/* Sorts the rows; of those with equal keys (two targets that overlap) one stays. */
void last_sort(struct last *l);
/* Replaces the file by `now`, and of `older` (may be NULL) the rows whose keys `now`
 * does not have. */
enum err last_write(const char *path, const struct last *now, const struct last *older,
                    struct fault *f) MUST_CHECK;

#endif
