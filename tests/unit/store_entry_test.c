/* store/log: canonical bytes, leaf hashes and tree. The hashes were computed with
 * Python's hashlib from the layout in entry.h; the roots are those of the
 * certificate transparency implementations' common test data. */
#include "store_test.h"

#include "base/text.h"
#include "crypto/crypto.h"
#include "store/log/segment.h"

static const char *hex_of(struct arena *a, struct bytes b) {
    char *text = arena_alloc(a, 2 * b.n + 1);
    hex_write(text, b);
    return text;
}

static void canonical_bytes_and_leaf(void **state) {
    (void)state;
    struct arena a;
    struct buf b;
    uint8_t counting[256], leaf[32];
    for (unsigned i = 0; i < 256; i++)
        counting[i] = (uint8_t)i;
    const struct {
        struct store_entry entry;
        const char *start, *leaf;
        size_t size;
    } cases[] = {
        {{.type = 1, .version = 1},
         "00010001000000000000000000000000",                   "508898d7f1fc0bc299fc02978108f28d531059edd8f4c61cb75a63ea70257d0d",
         16 },
        {{.type = 1, .version = 1, .time_ms = 1767225600000, .payload = bytes_text("abc")},
         "000100010000019b76daa80000000003616263",             "998c0668cdf2e49e8fa2c436d033c98bf390a890431ce4ab45a71cdffecc3296",
         19 },
        {{.type = 0xffff, .version = 0x102, .time_ms = -1, .payload = {counting, 256}},
         "ffff0102ffffffffffffffff00000100000102030405060708", "50a37276ed4b648c0706dc77eb2d7ba91a263bece3486a2e93d2b5ddab6e8164",
         272},
    };
    arena_init(&a, 1u << 20);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store_entry again = {.number = 77};
        buf_init(&b, 1000);
        store_entry_write(&cases[i].entry, &b);
        assert_int_equal(b.n, cases[i].size);
        struct bytes start = bytes_part(buf_bytes(&b), 0, strlen(cases[i].start) / 2);
        assert_string_equal(hex_of(&a, start), cases[i].start);
        store_leaf_hash(buf_bytes(&b), leaf);
        assert_string_equal(hex_of(&a, bytes_of(leaf, 32)), cases[i].leaf);
        struct cur c = cur_open(buf_bytes(&b));
        assert_true(store_entry_take(&c, &again));
        assert_true(cur_end(&c));
        assert_int_equal(again.number, 77);
        assert_int_equal(again.type, cases[i].entry.type);
        assert_int_equal(again.version, cases[i].entry.version);
        assert_true(again.time_ms == cases[i].entry.time_ms);
        assert_true(bytes_equal(again.payload, cases[i].entry.payload));
        for (size_t n = 0; n < b.n; n++) {
            c = cur_open(bytes_part(buf_bytes(&b), 0, n));
            assert_false(store_entry_take(&c, &again));
        }
        buf_clear(&b);
    }
    arena_clear(&a);
}

static void payloads_have_a_limit(void **state) {
    (void)state;
    static uint8_t much[STORE_ENTRY_MAX + 1];
    struct buf b;
    struct store_entry e = {
        .type = 1, .payload = {much, STORE_ENTRY_MAX}
    };
    buf_init(&b, 2 * sizeof much);
    store_entry_write(&e, &b);
    assert_int_equal(b.err, ERR_OK);
    e.payload.n++;
    store_entry_write(&e, &b);
    assert_int_equal(b.err, ERR_LIMIT);
    buf_clear(&b);
}

