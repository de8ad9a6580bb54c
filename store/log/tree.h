/* The running Merkle tree of the log (RFC 9162, 2.1.1): leaves are added at the
 * right, the root is had at any time.
 *
 * Kept is the compact range: the roots of the full subtrees that the size's
 * binary digits name, largest first. 13 leaves = subtrees of 8, 4 and 1.
 * No I/O, no allocation; any thread, one at a time a struct.
 */
#ifndef STORE_LOG_TREE_H
#define STORE_LOG_TREE_H

#include "base/bytes.h"

enum { STORE_TREE_RANGE_MAX = 64 };

struct store_tree {
    uint64_t size;                           /* leaves */
    uint8_t range[STORE_TREE_RANGE_MAX][32]; /* the first store_tree_range(size) count */
};

/* How many hashes the range of a tree of that size has. */
unsigned store_tree_range(uint64_t size);
void store_tree_add(struct store_tree *t, const uint8_t leaf[32]);
/* The root; SHA-256 of nothing for the empty tree. */
void store_tree_root(const struct store_tree *t, uint8_t out[32]);

/* Proofs over the leaves 0 to n-1 of a tree (RFC 9162, 2.1.3 and 2.1.4), which are all
 * hashed for it. How many hashes there are, at most STORE_PROOF_MAX. */
enum { STORE_PROOF_MAX = 65 };
/* That leaf `index` < n is in the tree; from the leaf's neighbour up. */
size_t store_tree_inclusion(const uint8_t (*leaves)[32], uint64_t n, uint64_t index,
                            uint8_t out[STORE_PROOF_MAX][32]);
/* That the tree of the first m leaves, 0 < m <= n, is the begin of this one. */
size_t store_tree_consistency(const uint8_t (*leaves)[32], uint64_t n, uint64_t m,
                              uint8_t out[STORE_PROOF_MAX][32]);

#endif
