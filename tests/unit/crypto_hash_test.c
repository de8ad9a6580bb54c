/* crypto/hash: FIPS 180-4 and RFC 1321 examples, RFC 4231 (HMAC), RFC 5869 (HKDF). */
#include "tests/unit/hex.h"

#include "crypto/crypto.h"

#include <bearssl.h>

static const struct {
    enum hash hash;
    const char *text, *digest;
} digests[] = {
    {HASH_MD5,    "abc",                                                      "900150983cd24fb0d6963f7d28e17f72"                                },
    {HASH_SHA1,   "abc",                                                      "a9993e364706816aba3e25717850c26c9cd0d89d"                        },
    {HASH_SHA1,   "",                                                         "da39a3ee5e6b4b0d3255bfef95601890afd80709"                        },
    {HASH_SHA1,   "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "84983e441c3bd26ebaae4aa1f95129e5e54670f1"                                                                                                 },
    {HASH_SHA224, "abc",                                                      "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"        },
    {HASH_SHA256, "abc",                                                      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {HASH_SHA256, "",                                                         "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {HASH_SHA256, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"                                                                         },
    {HASH_SHA384, "abc",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7"                                                                                                         },
    {HASH_SHA512, "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"                                                                         },
};

static void hashes_the_examples(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(digests); i++) {
        uint8_t out[HASH_SIZE_MAX];
        hash_of(digests[i].hash, bytes_text(digests[i].text), out);
        assert_hex(out, hash_size(digests[i].hash), digests[i].digest);
    }
}

/* In two parts, cut everywhere; a peek changes nothing, a copy is a fork. */
static void any_cut_gives_the_same(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(digests); i++) {
        struct bytes text = bytes_text(digests[i].text);
        for (size_t cut = 0; cut <= text.n; cut++) {
            struct hash_run r, fork;
            uint8_t out[HASH_SIZE_MAX];
            hash_begin(&r, digests[i].hash);
            hash_add(&r, bytes_part(text, 0, cut));
            hash_peek(&r, out);
            fork = r;
            hash_add(&fork, bytes_text("something else"));
            hash_add(&r, bytes_part(text, cut, SIZE_MAX));
            hash_peek(&r, out);
            assert_hex(out, hash_size(digests[i].hash), digests[i].digest);
        }
    }
}

/* What the processor's instructions give is what BearSSL's portable code gives: every length
 * up to some blocks, in parts of every size. */
static void any_code_gives_the_same(void **state) {
    static const struct {
        enum hash hash;
        const br_hash_class *portable;
    } both[] = {
        {HASH_SHA1,   &br_sha1_vtable  },
        {HASH_SHA256, &br_sha256_vtable},
    };
    uint8_t text[400];
    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 167 + (i >> 3));
    for (size_t i = 0; i < COUNT_OF(both); i++)
        for (size_t n = 0; n <= sizeof text; n++) {
            uint8_t want[HASH_SIZE_MAX], got[HASH_SIZE_MAX];
            br_hash_compat_context c;
            struct hash_run r;
            size_t part = 1 + n % 131;
            both[i].portable->init(&c.vtable);
            both[i].portable->update(&c.vtable, text, n);
            both[i].portable->out(&c.vtable, want);
            hash_of(both[i].hash, bytes_of(text, n), got);
            assert_memory_equal(got, want, hash_size(both[i].hash));
            hash_begin(&r, both[i].hash);
            for (size_t from = 0; from < n; from += part)
                hash_add(&r, bytes_part(bytes_of(text, n), from, part));
            hash_peek(&r, got);
            assert_memory_equal(got, want, hash_size(both[i].hash));
        }
}

