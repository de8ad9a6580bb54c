/* One TCP connection of ours to a peer: connect, write, read, leave politely.
 *
 * Everything that happens is told to one callback. The last thing told is always
 * NET_CLOSED, exactly once: the connection is then gone, its socket with it.
 * Between net_conn_finish or net_conn_abort and NET_CLOSED nothing else is told.
 * A connection takes about 0.7 KB; reads go into a buffer of the loop.
 */
#ifndef NET_CONN_H
#define NET_CONN_H

#include "base/ip.h"
#include "net/loop.h"

struct net_conn;

enum net_event_kind {
    NET_CONNECTED,
    NET_DATA,    /* some bytes */
    NET_EOF,     /* the peer will send no more; it may still be written to */
    NET_FAILED,  /* the connection broke; see `failure` */
    NET_TIMEOUT, /* the deadline that was set has passed; the connection goes on */
    NET_CLOSED,
};

enum net_failure {
    NET_REFUSED,
    NET_UNREACHABLE, /* a router or the peer's host said so */
    NET_RESET,
    NET_TIMED_OUT, /* the system gave up */
    NET_LOCAL,     /* a fault of this host: no route, no descriptors, not permitted */
};

struct net_event {
    enum net_event_kind kind;
    struct bytes data; /* NET_DATA: borrowed for the callback */
    enum net_failure failure;
    const char *text; /* NET_FAILED: the system's words, static */
};

typedef void net_conn_event(void *context, const struct net_event *event);

/* How long a peer has for its own end of the connection once we have ended ours. */
enum { NET_FINISH_MS = 200 };

/* Starts to connect. On failure there is no connection, nothing is told later,
 * and the reason, always NET_LOCAL in kind, is in the fault (ERR_IO, ERR_MEMORY,
 * ERR_NETWORK). `event` is not called before this returns. */
enum err net_conn_open(struct net_loop *l, const struct ip *address, uint16_t port,
                       net_conn_event *event, void *context, struct net_conn **out,
                       struct fault *f) MUST_CHECK;

/* NET_TIMEOUT in so many milliseconds from now, instead of an earlier setting. */
void net_conn_deadline(struct net_conn *c, uint64_t in_ms);

/* The address of our end. False where there is none yet. */
bool net_conn_local(const struct net_conn *c, struct ip *out);

/* Sends, or keeps a copy of what the system does not take at once. Failures are
 * told as NET_FAILED, later. */
void net_conn_write(struct net_conn *c, struct bytes b);

/* Leaves: what was written goes out, then `last` (may be empty), our end is shut
 * down, the peer has NET_FINISH_MS for its own, and the socket is closed; with a
 * reset only where the peer did not keep to that. */
void net_conn_finish(struct net_conn *c, struct bytes last);
/* Closes at once, with a reset where connected. */
void net_conn_abort(struct net_conn *c);

#endif
