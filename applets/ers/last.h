/* What the last scans of the configured targets found: STATE/last-scan, from which the
 * next one knows what is news. Losing it makes everything new, nothing else.
 *
 *   clm last-scan 2
 *   AGE TOLD STATE SHA256|- NOT_AFTER|- ASKED IP|- SNI|- HOST:PORT PROTOCOL
 *   ...                                     one line a certificate and address, in byte order
 *                                           of HOST:PORT PROTOCOL, then of ASKED IP SNI, SHA256
 *
 * AGE: in how many complete scans since it was not seen, 0 to LAST_AGE_MAX; what is older is
 * forgotten. Several certificates of one face are all current so long: a load balancer shows
 * now one, now another. TOLD: how many of them people were told of, 0 where there is one.
 * STATE is `ok`, `expiring` or `expired` where a certificate was read, `gone` where none was
 * at the last complete scan and SHA256 is what was there before, else the outcome's name;
 * NOT_AFTER is RFC 3339. ASKED IP SNI is the first face that showed it. Files have "PATH
 * file|store" in place of HOST:PORT PROTOCOL. Endpoints that were refused or silent and never had
 * one have no line.
 *
 * Version 1 ("STATE SHA256 NOT_AFTER HOST:PORT PROTOCOL", one line an endpoint) is read too.
 */
#ifndef APPLETS_ERS_LAST_H
#define APPLETS_ERS_LAST_H

#include "base/arena.h"
#include "base/buf.h"

enum { LAST_AGE_MAX = 4, LAST_TOLD_MAX = 1000 };

struct last_row {
    struct bytes key;  /* "HOST:PORT PROTOCOL", "PATH file" */
    struct bytes face; /* "ASKED IP SNI"; "any - -" where not known */
    struct bytes state;
    unsigned age, told;
    bool has_certificate, has_not_after;
    uint8_t sha256[32];
    int64_t not_after_s;
};

struct last {
    struct last_row *rows; /* in order */
    size_t n;
};

/* Absent: none. ERR_DAMAGED names the line. All in the arena. */
enum err last_read(struct arena *a, const char *path, struct last *out, struct fault *f) MUST_CHECK;
/* The same from bytes, which are borrowed. */
enum err last_parse(struct arena *a, struct bytes text, struct last *out,
                    struct fault *f) MUST_CHECK;
/* The rows with that key: *n of them, side by side; NULL: none. */
const struct last_row *last_find(const struct last *l, struct bytes key, size_t *n);

/* Sorts the rows; of equal ones (two targets that overlap) the one seen last stays. */
void last_sort(struct last *l);
/* Replaces the file by `now`, and of `older` (may be NULL) the rows whose keys `now`
 * does not have. */
enum err last_write(const char *path, const struct last *now, const struct last *older,
                    struct fault *f) MUST_CHECK;

#endif
