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

#endif
