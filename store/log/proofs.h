/* Proofs over a log that is open for writing: that an entry is in it, and that it is the
 * continuation of what it was (RFC 9162, 2.1.3 and 2.1.4).
 *
 * A proof is made of the roots of subtrees. Kept in memory are those of each PROOFS_STEM
 * entries, "stems": 250 KB for a million entries. They are made by reading the log once, when
 * the first proof is asked for, and grow with it from one proof to the next. What lies below a
 * stem is hashed again for each proof, at most two stems' entries. So a proof costs about 20 ms
 * at a million entries, and who never asks for one pays nothing.
 *
 * Threads: any; one proof is made at a time.
 */
#ifndef STORE_LOG_PROOFS_H
#define STORE_LOG_PROOFS_H

#include "store/log/log.h"

enum { PROOFS_STEM = 128 };

struct store_proofs;

/* `dir` is that of store_log_open. Borrows the log, copies dir. */
enum err store_proofs_open(struct store_log *log, const char *dir, struct store_proofs **out,
                           struct fault *f) MUST_CHECK;
void store_proofs_close(struct store_proofs *p); /* NULL is allowed */

struct store_proof {
    uint8_t hashes[STORE_PROOF_MAX][STORE_HASH_SIZE];
    size_t n;
};

/* The root of the first `size` entries. ERR_NOT_FOUND: there are not so many. Else errors of
 * reading. */
enum err store_proofs_root(struct store_proofs *p, uint64_t size, uint8_t out[STORE_HASH_SIZE],
                           struct fault *f) MUST_CHECK;
/* That entry `index` is among the first `size`. ERR_NOT_FOUND: it is not. */
enum err store_proofs_inclusion(struct store_proofs *p, uint64_t index, uint64_t size,
                                struct store_proof *out, struct fault *f) MUST_CHECK;
/* That the first `old` entries, at least one, are the begin of the first `size`. */
enum err store_proofs_consistency(struct store_proofs *p, uint64_t old, uint64_t size,
                                  struct store_proof *out, struct fault *f) MUST_CHECK;

#endif
