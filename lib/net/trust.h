/* Private to the room: who a server must be, as BearSSL asks for it.
 *
 * A class of X.509 engine that gathers the server's chain and lets lib/x509 judge
 * it: names and iPAddress entries, dates, signatures, and an end that is pinned or
 * a root at hand. BearSSL's own checking is not used: it knows no IP addresses and
 * no pins.
 */
#ifndef NET_TRUST_H
#define NET_TRUST_H

#include "base/env.h"
#include "x509/x509.h"

#include <bearssl.h>

enum { TRUST_CHAIN_MAX = 10, TRUST_BYTES_MAX = 128 * 1024 };

struct trust {
    const br_x509_class *vtable; /* first: BearSSL knows the struct by it */
    const struct env *env;
    const struct x509_trust *anchors;
    struct bytes host; /* name, or address without brackets; borrowed */

    struct buf chain; /* all certificates, one behind the other */
    size_t ends[TRUST_CHAIN_MAX], n;
    bool too_much;
    br_x509_decoder_context leaf;
    const br_x509_pkey *key; /* within leaf */
    enum { TRUST_NOT_ASKED, TRUST_GIVEN, TRUST_REFUSED } verdict;
    struct fault fault; /* why it was refused */
};

void trust_init(struct trust *t, const struct env *env, const struct x509_trust *anchors,
                struct bytes host);
void trust_clear(struct trust *t);
/* Sets it into a client context, instead of what is there. */
void trust_install(struct trust *t, br_ssl_client_context *client);

#endif
