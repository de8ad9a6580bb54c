/* signature_verify: self-signed certificates of openssl, good, altered, and beyond us. */
#include "base/der.h"
#include "crypto/crypto.h"
#include "tests/unit/data.h"
#include "x509/x509.h"

static const struct {
    const char *file;
    enum err good; /* ERR_UNSUPPORTED: beyond us, and never "bad" */
} rows[] = {
    {"x509/rsa1024.der",            ERR_OK         }, /* SHA-1 */
    {"x509/rsa-sha224.der",         ERR_OK         },
    {"x509/rsa-sha256.der",         ERR_OK         },
    {"x509/rsa-sha384.der",         ERR_OK         },
    {"x509/rsa-sha512.der",         ERR_OK         },
    {"x509/rsa2047.der",            ERR_OK         },
    {"x509/rsa4096.der",            ERR_OK         },
    {"x509/rsa2041.der",            ERR_OK         }, /* PSS in an encoding one octet shorter */
    {"x509/pss-sha256.der",         ERR_OK         },
    {"x509/pss-sha512-max.der",     ERR_OK         },
    {"x509/pss-mgf.der",            ERR_OK         }, /* SHA-384, MGF1 of SHA-256, no salt */
    {"x509/pss-key.der",            ERR_OK         },
    {"x509/ec-P-256.der",           ERR_OK         },
    {"x509/ec-P-384.der",           ERR_OK         }, /* with SHA-256 */
    {"x509/ec-P-384-sha384.der",    ERR_OK         },
    {"x509/ec-P-521.der",           ERR_OK         },
    {"x509/ed25519.der",            ERR_OK         },
    {"x509/rsa5120.der",            ERR_UNSUPPORTED},
    {"x509/ec-secp256k1.der",       ERR_UNSUPPORTED},
    {"x509/ec-brainpoolP256r1.der", ERR_UNSUPPORTED},
    {"x509/ec-explicit.der",        ERR_UNSUPPORTED},
    {"x509/ed448.der",              ERR_UNSUPPORTED},
};

static void read(const char *file, struct buf *der, struct arena *a, struct x509_cert *cert) {
    struct fault f;
    *der = data_file(file);
    arena_init(a, 1 << 20);
    assert_int_equal(x509_cert_read(a, buf_bytes(der), cert, &f), ERR_OK);
}

static void good_altered_and_unsupported(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf der, other;
        struct arena a;
        struct x509_cert c;
        enum err bad = rows[i].good == ERR_OK ? ERR_CREDENTIALS : ERR_UNSUPPORTED;
        read(rows[i].file, &der, &a, &c);
        if (signature_verify(c.spki, c.algorithm, c.tbs, c.signature) != rows[i].good)
            fail_msg("%s", rows[i].file);
        /* another text */
        assert_int_equal(
            signature_verify(c.spki, c.algorithm, bytes_part(c.tbs, 1, c.tbs.n), c.signature), bad);
        /* each of a few octets of the signature altered, one cut off, one more, none */
        buf_init(&other, 4096);
        for (size_t at = 0; at < c.signature.n; at += c.signature.n / 7) {
            buf_reset(&other);
            buf_put(&other, c.signature);
            other.p[at] ^= 0x04;
            assert_int_equal(signature_verify(c.spki, c.algorithm, c.tbs, buf_bytes(&other)), bad);
        }
        assert_int_equal(signature_verify(c.spki, c.algorithm, c.tbs,
                                          bytes_part(c.signature, 0, c.signature.n - 1)),
                         bad);
        buf_reset(&other);
        buf_put(&other, c.signature);
        buf_u8(&other, 0);
        assert_int_equal(signature_verify(c.spki, c.algorithm, c.tbs, buf_bytes(&other)), bad);
        assert_int_equal(
            signature_verify(c.spki, c.algorithm, c.tbs, bytes_part(c.signature, 0, 0)), bad);
        buf_clear(&other);
        buf_clear(&der);
        arena_clear(&a);
    }
}

/* The key of one under the signature of another: bad, or unsupported, never good. */
static void no_key_fits_another_signature(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        for (size_t k = 0; k < COUNT_OF(rows); k++) {
            struct buf der_i, der_k;
            struct arena a, b;
            struct x509_cert ci, ck;
            if (i == k)
                continue;
            read(rows[i].file, &der_i, &a, &ci);
            read(rows[k].file, &der_k, &b, &ck);
            enum err e = signature_verify(ci.spki, ck.algorithm, ck.tbs, ck.signature);
            assert_true(e == ERR_CREDENTIALS || e == ERR_UNSUPPORTED);
            buf_clear(&der_i);
            buf_clear(&der_k);
            arena_clear(&a);
            arena_clear(&b);
        }
    }
}

static void malformed_keys_are_malformed(void **state) {
    (void)state;
    struct buf der;
    struct arena a;
    struct x509_cert c;
    read("x509/rsa-sha256.der", &der, &a, &c);
    for (size_t n = 0; n < c.spki.n; n++)
        assert_int_equal(
            signature_verify(bytes_part(c.spki, 0, n), c.algorithm, c.tbs, c.signature),
            ERR_FORMAT);
    for (size_t n = 0; n < c.algorithm.n; n++)
        assert_int_equal(
            signature_verify(c.spki, bytes_part(c.algorithm, 0, n), c.tbs, c.signature),
            ERR_FORMAT);
    buf_clear(&der);
    arena_clear(&a);
    read("x509/pss-key.der", &der, &a, &c);
    struct buf changed;
    buf_init(&changed, 4096);
    for (size_t at = 0; at < c.algorithm.n; at++) {
        buf_reset(&changed);
        buf_put(&changed, c.algorithm);
        changed.p[at] ^= 0x01;
        assert_true(signature_verify(c.spki, buf_bytes(&changed), c.tbs, c.signature) != ERR_OK);
    }
    buf_clear(&changed);
    buf_clear(&der);
    arena_clear(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_altered_and_unsupported),
        cmocka_unit_test(no_key_fits_another_signature),
        cmocka_unit_test(malformed_keys_are_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
