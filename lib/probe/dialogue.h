/* Private to the room: what is said before the ClientHello. Bytes in, bytes out; no
 * sockets, no clock.
 *
 *     dialogue_open(&ask, &d), send dialogue_output(d)
 *     for every read: dialogue_feed(d, bytes), send what is to be sent
 *     until it is DIALOGUE_DONE: then the hello may go; else dialogue_detail(d) says why not
 *
 * Any cut of the stream comes to the same. A server may say UNIT_MAX bytes in one line or
 * message and TOTAL_MAX in all; what it says is never trusted further than to decide
 * whether the hello may go. Bytes behind the last reply came in clear: they are dropped
 * and told (dialogue_detail), never taken for TLS.
 *
 * One protocol, MS SQL's before version 8, goes on to wrap what follows: output through
 * dialogue_wrap, input through dialogue_unwrap, which for all others hand through.
 *
 * About 0.5 KB and what is under way; nothing is shared. One thread at a time.
 */
#ifndef PROBE_DIALOGUE_H
#define PROBE_DIALOGUE_H

#include "base/buf.h"
#include "model/protocol.h"

enum dialogue_want {
    DIALOGUE_MORE,        /* send the output, read on */
    DIALOGUE_DONE,        /* send the output, then TLS begins */
    DIALOGUE_NOT_OFFERED, /* the server says no; the output says goodbye */
    DIALOGUE_BAD,         /* it speaks something else, see dialogue_shown */
    DIALOGUE_LIMIT,       /* it says more than we listen to */
    DIALOGUE_LOCAL,       /* no memory */
};

struct dialogue_ask {
    enum model_protocol protocol; /* one with a dialogue; MODEL_PROTOCOL_NONE: listens only,
                                     for dialogue_shown; never DONE */
    struct bytes host;            /* whose certificate is wanted (XMPP, HTTP): name or address */
    struct bytes self;            /* what we call ourselves (SMTP): "[192.0.2.1]" */
};

struct dialogue;

/* Copies all of ask. NULL: no memory. */
struct dialogue *dialogue_open(const struct dialogue_ask *ask);
void dialogue_close(struct dialogue *d); /* NULL is allowed */

/* After an end everything is ignored and the same answer given again. */
enum dialogue_want dialogue_feed(struct dialogue *d, struct bytes in);

/* What is to be sent. Borrowed until the next call; dialogue_sent forgets it. */
struct bytes dialogue_output(const struct dialogue *d);
void dialogue_sent(struct dialogue *d);

/* What is spoken: as asked for, or LMTP where a server of SMTP turned out to be one of that. */
enum model_protocol dialogue_protocol(const struct dialogue *d);
/* For people: the reply that was a refusal (escaped), or what is wrong; "" if nothing. */
const char *dialogue_detail(const struct dialogue *d);
/* The first bytes as they came, at most 128: enough of a greeting. */
struct bytes dialogue_heard(const struct dialogue *d);

/* What a server speaks, by how it begins: MODEL_TLS for a TLS record, the protocol of a
 * greeting, MODEL_PROTOCOL_NONE where it is neither or not yet certain. *is_certain: more
 * bytes would not change it. */
enum model_protocol dialogue_shown(struct bytes heard, bool *is_certain);

/* The client speaks first. */
bool dialogue_begins(enum model_protocol p);
/* The ALPN name by which the protocol's newer versions speak TLS at once ("tds/8.0");
 * NULL: none. */
const char *dialogue_direct_alpn(enum model_protocol p);

/* After DIALOGUE_DONE. What is to be written for `plain`, added to out. */
void dialogue_wrap(const struct dialogue *d, struct bytes plain, struct buf *out);
/* Takes from *in what belongs together and returns the TLS bytes in it, perhaps none;
 * call it until *in is empty. False: not the wrapping of this protocol. */
bool dialogue_unwrap(struct dialogue *d, struct bytes *in, struct bytes *plain);

#endif
