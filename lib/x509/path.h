/* What a chain that a server sent, or that lies in a file, is: for people who look at it.
 *
 * x509_chain_verify decides whether our own connection is trusted; this tells how
 * the certificates hang together, also where something is wrong with them: which of
 * them make the way from the leaf upwards, what is missing, what is too much.
 * Revocation and name constraints are not looked at. No allocation; any thread.
 */
#ifndef X509_PATH_H
#define X509_PATH_H

#include "x509/x509.h"

/* What a certificate is in the chain as served. */
enum x509_role {
    X509_ROLE_PATH,      /* on the way from the leaf upwards */
    X509_ROLE_ROOT,      /* that way's end, self-signed: clients have it or do not trust it */
    X509_ROLE_TWICE,     /* the same certificate stands before it */
    X509_ROLE_CROSS,     /* names and key of one on the way, by another issuer */
    X509_ROLE_UNRELATED, /* nothing on the way is signed by it */
};

struct x509_path {
    size_t at[X509_CHAIN_MAX]; /* the way: indices, the leaf's first */
    size_t n;
    enum x509_role role[X509_CHAIN_MAX]; /* of each as served */
    bool is_ordered;  /* served in the order of the way; what is beside it does not count */
    bool is_complete; /* it ends with a self-signed certificate, or below a root at hand */
    bool is_checked;  /* each signature on it was checked; false: some kind we cannot check */
    bool is_in_time;  /* all on it are within their dates */
    enum x509_answer trusted; /* it reaches a root at hand; X509_UNKNOWN: none were given */
};

/* certs[0] is the leaf; of more than X509_CHAIN_MAX those behind are not looked at. trust:
 * the system's roots, those of a file, or NULL for none; pins are not looked at. Of
 * several ways the best is taken: trusted before untrusted, complete, in time, checked,
 * then the shorter. At most 64 signatures are checked; links beyond that are not taken. */
void x509_path_find(const struct x509_cert *certs, size_t n, const struct x509_trust *trust,
                    int64_t now_s, struct x509_path *out);

#endif
