/* store/log/proofs: the same proofs as from all leaves in memory, whenever they are asked for. */
#include "test.h"

#include "store_test.h"

#include "crypto/crypto.h"
#include "store/log/proofs.h"

#include <stdlib.h>

enum { MOST = 128 * 70 + 50 };

struct bench {
    struct place place;
    struct store_log *log;
    struct store_proofs *proofs;
    uint8_t (*leaves)[32];
    uint64_t n;
};

static void bench_open(struct bench *b) {
    struct store_log_options options = {.segment_bytes = 64 << 10, .block_bytes = 4 << 10};
    struct store_harm torn;
    struct fault f;
    assert_int_equal(store_log_open(b->place.dir, &b->place.env, &options, &b->log, &torn, &f),
                     ERR_OK);
    assert_int_equal(store_proofs_open(b->log, b->place.dir, &b->proofs, &f), ERR_OK);
}

static void bench_close(struct bench *b) {
    store_proofs_close(b->proofs);
    store_log_close(b->log);
}

static void bench_add(struct bench *b, size_t n) {
    struct arena a;
    struct fault f;
    struct buf canonical;
    uint64_t first;
    arena_init(&a, 64u << 20);
    buf_init(&canonical, 1 << 16);
    struct store_entry *entries = arena_array(&a, n, sizeof *entries);
    for (size_t i = 0; i < n; i++) {
        entries[i] = entry_number(&a, b->n);
        buf_reset(&canonical);
        store_entry_write(&entries[i], &canonical);
        store_leaf_hash(buf_bytes(&canonical), b->leaves[b->n++]);
    }
    assert_int_equal(store_log_append(b->log, entries, n, &first, &f), ERR_OK);
    buf_clear(&canonical);
    arena_clear(&a);
}

static void expect_same(const struct store_proof *p, uint8_t (*want)[32], size_t n) {
    assert_int_equal(p->n, n);
    assert_memory_equal(p->hashes, want, n * 32);
}

static void expect(struct bench *b, uint64_t size) {
    uint8_t want[STORE_PROOF_MAX][32], root[32], hash[32];
    struct store_proof p;
    struct fault f;
    size_t n;
    const uint64_t marks[] = {0, 1, size / 3, size / 2, size - 1};
    assert_int_equal(store_proofs_root(b->proofs, size, root, &f), ERR_OK);
    assert_int_equal(store_tree_of_leaves(b->leaves, 0, size, hash), ERR_OK);
    assert_memory_equal(root, hash, 32);
    for (size_t i = 0; i < COUNT_OF(marks); i++) {
        assert_int_equal(store_proofs_inclusion(b->proofs, marks[i], size, &p, &f), ERR_OK);
        assert_int_equal(
            store_tree_inclusion(store_tree_of_leaves, b->leaves, size, marks[i], want, &n),
            ERR_OK);
        expect_same(&p, want, n);
        if (marks[i] == 0)
            continue;
        assert_int_equal(store_proofs_consistency(b->proofs, marks[i], size, &p, &f), ERR_OK);
        assert_int_equal(
            store_tree_consistency(store_tree_of_leaves, b->leaves, size, marks[i], want, &n),
            ERR_OK);
        expect_same(&p, want, n);
    }
}

/* Sizes round a stem, one that grows slowly, a jump that reads the log, and after a start. */
static void proofs_of_a_growing_log(void **state) {
    static const size_t steps[] = {2, 100, 25, 1, 1, 1, 126, 300, 1000, 1, 128 * 56, 77};
    struct bench b = {.place = place_make()};
    uint64_t before = 0;
    (void)state;
    b.leaves = calloc(MOST, sizeof *b.leaves);
    assert_non_null(b.leaves);
    bench_open(&b);
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        before = b.n;
        bench_add(&b, steps[i]);
        expect(&b, b.n);
        if (before > 1)
            expect(&b, before);
    }
    bench_close(&b);
    bench_open(&b);
    expect(&b, before);
    expect(&b, b.n);
    bench_close(&b);
    free(b.leaves);
    place_clear(&b.place);
}

static void what_is_not_there(void **state) {
    struct bench b = {.place = place_make()};
    struct store_proof p;
    struct fault f;
    uint8_t root[32], empty[32];
    (void)state;
    b.leaves = calloc(MOST, sizeof *b.leaves);
    assert_non_null(b.leaves);
    bench_open(&b);
    hash_of(HASH_SHA256, bytes_of("", 0), empty);
    assert_int_equal(store_proofs_root(b.proofs, 0, root, &f), ERR_OK);
    assert_memory_equal(root, empty, 32);
    assert_int_equal(store_proofs_inclusion(b.proofs, 0, 0, &p, &f), ERR_NOT_FOUND);
    bench_add(&b, 3);
    assert_int_equal(store_proofs_inclusion(b.proofs, 3, 3, &p, &f), ERR_NOT_FOUND);
    assert_int_equal(store_proofs_inclusion(b.proofs, 0, 4, &p, &f), ERR_NOT_FOUND);
    assert_int_equal(store_proofs_root(b.proofs, 4, root, &f), ERR_NOT_FOUND);
    assert_int_equal(store_proofs_consistency(b.proofs, 0, 3, &p, &f), ERR_USAGE);
    assert_int_equal(store_proofs_consistency(b.proofs, 4, 3, &p, &f), ERR_USAGE);
    assert_int_equal(store_proofs_consistency(b.proofs, 3, 3, &p, &f), ERR_OK);
    assert_int_equal(p.n, 0);
    bench_close(&b);
    free(b.leaves);
    place_clear(&b.place);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(proofs_of_a_growing_log),
        cmocka_unit_test(what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
