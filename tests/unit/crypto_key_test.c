/* Signing keys: made, written, read back, and those that openssl wrote. */
#include "base/der.h"
#include "base/oid.h"
#include "base/os.h"
#include "crypto/crypto.h"
#include "tests/unit/data.h"

static void put_algorithm(struct buf *out, enum key_kind kind) {
    size_t mark = der_begin(out, DER_SEQUENCE);
    oid_put(out, kind == KEY_RSA ? OID_RSA_SHA256 : OID_ECDSA_SHA256);
    der_close(out, mark);
}

/* Signs, and checks with the public key: good over the text, bad over another. */
static void assert_signs(const struct env *env, const struct signing_key *key) {
    struct buf spki, algorithm, signature;
    buf_init(&spki, 4096);
    buf_init(&algorithm, 64);
    buf_init(&signature, 4096);
    signing_key_spki(key, &spki);
    put_algorithm(&algorithm, signing_key_kind(key));
    assert_int_equal(signing_key_sign(env, key, bytes_text("text"), &signature), ERR_OK);
    assert_int_equal(signature_verify(buf_bytes(&spki), buf_bytes(&algorithm), bytes_text("text"),
                                      buf_bytes(&signature)),
                     ERR_OK);
    assert_int_equal(signature_verify(buf_bytes(&spki), buf_bytes(&algorithm), bytes_text("texT"),
                                      buf_bytes(&signature)),
                     ERR_CREDENTIALS);
    buf_clear(&spki);
    buf_clear(&algorithm);
    buf_clear(&signature);
}

static void made_written_and_read(void **state) {
    (void)state;
    static const struct {
        enum key_kind kind;
        unsigned bits;
    } rows[] = {
        {KEY_EC_P256, 0   },
        {KEY_RSA,     1024},
        {KEY_RSA,     2048}
    };
    struct env env = env_system(NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct signing_key *key = NULL, *again = NULL;
        struct buf first, second;
        struct fault f;
        buf_init(&first, 8192);
        buf_init(&second, 8192);
        assert_int_equal(signing_key_make(&env, rows[i].kind, rows[i].bits, &key, &f), ERR_OK);
        assert_signs(&env, key);
        signing_key_write(key, &first);
        assert_int_equal(signing_key_read(buf_bytes(&first), &again, &f), ERR_OK);
        assert_int_equal(signing_key_kind(again), rows[i].kind);
        signing_key_write(again, &second);
        assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&second)));
        assert_signs(&env, again);
        signing_key_close(key);
        signing_key_close(again);
        buf_clear(&first);
        buf_clear(&second);
    }
}

static void reads_the_forms_of_openssl(void **state) {
    (void)state;
    static const struct {
        const char *file;
        enum err err;
    } rows[] = {
        {"keys/rsa-pkcs1.der",     ERR_OK         },
        {"keys/rsa-pkcs8.der",     ERR_OK         },
        {"keys/ec-sec1.der",       ERR_OK         },
        {"keys/ec-pkcs8.der",      ERR_OK         },
        {"keys/ec-p384-pkcs8.der", ERR_UNSUPPORTED},
        {"keys/ed25519-pkcs8.der", ERR_UNSUPPORTED},
        {"x509/ec-P-256.der",      ERR_FORMAT     },
    };
    struct env env = env_system(NULL);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct signing_key *key;
        struct fault f;
        struct buf der = data_file(rows[i].file),
                   pkcs8 = data_file(i < 2 ? "keys/rsa-pkcs8.der" : "keys/ec-pkcs8.der");
        assert_int_equal(signing_key_read(buf_bytes(&der), &key, &f), rows[i].err);
        if (key != NULL) {
            struct buf written;
            buf_init(&written, 8192);
            signing_key_write(key, &written);
            assert_true(
                bytes_equal(buf_bytes(&written), buf_bytes(&pkcs8))); /* as openssl has it */
            assert_signs(&env, key);
            buf_clear(&written);
        }
        signing_key_close(key);
        buf_clear(&der);
        buf_clear(&pkcs8);
    }
}

