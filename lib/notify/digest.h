/* The daily warning as text: what has ended, what ends, who is quiet.
 *
 * Pure functions of rows and a moment: the caller brings what is served and counts, and
 * sends the result. Texts of rows are foreign bytes: they are escaped and cut here, so
 * that each stays one line. Any thread.
 */
#ifndef NOTIFY_DIGEST_H
#define NOTIFY_DIGEST_H

#include "base/buf.h"

enum {
    NOTIFY_SOON_DAYS = 7,
    NOTIFY_PLACES_SHOWN = 10, /* of a row; the rest is counted */
    NOTIFY_BODY_MAX = 1 << 20,
};

/* By the end of a certificate and the moment. */
enum notify_class {
    NOTIFY_EXPIRED,
    NOTIFY_SOON,   /* within NOTIFY_SOON_DAYS, or `within` where that is less */
    NOTIFY_LATER,  /* within `within` */
    NOTIFY_CLASSES /* ends later: not told */
};

struct notify_row {
    int64_t not_after_s;
    bool renewed;                   /* but these places show the old one still */
    struct bytes name, owner, link; /* owner empty: "-" */
    struct bytes id;                /* tells it from others, for notify_digest_key */
    const struct bytes *places;     /* "mail.example.com:443" */
    size_t places_n;
    uint64_t places_total; /* these and those that are not here; 0: served nowhere */
};

struct notify_agent {
    struct bytes name, link, id;
    int64_t heard_s; /* 0: never */
};

struct notify_digest {
    struct bytes server; /* its name */
    struct bytes link;   /* to everything */
    int64_t now_s;
    uint64_t within_s;
    struct notify_row *rows;
    size_t rows_n;
    uint64_t unlisted[NOTIFY_CLASSES]; /* more than the rows, by class */
    const struct notify_agent *agents; /* quiet ones */
    size_t agents_n;
    uint64_t agents_unlisted;
};

enum notify_class notify_class_of(const struct notify_digest *d, const struct notify_row *row);
/* Nothing counts: no mail. */
bool notify_digest_is_empty(const struct notify_digest *d);
/* Most urgent first; the other functions want it done. */
void notify_digest_sort(struct notify_digest *d);

/* "clm: 2 expired, 3 end within 7 d, 1 agent quiet": what has ended, the nearest of what
 * ends, quiet agents. */
void notify_digest_subject(struct buf *out, const struct notify_digest *d);
/* Lines end in LF. It says days, name, endpoints, owner and link of each row; what is
 * the same on the same day reads the same. */
void notify_digest_body(struct buf *out, const struct notify_digest *d);
/* What the digest tells, without days and times: equal keys, nothing has changed. */
void notify_digest_key(struct buf *out, const struct notify_digest *d);

#endif