static void roots_of_known_leaves(void **state) {
    (void)state;
    static const struct {
        const char *leaf; /* added before the root is taken */
        size_t n;
        const char *root;
    } cases[] = {
        {"",                                                                 0,  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
        {"\0",                                                               1,  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
        {"\x10",                                                             1,  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
        {"\x20\x21",                                                         2,  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
        {"\x30\x31",                                                         2,  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
        {"\x40\x41\x42\x43",                                                 4,  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
        {"\x50\x51\x52\x53\x54\x55\x56\x57",                                 8,
         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"                                                                        },
        {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
         "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"                                                                        },
    };
    struct arena a;
    struct store_tree t = {.size = 0};
    uint8_t hash[32];
    arena_init(&a, 1u << 20);
    store_tree_root(&t, hash);
    assert_string_equal(hex_of(&a, bytes_of(hash, 32)),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        store_leaf_hash(bytes_of(cases[i].leaf, cases[i].n), hash);
        store_tree_add(&t, hash);
        store_tree_root(&t, hash);
        assert_int_equal(t.size, i + 1);
        assert_string_equal(hex_of(&a, bytes_of(hash, 32)), cases[i].root);
    }
    arena_clear(&a);
}

/* The tree of 8 of the common test data: the path of its first leaf. */
static size_t inclusion(uint8_t (*leaves)[32], uint64_t n, uint64_t i, uint8_t (*proof)[32]) {
    size_t k;
    assert_int_equal(store_tree_inclusion(store_tree_of_leaves, leaves, n, i, proof, &k), ERR_OK);
    return k;
}

static size_t consistency(uint8_t (*leaves)[32], uint64_t n, uint64_t m, uint8_t (*proof)[32]) {
    size_t k;
    assert_int_equal(store_tree_consistency(store_tree_of_leaves, leaves, n, m, proof, &k), ERR_OK);
    return k;
}

static void a_known_path(void **state) {
    (void)state;
    static const char *const path[] = {
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    };
    static const struct {
        const char *p;
        size_t n;
    } data[] = {
        {"",                                                                 0 },
        {"\0",                                                               1 },
        {"\x10",                                                             1 },
        {"\x20\x21",                                                         2 },
        {"\x30\x31",                                                         2 },
        {"\x40\x41\x42\x43",                                                 4 },
        {"\x50\x51\x52\x53\x54\x55\x56\x57",                                 8 },
        {"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16},
    };
    struct arena a;
    uint8_t leaves[8][32], proof[STORE_PROOF_MAX][32];
    arena_init(&a, 1u << 20);
    for (size_t i = 0; i < 8; i++)
        store_leaf_hash(bytes_of(data[i].p, data[i].n), leaves[i]);
    assert_int_equal(inclusion(leaves, 8, 0, proof), 3);
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(hex_of(&a, bytes_of(proof[i], 32)), path[i]);
    arena_clear(&a);
}

static void combine(const uint8_t left[32], const uint8_t right[32], uint8_t out[32]) {
    uint8_t node[65] = {1};
    memcpy(node + 1, left, 32);
    memcpy(node + 33, right, 32);
    hash_of(HASH_SHA256, bytes_of(node, sizeof node), out);
}

/* RFC 9162, 2.1.3.2 and 2.1.4.2; for an inclusion `old` is not looked at. */
static bool climb(uint64_t fn, uint64_t sn, uint8_t (*proof)[32], size_t n, uint8_t old[32],
                  uint8_t new[32]) {
    for (size_t i = 0; i < n; i++, fn >>= 1, sn >>= 1) {
        if (sn == 0)
            return false;
        if ((fn & 1) == 0 && fn != sn) {
            combine(new, proof[i], new);
            continue;
        }
        combine(proof[i], old, old);
        combine(proof[i], new, new);
        for (; fn != 0 && (fn & 1) == 0; fn >>= 1)
            sn >>= 1;
    }
    return sn == 0;
}

static void proofs_of_all_small_trees(void **state) {
    (void)state;
    enum { MOST = 40 };
    uint8_t leaves[MOST][32], roots[MOST + 1][32], proof[STORE_PROOF_MAX][32];
    struct store_tree t = {.size = 0};
    for (unsigned i = 0; i < MOST; i++) {
        store_leaf_hash(bytes_of(&i, sizeof i), leaves[i]);
        store_tree_add(&t, leaves[i]);
        store_tree_root(&t, roots[i + 1]);
    }
    for (uint64_t n = 1; n <= MOST; n++) {
        for (uint64_t i = 0; i < n; i++) {
            uint8_t old[32], new[32];
            memcpy(old, leaves[i], 32);
            memcpy(new, leaves[i], 32);
            size_t k = inclusion(leaves, n, i, proof);
            assert_true(climb(i, n - 1, proof, k, old, new));
            assert_memory_equal(new, roots[n], 32);
        }
        for (uint64_t m = 1; m < n; m++) {
            uint8_t old[32], new[32];
            size_t k = consistency(leaves, n, m, proof), from = 0;
            bool is_power = (m & (m - 1)) == 0;
            memcpy(old, is_power ? roots[m] : proof[from++], 32);
            memcpy(new, old, 32);
            uint64_t fn = m - 1, sn = n - 1;
            for (; (fn & 1) != 0; fn >>= 1)
                sn >>= 1;
            assert_true(climb(fn, sn, proof + from, k - from, old, new));
            assert_memory_equal(old, roots[m], 32);
            assert_memory_equal(new, roots[n], 32);
        }
        assert_int_equal(consistency(leaves, n, n, proof), 0);
    }
}

static void range_counts_digits(void **state) {
    (void)state;
    assert_int_equal(store_tree_range(0), 0);
    assert_int_equal(store_tree_range(13), 3);
    assert_int_equal(store_tree_range(1ull << 63), 1);
    assert_int_equal(store_tree_range(UINT64_MAX), 64);
}

/* Stores are read with exactly this dictionary. */
static void dictionary_1_is_fixed(void **state) {
    (void)state;
    uint8_t hash[32];
    char text[65];
    hash_of(HASH_SHA256, store_dictionary_1(), hash);
    hex_write(text, bytes_of(hash, 32));
    assert_string_equal(text, "40a7911b1c74e262416be15b90e240075168939207fa22b2475e0b82593d1261");
}

static void names_of_segments(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint32_t number;
    } good[] = {
        {"00000001.seg",  1        },
        {"99999999.seg",  99999999 },
        {"123456789.seg", 123456789}
    };
    static const char *const bad[] = {
        "",     "00000000.seg", "1.seg", "00000001.seg.new", "0000000a.seg", "99999999999.seg",
        "lock", "-0000001.seg"};
    uint32_t number;
    char name[24];
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        assert_true(segment_name_read(good[i].name, &number));
        assert_int_equal(number, good[i].number);
        segment_name(number, name);
        assert_string_equal(name, good[i].name);
    }
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(segment_name_read(bad[i], &number));
}

static void heads_round_trip(void **state) {
    (void)state;
    struct buf b;
    struct segment_head head =
                            {
                                .number = 5, .salt = {1, 2, 3, 4, 5, 6, 7, 8}
    },
                        again;
    size_t size;
    for (unsigned i = 0; i < 13; i++)
        store_tree_add(&head.tree, (const uint8_t *)"01234567890123456789012345678901");
    buf_init(&b, 4096);
    segment_head_write(&head, &b);
    assert_int_equal(b.n, SEGMENT_HEAD + 3 * 32);
    assert_int_equal(segment_head_read(buf_bytes(&b), &again, &size), ERR_OK);
    assert_int_equal(size, b.n);
    assert_memory_equal(&head, &again, sizeof head);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(segment_head_read(bytes_part(buf_bytes(&b), 0, n), &again, &size),
                         ERR_LIMIT);
    for (size_t i = 0; i < 8 * b.n; i++) {
        b.p[i / 8] ^= (uint8_t)(1u << i % 8);
        assert_int_not_equal(segment_head_read(buf_bytes(&b), &again, &size), ERR_OK);
        b.p[i / 8] ^= (uint8_t)(1u << i % 8);
    }
    buf_clear(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_bytes_and_leaf),  cmocka_unit_test(payloads_have_a_limit),
        cmocka_unit_test(roots_of_known_leaves),     cmocka_unit_test(a_known_path),
        cmocka_unit_test(proofs_of_all_small_trees), cmocka_unit_test(range_counts_digits),
        cmocka_unit_test(dictionary_1_is_fixed),     cmocka_unit_test(names_of_segments),
        cmocka_unit_test(heads_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