static void refuses_cut_and_changed_keys(void **state) {
    (void)state;
    static const char *const files[] = {"keys/ec-sec1.der", "keys/ec-pkcs8.der",
                                        "keys/rsa-pkcs1.der"};
    struct signing_key *key;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct buf der = data_file(files[i]);
        for (size_t n = 0; n < der.n; n++) {
            assert_int_equal(signing_key_read(bytes_part(buf_bytes(&der), 0, n), &key, NULL),
                             ERR_FORMAT);
            assert_null(key);
        }
        for (size_t at = 0; at < der.n; at += i < 2 ? 1 : 37) {
            der.p[at] ^= 0x10;
            if (signing_key_read(buf_bytes(&der), &key, NULL) == ERR_OK)
                signing_key_close(key); /* what is not part of the key may change */
            der.p[at] ^= 0x10;
        }
        buf_clear(&der);
    }
    /* a scalar that does not belong to the public key beside it; a wrong prime */
    struct buf der = data_file("keys/ec-sec1.der");
    der.p[20] ^= 1;
    assert_int_equal(signing_key_read(buf_bytes(&der), &key, NULL), ERR_FORMAT);
    buf_clear(&der);
    der = data_file("keys/rsa-pkcs1.der");
    der.p[der.n - 200] ^= 1;
    assert_int_equal(signing_key_read(buf_bytes(&der), &key, NULL), ERR_FORMAT);
    buf_clear(&der);
}

static void raw_signatures(void **state) {
    (void)state;
    struct buf der = data_file("keys/ec-pkcs8.der"), rsa = data_file("keys/rsa-pkcs8.der"), spki;
    struct signing_key *key, *rsa_key;
    uint8_t signature[SIGNATURE_RAW_SIZE], again[SIGNATURE_RAW_SIZE];
    buf_init(&spki, 4096);
    assert_int_equal(signing_key_read(buf_bytes(&der), &key, NULL), ERR_OK);
    signing_key_spki(key, &spki);
    assert_true(signing_key_sign_raw(key, bytes_text("text"), signature));
    assert_true(signing_key_sign_raw(key, bytes_text("text"), again));
    assert_memory_equal(signature, again, sizeof signature); /* RFC 6979 */
    struct bytes b = bytes_of(signature, sizeof signature);
    assert_true(signature_raw_verify(buf_bytes(&spki), bytes_text("text"), b));
    assert_false(signature_raw_verify(buf_bytes(&spki), bytes_text("other"), b));
    assert_false(signature_raw_verify(buf_bytes(&spki), bytes_text("text"), bytes_part(b, 0, 63)));
    assert_false(signature_raw_verify(bytes_part(buf_bytes(&spki), 0, 40), bytes_text("text"), b));
    for (size_t i = 0; i < sizeof signature; i += 9) {
        signature[i] ^= 1;
        assert_false(signature_raw_verify(buf_bytes(&spki), bytes_text("text"), b));
        signature[i] ^= 1;
    }
    assert_int_equal(signing_key_read(buf_bytes(&rsa), &rsa_key, NULL), ERR_OK);
    assert_false(signing_key_sign_raw(rsa_key, bytes_text("text"), again));
    buf_reset(&spki);
    signing_key_spki(rsa_key, &spki);
    assert_false(signature_raw_verify(buf_bytes(&spki), bytes_text("text"), b));
    signing_key_close(key);
    signing_key_close(rsa_key);
    buf_clear(&der);
    buf_clear(&rsa);
    buf_clear(&spki);
}

static bool no_random(void *context, uint8_t *out, size_t n) {
    (void)context;
    (void)out;
    (void)n;
    return false;
}

static void says_why_none_is_made(void **state) {
    (void)state;
    struct env env = env_system(NULL);
    struct signing_key *key;
    struct fault f;
    assert_int_equal(signing_key_make(&env, KEY_RSA, 512, &key, &f), ERR_UNSUPPORTED);
    assert_int_equal(signing_key_make(&env, KEY_RSA, 8192, &key, &f), ERR_UNSUPPORTED);
    env.random = no_random;
    assert_int_equal(signing_key_make(&env, KEY_EC_P256, 0, &key, &f), ERR_FAILED);
    assert_string_equal(f.what, "random source");
    signing_key_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_written_and_read),
        cmocka_unit_test(reads_the_forms_of_openssl),
        cmocka_unit_test(refuses_cut_and_changed_keys),
        cmocka_unit_test(raw_signatures),
        cmocka_unit_test(says_why_none_is_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
