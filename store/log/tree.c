/* The running Merkle tree. See tree.h. */
#include "store/log/tree.h"

#include "crypto/crypto.h"

#include <string.h>

unsigned store_tree_range(uint64_t size) {
    unsigned ones = 0;
    for (; size != 0; size &= size - 1)
        ones++;
    return ones;
}

/* HASH(0x01 || left || right) */
static void node_hash(const uint8_t left[32], const uint8_t right[32], uint8_t out[32]) {
    uint8_t node[65] = {1};
    memcpy(node + 1, left, 32);
    memcpy(node + 33, right, 32);
    hash_of(HASH_SHA256, bytes_of(node, sizeof node), out);
}

void store_tree_add(struct store_tree *t, const uint8_t leaf[32]) {
    unsigned n = store_tree_range(t->size);
    uint8_t hash[32];
    memcpy(hash, leaf, 32);
    /* As in adding 1 in binary: each trailing one is a subtree of equal size. */
    for (uint64_t size = t->size; size & 1; size >>= 1)
        node_hash(t->range[--n], hash, hash);
    memcpy(t->range[n], hash, 32);
    t->size++;
}

void store_tree_root(const struct store_tree *t, uint8_t out[32]) {
    unsigned n = store_tree_range(t->size);
    if (n == 0) {
        hash_of(HASH_SHA256, bytes_of("", 0), out);
        return;
    }
    memcpy(out, t->range[--n], 32);
    while (n > 0)
        node_hash(t->range[--n], out, out);
}
