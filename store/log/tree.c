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

/* MTH of some leaves: the running tree over them. */
static void root_of(const uint8_t (*leaves)[32], uint64_t n, uint8_t out[32]) {
    struct store_tree t = {.size = 0};
    for (uint64_t i = 0; i < n; i++)
        store_tree_add(&t, leaves[i]);
    store_tree_root(&t, out);
}

/* The largest power of two below n > 1. */
static uint64_t split(uint64_t n) {
    uint64_t k = 1;
    while (k < n - k)
        k *= 2;
    return k;
}

/* Proofs are found from the root down, and written from the leaf up. */
static void turn(uint8_t (*hashes)[32], size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        uint8_t swap[32];
        memcpy(swap, hashes[i], 32);
        memcpy(hashes[i], hashes[n - 1 - i], 32);
        memcpy(hashes[n - 1 - i], swap, 32);
    }
}

size_t store_tree_inclusion(const uint8_t (*leaves)[32], uint64_t n, uint64_t index,
                            uint8_t out[STORE_PROOF_MAX][32]) {
    size_t count = 0;
    while (n > 1) {
        uint64_t k = split(n);
        bool is_left = index < k;
        root_of(is_left ? leaves + k : leaves, is_left ? n - k : k, out[count++]);
        leaves += is_left ? 0 : k;
        index -= is_left ? 0 : k;
        n = is_left ? k : n - k;
    }
    turn(out, count);
    return count;
}

/* SUBPROOF: `is_begin` as long as the old tree's subtree is a root that is known. */
size_t store_tree_consistency(const uint8_t (*leaves)[32], uint64_t n, uint64_t m,
                              uint8_t out[STORE_PROOF_MAX][32]) {
    size_t count = 0;
    bool is_begin = true;
    while (m < n) {
        uint64_t k = split(n);
        bool is_left = m <= k;
        root_of(is_left ? leaves + k : leaves, is_left ? n - k : k, out[count++]);
        leaves += is_left ? 0 : k;
        m -= is_left ? 0 : k;
        n = is_left ? k : n - k;
        is_begin = is_begin && is_left;
    }
    if (!is_begin)
        root_of(leaves, n, out[count++]);
    turn(out, count);
    return count;
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
