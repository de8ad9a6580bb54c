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
#include "base/err.h"

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

/* HASH(01 || left || right). `out` may be one of both. */
void store_tree_node(const uint8_t left[32], const uint8_t right[32], uint8_t out[32]);
/* The largest power of two below n > 1: where a tree of n leaves divides. */
uint64_t store_tree_split(uint64_t n);

/* The root over the leaves from..to-1: a full subtree, or what a tree has at its right end. */
typedef enum err store_tree_hash(void *context, uint64_t from, uint64_t to, uint8_t out[32]);
/* One such, of leaves in memory; the context is their first, `const uint8_t (*)[32]`. */
store_tree_hash store_tree_of_leaves;

/* Proofs over the first n leaves of a tree (RFC 9162, 2.1.3 and 2.1.4), whose subtrees `hash`
 * tells. *count: the hashes, at most STORE_PROOF_MAX. Errors are those of `hash`. */
enum { STORE_PROOF_MAX = 65 };
/* That leaf `index` < n is in the tree; from the leaf's neighbour up. */
enum err store_tree_inclusion(store_tree_hash *hash, void *context, uint64_t n, uint64_t index,
                              uint8_t out[STORE_PROOF_MAX][32], size_t *count) MUST_CHECK;
/* That the tree of the first m leaves, 0 < m <= n, is the begin of this one. */
enum err store_tree_consistency(store_tree_hash *hash, void *context, uint64_t n, uint64_t m,
                                uint8_t out[STORE_PROOF_MAX][32], size_t *count) MUST_CHECK;

#endif
