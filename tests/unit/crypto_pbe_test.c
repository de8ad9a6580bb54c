/* crypto/pbe: PBKDF2 by RFC 6070 and Python's hashlib, RFC 7292's derivation by `openssl kdf
 * PKCS12KDF`, and what is written is read. Whole files: x509_container_test. */
#include "base/ber.h"
#include "crypto/pbe.h"
#include "tests/unit/hex.h"

#include <string.h>

/* clang-format off */
static const struct {
    enum hash hash;
    const char *password, *salt;
    uint64_t rounds;
    const char *out;
} pbkdf2[] = {
    {HASH_SHA1, "password", "salt", 1, "0c60c80f961f0e71f3a9b524af6012062fe037a6"},
    {HASH_SHA1, "password", "salt", 2, "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
    {HASH_SHA1, "password", "salt", 4096, "4b007901b765489abead49d926f721d065a429c1"},
    {HASH_SHA1, "passwordPASSWORDpassword", "saltSALTsaltSALTsaltSALTsaltSALTsalt", 4096,
     "3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038"},
    {HASH_SHA224, "password", "salt", 2, "93200ffa96c5776d38fa10abdf8f5bfc0054b9718513df472d2331d2d1e66a3f97b510224f700ce7"},
    {HASH_SHA256, "", "salt", 3, "5ddf839afa2d5fb4be56e1a0f48917617559bef61ec122bfca1c7f75ac8f401d"},
    {HASH_SHA512, "password", "salt", 2, "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53c"
     "f76cab2868a39b9f7840edce4fef5a82be67335c77a6068e04112754f27ccf4e"},
};

static const struct {
    enum pbe_use use;
    enum hash hash;
    const char *bmp, *salt;
    uint64_t rounds;
    const char *out;
} pkcs12[] = {
    {PBE_USE_KEY, HASH_SHA1, "0073006d006500670000", "0a58cf64530d823f", 1, "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3"},
    {PBE_USE_IV, HASH_SHA1, "0073006d006500670000", "0a58cf64530d823f", 1, "79993dfe048d3b76"},
    {PBE_USE_KEY, HASH_SHA1, "0073006d006500670000", "642b99ab44fb4b1f", 1, "f3a95fec48d7711e985cfe67908c5ab79fa3d7c5caa5d966"},
    {PBE_USE_MAC, HASH_SHA1, "0073006d006500670000", "3d83c0e4546ac140", 1, "8d967d88f6caa9d714800ab3d48051d63f73a312"},
    {PBE_USE_KEY, HASH_SHA1, "0071007500650065006e0000", "05dec959acff72f7", 1000, "109122e278bee84439c4f0522eb96d50d5d7c4f8d1383b2d"},
    {PBE_USE_MAC, HASH_SHA256, "0071007500650065006e0000", "05dec959acff72f7", 1000,
     "858e20dd30e0896ebd8fa0cb2301ea57974fe3bfa829d025726d8e86836500ff"},
    {PBE_USE_MAC, HASH_SHA512, "0000", "0102030405060708090a0b0c0d0e0f10", 100,
     "b266ac41de99643a04ef6594221372d0fc4dd83e80b74eefaf153429c320a354de1e564b46de62f3f48b1c6db1886730dd4ebc18a5fbf404b22d62ed87f96617"},
    {PBE_USE_KEY, HASH_SHA384, "0071007500650065006e0000", "05dec959acff72f7", 3,
     "eb053d91b410efb50e05a7496be8600666f686a2b9fc99e29fd023bc4f0f9e95c04fde28ac5073f5029400a815d634f4"
     "088d63f0983fa74faccf590e05f8d64d046c4547753dbb465be0e87c0c5ddbbc1fd0d0d2e514ea029c6462f0c5f329692451411f"},
};

static const struct {
    const char *text, *bmp;
} passwords[] = {
    {"", "0000"},
    {"smeg", "0073006d006500670000"},
    {"\xc3\xa4\xe2\x82\xac", "00e420ac0000"},           /* UTF-8 */
    {"\xf0\x9f\x94\x91", "d83ddd110000"},               /* beyond 16 bits: two units */
    {"\xe4", "00e40000"},                               /* no UTF-8: Latin-1 */
};

/* What is no encryption that is known, or none at all. */
static const struct {
    const char *algorithm;
    enum err e;
} refused[] = {
    {"", ERR_FORMAT},
    {"0601", ERR_FORMAT},
    {"060a 2a864886f70d010c0101 300d 04080000000000000000 020101", ERR_UNSUPPORTED},     /* RC4 */
    {"060a 2a864886f70d010c0103 300d 04080000000000000000 020100", ERR_FORMAT},          /* no rounds */
    {"060a 2a864886f70d010c0103 3012 04080000000000000000 0206010000000000", ERR_FORMAT}, /* too many */
    {"060a 2a864886f70d010c0103 300c 04080000000000000000", ERR_FORMAT},
    {"060a 2a864886f70d010c0103", ERR_FORMAT},
    {"0609 2a864886f70d01050d 3002 3000", ERR_FORMAT},
};
/* clang-format on */

static void derives_keys(void **state) {
    (void)state;
    uint8_t out[128], salt[64], bmp[64];
    for (size_t i = 0; i < COUNT_OF(pbkdf2); i++) {
        size_t n = strlen(pbkdf2[i].out) / 2;
        pbe_pbkdf2(pbkdf2[i].hash, bytes_text(pbkdf2[i].password), bytes_text(pbkdf2[i].salt),
                   pbkdf2[i].rounds, out, n);
        assert_hex(out, n, pbkdf2[i].out);
    }
    for (size_t i = 0; i < COUNT_OF(pkcs12); i++) {
        size_t n = strlen(pkcs12[i].out) / 2;
        pbe_pkcs12(pkcs12[i].hash, unhex(pkcs12[i].bmp, bmp, sizeof bmp),
                   unhex(pkcs12[i].salt, salt, sizeof salt), pkcs12[i].use, pkcs12[i].rounds, out,
                   n);
        assert_hex(out, n, pkcs12[i].out);
    }
}

static void writes_passwords_as_utf16(void **state) {
    (void)state;
    struct pbe_password p;
    for (size_t i = 0; i < COUNT_OF(passwords); i++) {
        assert_true(pbe_password_make(bytes_text(passwords[i].text), &p));
        assert_hex(p.bmp, p.bmp_n, passwords[i].bmp);
    }
    uint8_t longest[PBE_PASSWORD_MAX + 1];
    memset(longest, 'a', sizeof longest);
    assert_true(pbe_password_make(bytes_of(longest, PBE_PASSWORD_MAX), &p));
    assert_int_equal(p.bmp_n, PBE_BMP_MAX);
    assert_false(pbe_password_make(bytes_of(longest, sizeof longest), &p));
}

static void refuses_what_is_unknown(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        uint8_t octets[128];
        struct pbe p;
        struct fault f;
        assert_int_equal(pbe_read(unhex(refused[i].algorithm, octets, sizeof octets), &p, &f),
                         refused[i].e);
    }
}

