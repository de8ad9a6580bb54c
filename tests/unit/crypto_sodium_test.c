/* crypto/sodium: RFC 8032, 7.1 (Ed25519), the reference Argon2's test vectors. */
#include "tests/unit/hex.h"

#include "crypto/crypto.h"

#include <ctype.h>

static const struct {
    const char *seed, *public_key, *text, *signature;
} signatures[] = {
  /* TEST 1 */
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
     "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
 /* TEST 2 */
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
     "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
 /* TEST 3 */
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
     "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
};

static bool seed_random(void *context, uint8_t *out, size_t n) {
    (void)unhex(context, out, n);
    return true;
}

static bool no_random(void *context, uint8_t *out, size_t n) {
    (void)context, (void)out, (void)n;
    return false;
}

static void signs_as_published(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(signatures); i++) {
        char seed[65];
        uint8_t public_key[32], secret[64], text[8], signature[64];
        memcpy(seed, signatures[i].seed, sizeof seed);
        struct env env = {.random = seed_random, .context = seed};
        assert_true(ed25519_make(&env, public_key, secret));
        assert_hex(public_key, 32, signatures[i].public_key);
        struct bytes t = unhex(signatures[i].text, text, sizeof text);
        ed25519_sign(secret, t, signature);
        assert_hex(signature, 64, signatures[i].signature);
        assert_true(ed25519_verify(bytes_of(public_key, 32), t, bytes_of(signature, 64)));
    }
}

