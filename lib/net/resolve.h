/* Host names to addresses, without blocking the loop: hosts file, then DNS (A and
 * AAAA, UDP with TCP for long answers), by c-ares. Answers are kept as long as the
 * resolver, so a scan asks once a name. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "net/conn.h"

enum { NET_ADDRESSES_MAX = 256 }; /* of one name; further ones are left out */

struct net_resolver;

struct net_answer {
    const struct ip *addresses; /* no two equal */
    size_t n;
    const char *name; /* of an address: its own; else NULL */
    /* ERR_OK with n > 0, or a name; ERR_NOT_FOUND: no such name, or none with an address;
     * ERR_TIMEOUT; ERR_NETWORK: no server could say. */
    enum err err;
    const char *text; /* the reason for people; static */
};

/* The answer is borrowed until the resolver is closed. */
typedef void net_resolved(void *context, const struct net_answer *answer);

/* timeout_ms bounds one look-up with all its retries. */
enum err net_resolver_open(struct net_loop *l, uint64_t timeout_ms, struct net_resolver **out,
                           struct fault *f) MUST_CHECK;
/* Look-ups under way are answered with ERR_NETWORK before it returns. NULL is allowed. */
void net_resolver_close(struct net_resolver *r);

/* Always answers exactly once, for a known name before this returns. ERR_MEMORY:
 * it does not answer. */
enum err net_resolve(struct net_resolver *r, struct bytes name, net_resolved *done,
                     void *context) MUST_CHECK;

/* The name that an address says it has (PTR; hosts file first). As net_resolve. */
enum err net_resolve_address(struct net_resolver *r, const struct ip *address, net_resolved *done,
                             void *context) MUST_CHECK;

#endif
