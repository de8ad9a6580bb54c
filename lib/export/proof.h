/* Proofs of the log's Merkle tree (RFC 9162) as JSON, by clm-export and by the API:
 *
 *   {"type":"inclusion_proof","sha256":"of the certificate","entry":7,"tree_size":12,
 *    "root":"hex","hashes":["hex",...],"canonical":"hex"}
 *   {"type":"consistency_proof","old_size":5,"old_root":"hex","tree_size":12,
 *    "root":"hex","hashes":["hex",...]}
 *
 * `canonical` are the entry's bytes as the tree has them (store/log/entry.h): the leaf is
 * SHA-256(00 || canonical), and the certificate stands behind a head of 33 bytes. Whoever
 * has a root that was told before needs nothing else to check it, and no clm.
 */
#ifndef EXPORT_PROOF_H
#define EXPORT_PROOF_H

#include "base/json.h"
#include "crypto/crypto.h"

struct proof {
    uint64_t size; /* of the tree */
    uint8_t root[SHA256_SIZE];
    const uint8_t *hashes; /* SHA256_SIZE each; borrowed */
    size_t hashes_n;
    bool is_inclusion; /* what follows counts then; else the last two */
    uint64_t entry;
    uint8_t sha256[SHA256_SIZE];
    struct bytes canonical; /* borrowed */
    uint64_t old_size;
    uint8_t old_root[SHA256_SIZE];
};

/* The members; the caller opens and closes the object. */
void proof_json(struct json *j, const struct proof *p);

#endif