static void verifies_nothing_else(void **state) {
    (void)state;
    uint8_t key[32], text[8], signature[65] = {0};
    struct bytes k = unhex(signatures[2].public_key, key, sizeof key);
    struct bytes t = unhex(signatures[2].text, text, sizeof text);
    struct bytes s = unhex(signatures[2].signature, signature, sizeof signature);
    assert_true(ed25519_verify(k, t, s));
    for (size_t bit = 0; bit < 64 * 8; bit++) {
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(ed25519_verify(k, t, s));
        signature[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_false(ed25519_verify(k, bytes_text("af"), s));
    assert_false(ed25519_verify(bytes_of(key, 31), t, s));
    assert_false(ed25519_verify(k, t, bytes_of(signature, 63)));
    assert_false(ed25519_verify(k, t, bytes_of(signature, 65)));
    assert_false(ed25519_verify(bytes_text(""), t, bytes_text("")));
}

static void makes_no_key_without_randomness(void **state) {
    (void)state;
    uint8_t public_key[32], secret[64];
    struct env env = {.random = no_random};
    assert_false(ed25519_make(&env, public_key, secret));
}

/* From the test program of the reference implementation (phc-winner-argon2). */
static const char published[] =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

static void verifies_the_published_password(void **state) {
    (void)state;
    assert_true(password_verify(published, bytes_text("password")));
    assert_false(password_verify(published, bytes_text("Password")));
    assert_false(password_verify(published, bytes_text("")));
    assert_false(password_verify(published, (struct bytes){NULL, 0}));
}

static void makes_verifiers(void **state) {
    (void)state;
    char one[PASSWORD_VERIFIER_MAX], two[PASSWORD_VERIFIER_MAX];
    struct bytes password = bytes_text("correct horse \xc3\xa4");
    assert_true(password_verifier_make(password, one));
    assert_true(password_verifier_make(password, two));
    assert_string_not_equal(one, two); /* salted */
    assert_memory_equal(one, "$argon2id$v=19$m=65536,t=2,p=1$", 31);
    assert_true(password_verify(one, password));
    assert_false(password_verify(one, bytes_text("correct horse")));
    for (const char *c = one; *c != '\0'; c++)
        assert_true(isgraph((unsigned char)*c));
}

static void refuses_damaged_verifiers(void **state) {
    (void)state;
    char cut[sizeof published];
    for (size_t n = 0; n < sizeof published - 1; n++) {
        memcpy(cut, published, n);
        cut[n] = '\0';
        assert_false(password_verify(cut, bytes_text("password")));
    }
    char too_long[200];
    memset(too_long, 'a', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    memcpy(too_long, published, sizeof published - 1);
    assert_false(password_verify(too_long, bytes_text("password")));
    assert_false(password_verify("$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$"
                                 "iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8",
                                 bytes_text("password"))); /* another Argon2 */
}

static void compares_and_wipes(void **state) {
    (void)state;
    uint8_t a[16], b[16], zeros[16] = {0};
    for (size_t i = 0; i < sizeof a; i++)
        a[i] = b[i] = (uint8_t)(i + 1);
    assert_true(crypto_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] ^= 0x80;
        assert_false(crypto_equal(a, b, sizeof a));
        b[i] ^= 0x80;
    }
    assert_true(crypto_equal(a, zeros, 0));
    crypto_wipe(a, sizeof a);
    assert_memory_equal(a, zeros, sizeof a);
}

/* Seals, then opens what `change` made of it. */
static enum err opened(const char *passphrase, size_t at, uint8_t bit) {
    static const char text[] = "what nobody else may read";
    struct env env = env_system(NULL);
    struct fault f;
    struct buf sealed, out;
    buf_init(&sealed, 1000);
    crypto_buf_init(&out, 1000);
    assert_int_equal(
        passphrase_seal(&env, bytes_text("correct horse"), bytes_text(text), &sealed, &f), ERR_OK);
    assert_int_equal(sealed.n, PASSPHRASE_SEAL_HEAD + strlen(text) + 16);
    assert_int_equal(bytes_find(buf_bytes(&sealed), bytes_text("nobody")), SIZE_MAX);
    sealed.p[at] ^= bit;
    enum err code = passphrase_open(bytes_text(passphrase), buf_bytes(&sealed), &out, &f);
    if (code == ERR_OK)
        assert_true(bytes_is(buf_bytes(&out), text));
    else
        assert_int_equal(out.n, 0);
    buf_clear(&sealed);
    buf_clear(&out);
    return code;
}

static void seals_under_a_passphrase(void **state) {
    static const struct {
        size_t at;
        uint8_t bit;
        enum err code;
    } changes[] = {
        {0,  0x01, ERR_FORMAT     }, /* magic */
        {9,  0x02, ERR_UNSUPPORTED}, /* version 3 */
        {10, 0x80, ERR_FORMAT     }, /* passes beyond all bounds */
        {14, 0x80, ERR_FORMAT     }, /* memory beyond all bounds */
        {20, 0x01, ERR_PASSWORD   }, /* salt */
        {40, 0x01, ERR_PASSWORD   }, /* nonce */
        {58, 0x01, ERR_PASSWORD   }, /* message */
        {98, 0x80, ERR_PASSWORD   }, /* tag */
    };
    (void)state;
    assert_int_equal(opened("correct horse", 0, 0), ERR_OK);
    assert_int_equal(opened("correct Horse", 0, 0), ERR_PASSWORD);
    for (size_t i = 0; i < COUNT_OF(changes); i++)
        assert_int_equal(opened("correct horse", changes[i].at, changes[i].bit), changes[i].code);
}

static void opens_no_part_of_what_was_sealed(void **state) {
    struct env env = env_system(NULL);
    struct buf sealed, out;
    struct fault f;
    (void)state;
    buf_init(&sealed, 1000);
    buf_init(&out, 1000);
    env.random = no_random;
    assert_int_equal(passphrase_seal(&env, bytes_text("p"), bytes_text(""), &sealed, &f),
                     ERR_FAILED);
    env = env_system(NULL);
    assert_int_equal(passphrase_seal(&env, bytes_text("p"), bytes_text(""), &sealed, &f), ERR_OK);
    for (size_t n = 0; n < sealed.n; n++)
        assert_int_equal(
            passphrase_open(bytes_text("p"), bytes_part(buf_bytes(&sealed), 0, n), &out, &f),
            ERR_FORMAT);
    buf_clear(&sealed);
    buf_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signs_as_published),
        cmocka_unit_test(verifies_nothing_else),
        cmocka_unit_test(makes_no_key_without_randomness),
        cmocka_unit_test(verifies_the_published_password),
        cmocka_unit_test(makes_verifiers),
        cmocka_unit_test(refuses_damaged_verifiers),
        cmocka_unit_test(compares_and_wipes),
        cmocka_unit_test(seals_under_a_passphrase),
        cmocka_unit_test(opens_no_part_of_what_was_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
