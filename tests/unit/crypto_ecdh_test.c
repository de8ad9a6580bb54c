/* crypto/ecdh: RFC 7748 (X25519), RFC 5903 and NIST CAVP (P-256, P-384, P-521). */
#include "tests/unit/hex.h"

#include "crypto/crypto.h"

static const struct {
    enum group group;
    const char *secret, *public_key, *peer, *shared;
} cases[] = {
  /* RFC 7748, 6.1, both sides */
    {GROUP_X25519, "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
     "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",                                                                               "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
     "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"                                                                                                                                                                                                                                    },
    {GROUP_X25519, "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
     "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",                                                                               "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
     "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"                                                                                                                                                                                                                                    },
 /* RFC 5903, 8.1 */
    {GROUP_P256,   "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
     "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c37725811"
     "805271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",                                                                             "04d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf"
     "6356fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab",                                                                               "d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"      },
 /* RFC 5903, 8.2 */
    {GROUP_P384,
     "099f3c7034d4a2c699884d73a375a67f7624ef7c6b3c0f160647b67414dce655"
     "e35b538041e649ee3faef896783ab194",                                               "04667842d7d180ac2cde6f74f37551f55755c7645c20ef73e31634fe72b4c55e"
     "e6de3ac808acb4bdb4c88732aee95f41aa9482ed1fc0eeb9cafc4984625ccfc2"
     "3f65032149e0e144ada024181535a0f38eeb9fcff3c2c947dae69b4c634573a81c",                                     "04e558dbef53eecde3d3fccfc1aea08a89a987475d12fd950d83cfa41732bc50"
     "9d0d1ac43a0336def96fda41d0774a3571dcfbec7aacf3196472169e83843036"
     "7f66eebe3c6e70c416dd5f0c68759dd1fff83fa40142209dff5eaad96db9e6386c",                                       "11187331c279962d93d604243fd592cb9d0a926f422e47187521287e7156c5c4"
     "d603135569b9e9d09cf5d4a270f59746"                                                                        },
 /* NIST CAVP, ECC CDH, P-521, COUNT 24 */
    {GROUP_P521,
     "00df14b1f1432a7b0fb053965fd8643afee26b2451ecb6a8a53a655d5fbe16e4c6"
     "4ce8647225eb11e7fdcb23627471dffc5c2523bd2ae89957cba3a57a23933e5a78",             "04004e8583bbbb2ecd93f0714c332dff5ab3bc6396e62f3c560229664329baa513"
     "8c3bb1c36428abd4e23d17fcb7a2cfcc224b2e734c8941f6f121722d7b6b941545"
     "7601cf0874f204b0363f020864672fadbf87c8811eb147758b254b74b14fae7421"
     "59f0f671a018212bbf25b8519e126d4cad778cfff50d288fd39ceb0cac635b175ec0", "0401a32099b02c0bd85371f60b0dd20890e6c7af048c8179890fda308b359dbbc2"
     "b7a832bb8c6526c4af99a7ea3f0b3cb96ae1eb7684132795c478ad6f962e4a6f44"
     "6d017627357b39e9d7632a1370b3e93c1afb5c851b910eb4ead0c9d387df67cde8"
     "5003e0e427552f1cd09059aad0262e235cce5fba8cedc4fdc1463da76dcd4b6d1a46", "01aaf24e5d47e4080c18c55ea35581cd8da30f1a079565045d2008d51b12d0abb4"
     "411cda7a0785b15d149ed301a3697062f42da237aa7f07e0af3fd00eb1800d9c41"},
};

static struct ecdh_key load(size_t i) {
    struct ecdh_key key = {.group = cases[i].group};
    key.secret_n = unhex(cases[i].secret, key.secret, sizeof key.secret).n;
    key.public_n = unhex(cases[i].public_key, key.public_key, sizeof key.public_key).n;
    return key;
}

static void agrees_as_published(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct ecdh_key key = load(i);
        uint8_t peer[ECDH_PUBLIC_MAX], out[ECDH_SECRET_MAX];
        size_t n = 0;
        assert_true(ecdh_shared(&key, unhex(cases[i].peer, peer, sizeof peer), out, &n));
        assert_hex(out, n, cases[i].shared);
    }
}

