/* crypto/aead: the GCM submission's test cases (NIST), RFC 8439, 2.8.2. */
#include "tests/unit/hex.h"

#include "crypto/crypto.h"

static const struct {
    enum aead aead;
    const char *key, *nonce, *aad, *plain, *cipher, *tag;
} cases[] = {
  /* Test case 1: nothing at all */
    {AEAD_AES_128_GCM,       "00000000000000000000000000000000",                                 "000000000000000000000000", "",                                         "", "",
     "58e2fccefa7e3061367f1d57a4e7455a"                                                                                                                                                                                                            },
 /* 2 */
    {AEAD_AES_128_GCM,       "00000000000000000000000000000000",                                 "000000000000000000000000", "",
     "00000000000000000000000000000000",                                                                                                                                     "0388dace60b6a392f328c2b971b2fe78",
     "ab6e47d42cec13bdf53a67b21257bddf"                                                                                                                                                                                                            },
 /* 4: with additional data, no whole number of blocks */
    {AEAD_AES_128_GCM,       "feffe9928665731c6d6a8f9467308308",                                 "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",                                                                                                                         "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",                                                             "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
     "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",                                 "5bc94fbc3221a5db94fae95ae7121a47"},
 /* 13 */
    {AEAD_AES_256_GCM,       "0000000000000000000000000000000000000000000000000000000000000000",
     "000000000000000000000000",                                                                                             "",                                         "", "",                                 "530f8afbc74536b9a963b4f1c4cb738b"},
 /* 16 */
    {AEAD_AES_256_GCM,       "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
     "cafebabefacedbaddecaf888",                                                                                             "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",                                                                                                             "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",                                                                                 "76fc6ece0f4e1768cddf8853bb2d551b"},
 /* "Ladies and Gentlemen of the class of '99..." */
    {AEAD_CHACHA20_POLY1305, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
     "070000004041424344454647",                                                                                             "50515253c0c1c2c3c4c5c6c7",
     "4c616469657320616e642047656e746c656d656e206f662074686520636c6173"
     "73206f66202739393a204966204920636f756c64206f6666657220796f75206f"
     "6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73"
     "637265656e20776f756c642062652069742e",                                                                                                                                 "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6"
     "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36"
     "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc"
     "3ff4def08e4b7a9de576d26586cec64b6116",                                                                                                                         "1ae10b594f09e26a7e902ecbd0600691"},
};

struct vector {
    uint8_t key[32], nonce[12], aad[32], data[128], tag[16];
    size_t aad_n, n;
};

static struct vector load(size_t i, bool cipher) {
    struct vector v = {.n = 0};
    assert_int_equal(unhex(cases[i].key, v.key, 32).n, aead_key_size(cases[i].aead));
    (void)unhex(cases[i].nonce, v.nonce, 12);
    (void)unhex(cases[i].tag, v.tag, 16);
    v.aad_n = unhex(cases[i].aad, v.aad, sizeof v.aad).n;
    v.n = unhex(cipher ? cases[i].cipher : cases[i].plain, v.data, sizeof v.data).n;
    return v;
}

static void seals_the_examples(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct vector v = load(i, false);
        memset(v.tag, 0, sizeof v.tag);
        aead_seal(cases[i].aead, v.key, v.nonce, bytes_of(v.aad, v.aad_n), v.data, v.n, v.tag);
        assert_hex(v.data, v.n, cases[i].cipher);
        assert_hex(v.tag, 16, cases[i].tag);
    }
}

static void opens_the_examples(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct vector v = load(i, true);
        assert_true(
            aead_open(cases[i].aead, v.key, v.nonce, bytes_of(v.aad, v.aad_n), v.data, v.n, v.tag));
        assert_hex(v.data, v.n, cases[i].plain);
    }
}

static bool opens(size_t i, const struct vector *changed) {
    struct vector v = *changed;
    return aead_open(cases[i].aead, v.key, v.nonce, bytes_of(v.aad, v.aad_n), v.data, v.n, v.tag);
}

/* One bit anywhere: in the tag, the text, the additional data, the nonce, the key. */
static void refuses_every_changed_bit(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct vector v = load(i, true);
        assert_true(opens(i, &v));
        for (size_t bit = 0; bit < 128; bit++) {
            struct vector w = v;
            w.tag[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(opens(i, &w));
        }
        for (size_t at = 0; at < v.n; at++) {
            struct vector w = v;
            w.data[at] ^= 0x10;
            assert_false(opens(i, &w));
        }
        for (size_t at = 0; at < v.aad_n; at++) {
            struct vector w = v;
            w.aad[at] ^= 1;
            assert_false(opens(i, &w));
        }
        struct vector w = v;
        w.nonce[11] ^= 1;
        assert_false(opens(i, &w));
        w = v;
        w.key[0] ^= 1;
        assert_false(opens(i, &w));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seals_the_examples),
        cmocka_unit_test(opens_the_examples),
        cmocka_unit_test(refuses_every_changed_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