static void hashes_a_million(void **state) {
    (void)state;
    static uint8_t many[1000];
    struct hash_run r;
    uint8_t out[HASH_SIZE_MAX];
    memset(many, 'a', sizeof many);
    hash_begin(&r, HASH_SHA256);
    for (unsigned i = 0; i < 1000; i++)
        hash_add(&r, bytes_of(many, sizeof many));
    hash_peek(&r, out);
    assert_hex(out, 32, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static const struct {
    const char *key, *text, *sha256, *sha384, *sha512;
} macs[] = {
    {"0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "4869205468657265",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59c"
     "faea9ea9076ede7f4af152e8b2fa9cb6", "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cde"
     "daa833b7d6b8a702038b274eaea3f4e4be9d914eeb61f1702e696c203a126854"},
    {"4a656665",                                 "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
     "8e2240ca5e69e2c78b3239ecfab21649", "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
     "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737"},
};

static void macs_the_examples(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(macs); i++) {
        uint8_t key[64], text[64], out[HASH_SIZE_MAX];
        struct bytes k = unhex(macs[i].key, key, sizeof key);
        struct bytes t = unhex(macs[i].text, text, sizeof text);
        hmac_of(HASH_SHA256, k, t, out);
        assert_hex(out, 32, macs[i].sha256);
        hmac_of(HASH_SHA384, k, t, out);
        assert_hex(out, 48, macs[i].sha384);
        hmac_of(HASH_SHA512, k, t, out);
        assert_hex(out, 64, macs[i].sha512);
    }
}

/* RFC 4231, 4.7: a key longer than a block. */
static void macs_with_a_long_key(void **state) {
    (void)state;
    uint8_t key[131], out[HASH_SIZE_MAX];
    memset(key, 0xaa, sizeof key);
    hmac_of(HASH_SHA256, bytes_of(key, sizeof key),
            bytes_text("Test Using Larger Than Block-Size Key - Hash Key First"), out);
    assert_hex(out, 32, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static const struct {
    enum hash hash;
    const char *ikm, *salt, *info, *prk, *okm;
} derivations[] = {
  /* A.1 */
    {HASH_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
     "f0f1f2f3f4f5f6f7f8f9",                                                                                            "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
     "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"                                                                                                                                                                                       },
 /* A.3: no salt, no info */
    {HASH_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "",                           "",
     "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",                                                                                                                    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"},
 /* A.4 */
    {HASH_SHA1,   "0b0b0b0b0b0b0b0b0b0b0b",                       "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
     "9b6c18c432a7bf8f0e71c8eb88f4b30baa2ba243",                                                                                                                                            "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896"},
};

static void derives_the_examples(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(derivations); i++) {
        uint8_t ikm[64], salt[64], info[64], prk[HASH_SIZE_MAX], okm[42];
        enum hash h = derivations[i].hash;
        hkdf_extract(h, unhex(derivations[i].salt, salt, sizeof salt),
                     unhex(derivations[i].ikm, ikm, sizeof ikm), prk);
        assert_hex(prk, hash_size(h), derivations[i].prk);
        assert_true(hkdf_expand(h, bytes_of(prk, hash_size(h)),
                                unhex(derivations[i].info, info, sizeof info), okm, sizeof okm));
        assert_hex(okm, sizeof okm, derivations[i].okm);
    }
}

static void expands_up_to_255_blocks(void **state) {
    (void)state;
    static uint8_t out[255 * 32 + 1];
    uint8_t prk[32] = {0};
    assert_true(hkdf_expand(HASH_SHA256, bytes_of(prk, 32), bytes_text(""), out, 255 * 32));
    assert_false(hkdf_expand(HASH_SHA256, bytes_of(prk, 32), bytes_text(""), out, 255 * 32 + 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_the_examples),     cmocka_unit_test(any_cut_gives_the_same),
        cmocka_unit_test(any_code_gives_the_same), cmocka_unit_test(hashes_a_million),
        cmocka_unit_test(macs_the_examples),       cmocka_unit_test(macs_with_a_long_key),
        cmocka_unit_test(derives_the_examples),    cmocka_unit_test(expands_up_to_255_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
