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

void store_tree_node(const uint8_t left[32], const uint8_t right[32], uint8_t out[32]) {
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
        store_tree_node(t->range[--n], hash, hash);
    memcpy(t->range[n], hash, 32);
    t->size++;
}

uint64_t store_tree_split(uint64_t n) {
    uint64_t k = 1;
    while (k < n - k)
        k *= 2;
    return k;
}

/* The running tree over them. */
enum err store_tree_of_leaves(void *context, uint64_t from, uint64_t to, uint8_t out[32]) {
    const uint8_t(*leaves)[32] = context;
    struct store_tree t = {.size = 0};
    for (uint64_t i = from; i < to; i++)
        store_tree_add(&t, leaves[i]);
    store_tree_root(&t, out);
    return ERR_OK;
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

enum err store_tree_inclusion(store_tree_hash *hash, void *context, uint64_t n, uint64_t index,
                              uint8_t out[STORE_PROOF_MAX][32], size_t *count) {
    uint64_t from = 0, to = n;
    enum err code = ERR_OK;
    *count = 0;
    while (to - from > 1 && code == ERR_OK) {
        uint64_t middle = from + store_tree_split(to - from);
        bool is_left = index < middle;
        code = hash(context, is_left ? middle : from, is_left ? to : middle, out[(*count)++]);
        from = is_left ? from : middle;
        to = is_left ? middle : to;
    }
    turn(out, *count);
    return code;
}

/* SUBPROOF: `is_begin` as long as the old tree's subtree is a root that is known. */
enum err store_tree_consistency(store_tree_hash *hash, void *context, uint64_t n, uint64_t m,
                                uint8_t out[STORE_PROOF_MAX][32], size_t *count) {
    uint64_t from = 0, to = n;
    bool is_begin = true;
    enum err code = ERR_OK;
    *count = 0;
    while (m < to && code == ERR_OK) {
        uint64_t middle = from + store_tree_split(to - from);
        bool is_left = m <= middle;
        code = hash(context, is_left ? middle : from, is_left ? to : middle, out[(*count)++]);
        from = is_left ? from : middle;
        to = is_left ? middle : to;
        is_begin = is_begin && is_left;
    }
    if (!is_begin && code == ERR_OK)
        code = hash(context, from, to, out[(*count)++]);
    turn(out, *count);
    return code;
}

void store_tree_root(const struct store_tree *t, uint8_t out[32]) {
    unsigned n = store_tree_range(t->size);
    if (n == 0) {
        hash_of(HASH_SHA256, bytes_of("", 0), out);
        return;
    }
    memcpy(out, t->range[--n], 32);
    while (n > 0)
        store_tree_node(t->range[--n], out, out);
}