/* The secret bytes come from the environment as they are: RFC 7748's give its public key. */
struct fixed {
    const char *hex;
};

static bool fixed_random(void *context, uint8_t *out, size_t n) {
    (void)unhex(((struct fixed *)context)->hex, out, n);
    return true;
}

static void makes_the_published_key(void **state) {
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct fixed fixed = {cases[i].secret};
        struct env env = {.random = fixed_random, .context = &fixed};
        struct ecdh_key key;
        assert_true(ecdh_make(&env, GROUP_X25519, &key));
        assert_hex(key.public_key, key.public_n, cases[i].public_key);
    }
}

static bool counting_random(void *context, uint8_t *out, size_t n) {
    uint8_t *next = context;
    for (size_t i = 0; i < n; i++)
        out[i] = (*next)++;
    return true;
}

static bool no_random(void *context, uint8_t *out, size_t n) {
    (void)context, (void)out, (void)n;
    return false;
}

static const struct {
    enum group group;
    size_t public_n, shared_n;
} sizes[] = {
    {GROUP_X25519, 32,  32},
    {GROUP_P256,   65,  32},
    {GROUP_P384,   97,  48},
    {GROUP_P521,   133, 66},
};

static void two_sides_agree(void **state) {
    (void)state;
    uint8_t next = 1;
    struct env env = {.random = counting_random, .context = &next};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct ecdh_key a, b;
        uint8_t from_a[ECDH_SECRET_MAX], from_b[ECDH_SECRET_MAX];
        size_t na = 0, nb = 0;
        assert_true(ecdh_make(&env, sizes[i].group, &a));
        assert_true(ecdh_make(&env, sizes[i].group, &b));
        assert_int_equal(a.public_n, sizes[i].public_n);
        assert_memory_not_equal(a.public_key, b.public_key, a.public_n);
        assert_true(ecdh_shared(&a, bytes_of(b.public_key, b.public_n), from_a, &na));
        assert_true(ecdh_shared(&b, bytes_of(a.public_key, a.public_n), from_b, &nb));
        assert_int_equal(na, sizes[i].shared_n);
        assert_int_equal(nb, na);
        assert_memory_equal(from_a, from_b, na);
    }
}

static void refuses_what_is_no_point(void **state) {
    (void)state;
    uint8_t next = 9;
    struct env env = {.random = counting_random, .context = &next};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct ecdh_key key;
        uint8_t peer[ECDH_PUBLIC_MAX + 1] = {0}, out[ECDH_SECRET_MAX];
        size_t n;
        assert_true(ecdh_make(&env, sizes[i].group, &key));
        memcpy(peer, key.public_key, key.public_n);
        for (size_t cut = 0; cut < key.public_n; cut++)
            assert_false(ecdh_shared(&key, bytes_of(peer, cut), out, &n));
        assert_false(ecdh_shared(&key, bytes_of(peer, key.public_n + 1), out, &n));
        memset(peer, 0, sizeof peer); /* for X25519 a point of order 2 */
        assert_false(ecdh_shared(&key, bytes_of(peer, key.public_n), out, &n));
        if (sizes[i].group == GROUP_X25519)
            continue;
        memcpy(peer, key.public_key, key.public_n);
        peer[key.public_n - 1] ^= 1; /* off the curve */
        assert_false(ecdh_shared(&key, bytes_of(peer, key.public_n), out, &n));
        memcpy(peer, key.public_key, key.public_n);
        peer[0] = 2; /* the compressed form */
        assert_false(ecdh_shared(&key, bytes_of(peer, key.public_n), out, &n));
    }
}

static void fails_without_randomness(void **state) {
    (void)state;
    struct env env = {.random = no_random};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct ecdh_key key;
        assert_false(ecdh_make(&env, sizes[i].group, &key));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_as_published),      cmocka_unit_test(makes_the_published_key),
        cmocka_unit_test(two_sides_agree),          cmocka_unit_test(refuses_what_is_no_point),
        cmocka_unit_test(fails_without_randomness),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
