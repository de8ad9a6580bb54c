/* x509: post-quantum keys and signatures. The examples of RFC 9881, 9909 and 9935 (what is signed
 * of them), and every algorithm of theirs by its OID and the sizes that FIPS 203 to 205 give. */
#include "tests/unit/data.h"
#include "tests/unit/hex.h"

#include "base/der.h"
#include "x509/x509.h"

enum { ARENA_MAX = 1 << 20, DER_MAX = 1 << 17, SIGNATURE_MAX = 49856 };

/* SEQUENCE { what is signed, the algorithm, a signature that is all zero }. */
static void put_certificate(struct buf *out, struct bytes tbs, struct bytes algorithm,
                            size_t signature_n) {
    static const uint8_t zeros[1 + SIGNATURE_MAX];
    struct buf inner, oid;
    buf_init(&inner, DER_MAX);
    buf_init(&oid, 100);
    buf_put(&inner, tbs);
    der_put(&oid, DER_OID, algorithm);
    der_put(&inner, DER_SEQUENCE, buf_bytes(&oid));
    der_put(&inner, DER_BIT_STRING, bytes_of(zeros, 1 + signature_n));
    der_put(out, DER_SEQUENCE, buf_bytes(&inner));
    assert_int_equal(out->err, ERR_OK);
    buf_clear(&inner);
    buf_clear(&oid);
}

static const struct {
    const char *file, *key, *signature, *subject, *serial, *key_id;
    const char *signature_oid; /* 2.16.840.1.101.3.4.3.17, .17, .20 */
    int64_t not_before, not_after;
    size_t key_n, signature_n;
    unsigned key_usage;
    bool is_ca;
} examples[] = {
    {"x509/pq/ml-dsa-44.tbs",         "ML-DSA-44",         "ML-DSA-44",         "CN=LAMPS WG,O=IETF",
     "159ffe6f22fd5cc42c524df6fd5e28d0de38f34e",                                                                                                  "329a07b1fabb48f52a309f11a1898f848e2322ff",
     "\x60\x86\x48\x01\x65\x03\x04\x03\x11",                                                                                                                                                                                          1580704330, 2211424330, 1312, 2420,
     X509_KU_KEY_CERT_SIGN | X509_KU_CRL_SIGN,                                                                                                                                                                                                                                                                      true },
    {"x509/pq/ml-kem-512.tbs",        "ML-KEM-512",        "ML-DSA-44",         "CN=LAMPS WG,O=IETF",
     "159ffe6f22fd5cc42c524df6fd5e28d0de38f34f",                                                                                                  "0ec592a5971e7e8da078a86e4674f2fb11f6e8d7",
     "\x60\x86\x48\x01\x65\x03\x04\x03\x11",                                                                                                                                                                                          1580704330, 2211424330, 800,  2420,
     X509_KU_KEY_ENCIPHERMENT,                                                                                                                                                                                                                                                                                      false},
    {"x509/pq/slh-dsa-sha2-128s.tbs", "SLH-DSA-SHA2-128s", "SLH-DSA-SHA2-128s",
     "O=Bogus SLH-DSA-SHA2-128s CA,L=Paris,C=FR",                                                     "70fb9641c374539b27cb07bcd2bb4abc8a5d7a25",
     "cd5936aafec411c7a472693f0be8b38b217b19ed",                                                                                                                                              "\x60\x86\x48\x01\x65\x03\x04\x03\x14", 1728305489,
     2043665489,                                                                                                                                                                                                                                              32,   7856, X509_KU_KEY_CERT_SIGN | X509_KU_CRL_SIGN, true },
};

static void reads_the_examples(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT_OF(examples); i++) {
        struct buf tbs = data_file(examples[i].file), der, name;
        struct arena a;
        struct x509_cert cert;
        struct fault f;
        arena_init(&a, ARENA_MAX);
        buf_init(&der, DER_MAX);
        buf_init(&name, 1000);
        put_certificate(&der, buf_bytes(&tbs), bytes_text(examples[i].signature_oid),
                        examples[i].signature_n);
        if (x509_cert_read(&a, buf_bytes(&der), &cert, &f) != ERR_OK)
            fail_msg("%s: %s: %s", examples[i].file, f.what, f.detail);
        assert_int_equal(cert.deviations, 0);
        assert_string_equal(cert.key.algorithm, examples[i].key);
        assert_int_equal(cert.key.public_key.n, examples[i].key_n);
        assert_string_equal(cert.signature_algorithm, examples[i].signature);
        assert_hex(cert.serial.p, cert.serial.n, examples[i].serial);
        assert_hex(cert.subject_key_id.p, cert.subject_key_id.n, examples[i].key_id);
        assert_int_equal(cert.not_before, examples[i].not_before);
        assert_int_equal(cert.not_after, examples[i].not_after);
        assert_int_equal(cert.key_usage, examples[i].key_usage);
        assert_int_equal(cert.is_ca, examples[i].is_ca);
        x509_name_text(cert.subject, &name);
        assert_string_equal(buf_cstr(&name), examples[i].subject);
        /* Nothing here checks such a signature: that is not known, never bad. */
        assert_int_equal(x509_cert_self_signed(&cert), X509_UNKNOWN);
        buf_clear(&tbs);
        buf_clear(&der);
        buf_clear(&name);
        arena_clear(&a);
    }
}

