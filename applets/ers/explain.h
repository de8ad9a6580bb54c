/* Private to `ers explain`: what one look found, and the rules over it. */
#ifndef APPLETS_ERS_EXPLAIN_H
#define APPLETS_ERS_EXPLAIN_H

#include "base/opt.h"
#include "crypto/crypto.h"
#include "probe/probe.h"

/* All texts escaped, in the arena. */
struct explain_cert {
    uint8_t sha256[SHA256_SIZE], subject_hash[SHA256_SIZE], issuer_hash[SHA256_SIZE];
    bool is_readable, has_dates, is_self_issued, is_rsa;
    bool fits; /* it is for the host that was asked for */
    int64_t not_before, not_after;
    unsigned bits;
    const char *name, *issuer, *algorithm, *signature;
    struct explain_cert *next;
};

struct explain_face {
    const char *address, *sni, *detail, *old_version;
    enum model_asked asked;
    enum model_outcome outcome;
    bool has_alert, is_unordered;
    uint8_t alert;
    const struct explain_cert *leaf; /* NULL: none */
    struct explain_face *next;
};

struct explain {
    struct env *env;
    const struct opt_common *common;
    bool json;
    struct arena arena;
    struct buf line;
    const char *host;
    unsigned port;
    struct bytes name; /* whose certificate is wanted */
    struct explain_cert *certs;
    struct explain_face *faces, **faces_end; /* in the order in which they were told */
    size_t rules_n;
};

bool explain_has_certificate(const struct explain *x);

/* A rule that fires: its name, what is wrong, and the command that mends it ("": none
 * that we know). */
typedef void explain_rule_told(struct explain *x, const char *rule, const char *text,
                               const char *command);
void explain_rules(struct explain *x, explain_rule_told *tell);

#endif
