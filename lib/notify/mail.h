/* A mail as text: headers and one plain-text body (RFC 5322, RFC 2045 to 2047).
 *
 * What may hold foreign text, subject and body, is encoded, so that nothing in it can
 * become a header or another mail. Addresses are the caller's to check; one with a
 * control character, a blank or an angle bracket is refused here all the same. No I/O;
 * any thread.
 */
#ifndef NOTIFY_MAIL_H
#define NOTIFY_MAIL_H

#include "base/buf.h"

enum { NOTIFY_LINE_MAX = 76 }; /* of what is written, but for an address that is longer */

struct notify_mail {
    const char *from;
    const char *const *to; /* bare addresses */
    size_t to_n;
    int64_t date_s;
    const char *id;       /* of the message, as "left@right" */
    struct bytes subject; /* UTF-8, one line: control characters are escaped */
    struct bytes body;    /* UTF-8, lines end in LF */
};

/* Appends it, lines ending in CRLF, with Auto-Submitted (RFC 3834) so that no answering
 * machine answers. ERR_USAGE names the address or id; ERR_LIMIT, ERR_MEMORY of `out`. */
enum err notify_mail_write(struct buf *out, const struct notify_mail *m,
                           struct fault *f) MUST_CHECK;

/* The parts of it. */
void notify_date_put(struct buf *out, int64_t unix_s); /* "Thu, 01 Jan 1970 00:00:00 +0000" */
void notify_header_put(struct buf *out, const char *name,
                       struct bytes text);                  /* RFC 2047 where needed */
void notify_quoted_put(struct buf *out, struct bytes text); /* quoted-printable, LF to CRLF */

#endif