static bool counted(void *context, uint8_t *out, size_t n) {
    uint8_t *next = context;
    for (size_t i = 0; i < n; i++)
        out[i] = (*next)++;
    return true;
}

static void reads_what_it_writes(void **state) {
    (void)state;
    uint8_t next = 0, plain[50];
    const struct env env = {.random = counted, .context = &next};
    struct pbe_password password, wrong;
    assert_true(pbe_password_make(bytes_text("right"), &password));
    assert_true(pbe_password_make(bytes_text("wrong"), &wrong));
    memset(plain, 7, sizeof plain);
    for (size_t n = 15; n <= 17; n++) {
        struct buf algorithm, data;
        struct pbe p;
        buf_init(&algorithm, 256);
        buf_init(&data, 256);
        struct bytes in = bytes_of(plain, n);
        assert_int_equal(pbe_encrypt(&env, &password, in, &algorithm, &data), ERR_OK);
        struct cur c = cur_open(buf_bytes(&algorithm));
        struct bytes content = ber_take(&c, DER_SEQUENCE);
        assert_true(cur_end(&c));
        assert_int_equal(pbe_read(content, &p, NULL), ERR_OK);
        assert_true(pbe_cost(&p) == 2 * PBE_ROUNDS);
        struct buf copy;
        buf_init(&copy, 256);
        buf_put(&copy, buf_bytes(&data));
        assert_false(pbe_decrypt(&p, &wrong, &copy) && bytes_equal(buf_bytes(&copy), in));
        assert_true(pbe_decrypt(&p, &password, &data));
        assert_true(bytes_equal(buf_bytes(&data), in));
        for (size_t cut = 0; cut < content.n; cut++)
            assert_int_not_equal(pbe_read(bytes_part(content, 0, cut), &p, NULL), ERR_OK);
        buf_clear(&algorithm);
        buf_clear(&data);
        buf_clear(&copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(derives_keys),
        cmocka_unit_test(writes_passwords_as_utf16),
        cmocka_unit_test(refuses_what_is_unknown),
        cmocka_unit_test(reads_what_it_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
