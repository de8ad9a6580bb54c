/* What is remembered between two digests: one small file of text.
 *
 *   clm digest 1
 *   sent 2026-11-25 HEX         the day (UTC) of the last mail, SHA-256 of its key
 *   kept 2026-11-24T07:30:00Z ID        a digest that could not be sent: when it was
 *   subject clm: 2 expired              made, its message id (32 hex digits), subject,
 *                                       and behind an empty line its body
 *   clm.example.com: 2 expired
 *   ...
 *
 * Both parts may be missing. Valid: the first line is as above, the others are known,
 * each once, in this order. No I/O; any thread.
 */
#ifndef NOTIFY_STATE_H
#define NOTIFY_STATE_H

#include "base/buf.h"

enum { NOTIFY_KEY_SIZE = 32, NOTIFY_ID_SIZE = 16, NOTIFY_SUBJECT_MAX = 500 };

struct notify_state {
    bool has_sent;
    int64_t sent_day_s; /* the beginning of that day */
    uint8_t sent_key[NOTIFY_KEY_SIZE];
    bool has_kept;
    int64_t made_s;
    uint8_t id[NOTIFY_ID_SIZE];
    struct bytes subject, body; /* borrowed from the text that was read */
};

/* Empty text is the empty state. ERR_DAMAGED where it is none of ours. */
enum err notify_state_read(struct bytes text, struct notify_state *out, struct fault *f) MUST_CHECK;
void notify_state_write(struct buf *out, const struct notify_state *s);

#endif