/* The SLH-DSA example with another key in it, which is its value of 50 octets at 212. */
static void read_with_key(struct bytes oid, struct bytes bits, const char *name, bool is_good) {
    enum { KEY_AT = 212, KEY_SIZE = 50 };
    struct buf tbs = data_file("x509/pq/slh-dsa-sha2-128s.tbs"), key, algorithm, inner, der;
    struct bytes content = bytes_part(buf_bytes(&tbs), 4, tbs.n);
    struct arena a;
    struct x509_cert cert;
    struct fault f;
    arena_init(&a, ARENA_MAX);
    buf_init(&key, DER_MAX);
    buf_init(&algorithm, 100);
    buf_init(&inner, DER_MAX);
    buf_init(&der, DER_MAX);
    der_put(&algorithm, DER_OID, oid);
    der_put(&key, DER_SEQUENCE, buf_bytes(&algorithm));
    der_put(&key, DER_BIT_STRING, bits);
    buf_put(&inner, bytes_part(content, 0, KEY_AT - 4));
    der_put(&inner, DER_SEQUENCE, buf_bytes(&key));
    buf_put(&inner, bytes_part(content, KEY_AT - 4 + KEY_SIZE, content.n));
    buf_reset(&key);
    der_put(&key, DER_SEQUENCE, buf_bytes(&inner));
    put_certificate(&der, buf_bytes(&key), bytes_text(examples[2].signature_oid), 7856);
    assert_int_equal(x509_cert_read(&a, buf_bytes(&der), &cert, &f), ERR_OK);
    assert_string_equal(cert.key.algorithm, name);
    assert_int_equal(cert.deviations, is_good ? 0 : X509_DEV_KEY_UNREADABLE);
    buf_clear(&tbs);
    buf_clear(&key);
    buf_clear(&algorithm);
    buf_clear(&inner);
    buf_clear(&der);
    arena_clear(&a);
}

/* The sizes are those of FIPS 203, 204 and 205; a key of another one is flagged. */
static void knows_each_size(void **state) {
    static const struct {
        uint8_t last; /* of 2.16.840.1.101.3.4.3, or of 2.16.840.1.101.3.4.4 where is_kem */
        bool is_kem;
        const char *name;
        size_t octets;
    } rows[] = {
        {17, false, "ML-DSA-44",          1312},
        {18, false, "ML-DSA-65",          1952},
        {19, false, "ML-DSA-87",          2592},
        {20, false, "SLH-DSA-SHA2-128s",  32  },
        {21, false, "SLH-DSA-SHA2-128f",  32  },
        {22, false, "SLH-DSA-SHA2-192s",  48  },
        {23, false, "SLH-DSA-SHA2-192f",  48  },
        {24, false, "SLH-DSA-SHA2-256s",  64  },
        {25, false, "SLH-DSA-SHA2-256f",  64  },
        {26, false, "SLH-DSA-SHAKE-128s", 32  },
        {27, false, "SLH-DSA-SHAKE-128f", 32  },
        {28, false, "SLH-DSA-SHAKE-192s", 48  },
        {29, false, "SLH-DSA-SHAKE-192f", 48  },
        {30, false, "SLH-DSA-SHAKE-256s", 64  },
        {31, false, "SLH-DSA-SHAKE-256f", 64  },
        {1,  true,  "ML-KEM-512",         800 },
        {2,  true,  "ML-KEM-768",         1184},
        {3,  true,  "ML-KEM-1024",        1568},
    };
    static const uint8_t zeros[1 + 4096];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        for (size_t more = 0; more < 2; more++) {
            uint8_t oid[9] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, rows[i].last};
            oid[7] = rows[i].is_kem ? 0x04 : 0x03;
            read_with_key(bytes_of(oid, sizeof oid), bytes_of(zeros, 1 + rows[i].octets + more),
                          rows[i].name, more == 0);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_examples),
        cmocka_unit_test(knows_each_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
