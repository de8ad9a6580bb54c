/* x509_request_read and x509_request_write: requests that openssl made, those of our own,
 * attributes in odd numbers, limits, and every cut and change of one. */
#include "base/der.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "tests/unit/data.h"
#include "x509/x509.h"

#include <stdlib.h>

enum { ARENA_MAX = 1 << 22, BUF_MAX = 1 << 22 };

struct fixture {
    struct buf file;
    struct arena arena;
    struct x509_request request;
};

static void fixture_open(struct fixture *x, const char *name) {
    char path[128];
    struct fault f = {0};
    snprintf(path, sizeof path, "requests/%s.der", name);
    x->file = data_file(path);
    arena_init(&x->arena, ARENA_MAX);
    if (x509_request_read(&x->arena, buf_bytes(&x->file), &x->request, &f) != ERR_OK)
        fail_msg("%s: %s: %s", name, f.what, f.detail);
}

static void fixture_close(struct fixture *x) {
    buf_clear(&x->file);
    arena_clear(&x->arena);
}

static void assert_name(struct bytes name, const char *text) {
    struct buf b;
    buf_init(&b, 4096);
    x509_name_text(name, &b);
    assert_text(buf_bytes(&b), text);
    buf_clear(&b);
}

/* Against `openssl req -text`. */
static void reads_every_field(void **state) {
    (void)state;
    struct fixture x;
    fixture_open(&x, "everything");
    const struct x509_cert *c = &x.request.asked;
    assert_int_equal(c->version, 1);
    assert_name(c->subject, "CN=www.example.test,OU=\\#first,O=Gr\xc3\xb6\xc3\x9f"
                            "e\\, Inc.,C=DE");
    assert_int_equal(x509_name_count(c->subject, OID_COMMON_NAME), 1);
    assert_int_equal(x509_name_count(c->subject, OID_OTHER), 4);
    assert_string_equal(c->key.algorithm, "EC");
    assert_string_equal(c->key.curve, "P-256");
    assert_string_equal(c->signature_algorithm, "ecdsa-with-SHA256");
    assert_true(c->has_basic_constraints);
    assert_false(c->is_ca);
    assert_true(c->has_key_usage);
    assert_int_equal(c->key_usage, X509_KU_DIGITAL_SIGNATURE | X509_KU_NON_REPUDIATION |
                                       X509_KU_KEY_ENCIPHERMENT);
    assert_int_equal(c->extended_key_usage_n, 3);
    assert_string_equal(c->extended_key_usage[1], "clientAuth");
    assert_string_equal(c->extended_key_usage[2], "1.3.6.1.4.1.99999.2");
    assert_int_equal(c->alt.dns.n, 2);
    assert_text(c->alt.dns.items[1], "*.example.test");
    assert_int_equal(c->alt.ip.n, 2);
    assert_int_equal(c->alt.ip.items[1].n, 16);
    assert_text(c->alt.email.items[0], "a@example.test");
    assert_text(c->alt.uri.items[0], "https://example.test/");
    assert_name(c->alt.directory.items[0], "CN=Directory Name,C=DE");
    assert_int_equal(c->alt.other.n, 2);
    assert_int_equal(c->extensions_n, 7);
    assert_string_equal(c->extensions[4].name, "tlsFeature");
    assert_string_equal(c->extensions[5].name, "1.3.6.1.4.1.99999.3");
    assert_false(c->extensions[5].critical);
    assert_string_equal(c->extensions[6].name, "1.3.6.1.4.1.99999.4");
    assert_true(c->extensions[6].critical);
    assert_int_equal(x.request.attributes_n, 3);
    const char *const names[] = {"unstructuredName", "challengePassword", "extensionRequest"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_string_equal(x.request.attributes[i], names[i]);
    assert_int_equal(c->deviations, 0);
    assert_int_equal(x509_request_verify(&x.request), ERR_OK);
    fixture_close(&x);
}

static void knows_the_keys(void **state) {
    (void)state;
    static const struct {
        const char *file, *key;
        unsigned bits;
        const char *signature;
        enum err proof;
    } rows[] = {
        {"ec-p256",      "EC",      256,  "ecdsa-with-SHA256",       ERR_OK         },
        {"ec-p384",      "EC",      384,  "ecdsa-with-SHA256",       ERR_OK         },
        {"ec-p521",      "EC",      521,  "ecdsa-with-SHA256",       ERR_OK         },
        {"ec-secp256k1", "EC",      256,  "ecdsa-with-SHA256",       ERR_UNSUPPORTED},
        {"rsa-2048",     "RSA",     2048, "sha256WithRSAEncryption", ERR_OK         },
        {"rsa-3072",     "RSA",     3072, "sha256WithRSAEncryption", ERR_OK         },
        {"ed25519",      "Ed25519", 256,  "Ed25519",                 ERR_OK         },
        {"pss",          "RSA",     2048, "RSASSA-PSS",              ERR_OK         },
        {"sha1",         "RSA",     2048, "sha1WithRSAEncryption",   ERR_OK         },
        {"bare",         "EC",      256,  "ecdsa-with-SHA256",       ERR_OK         },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture x;
        fixture_open(&x, rows[i].file);
        assert_string_equal(x.request.asked.key.algorithm, rows[i].key);
        assert_int_equal(x.request.asked.key.bits, rows[i].bits);
        assert_string_equal(x.request.asked.signature_algorithm, rows[i].signature);
        assert_int_equal(x509_request_verify(&x.request), rows[i].proof);
        fixture_close(&x);
    }
}

/* ---- Requests put together by hand: the reader does not look at the signature ---- */

static const uint8_t p256_spki[] = "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08"
                                   "\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04";
enum { SPKI_HEAD = sizeof p256_spki - 1, POINT_REST = 64 };

static void put_attribute(struct buf *b, const char *oid, struct bytes value) {
    size_t mark = der_begin(b, DER_SEQUENCE);
    der_put(b, DER_OID, bytes_text(oid));
    der_put(b, DER_SET, value);
    der_close(b, mark);
}

static const char pkcs9[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e",
                  microsoft[] = "\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x0e",
                  challenge[] = "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07";

/* attributes: content of the [0]; NULL: no [0] at all. */
static void put_request(struct buf *out, uint64_t version, const struct buf *attributes) {
    size_t whole = der_begin(out, DER_SEQUENCE), info = der_begin(out, DER_SEQUENCE);
    der_put_u64(out, version);
    der_put(out, DER_SEQUENCE, bytes_text(""));
    buf_put(out, bytes_of(p256_spki, SPKI_HEAD));
    buf_fill(out, 1, POINT_REST);
    if (attributes != NULL)
        der_put(out, DER_CONTEXT_CONS | 0, buf_bytes(attributes));
    der_close(out, info);
    size_t algorithm = der_begin(out, DER_SEQUENCE);
    oid_put(out, OID_ECDSA_SHA256);
    der_close(out, algorithm);
    der_put_bits(out, bytes_text("signature"));
    der_close(out, whole);
}

static enum err read_made(const struct buf *der, struct x509_request *out, struct arena *a,
                          struct fault *f) {
    *f = (struct fault){0};
    arena_init(a, ARENA_MAX);
    return x509_request_read(a, buf_bytes(der), out, f);
}

static void put_names(struct buf *extensions, int n) {
    size_t list = der_begin(extensions, DER_SEQUENCE), one = der_begin(extensions, DER_SEQUENCE);
    oid_put(extensions, OID_SUBJECT_ALT_NAME);
    size_t octets = der_begin(extensions, DER_OCTET_STRING);
    size_t names = der_begin(extensions, DER_SEQUENCE);
    for (int i = 0; i < n; i++)
        der_put(extensions, DER_CONTEXT | 2, bytes_text("a.example.test"));
    der_close(extensions, names);
    der_close(extensions, octets);
    der_close(extensions, one);
    der_close(extensions, list);
}

static void attributes_are_read_wherever_they_stand(void **state) {
    (void)state;
    static const struct {
        const char *oids[3];
        enum err e;
        size_t names;
        unsigned deviations;
        const char *what;
    } rows[] = {
        {{NULL},                            ERR_OK,     0, 0,                        NULL        },
        {{pkcs9},                           ERR_OK,     2, 0,                        NULL        },
        {{microsoft},                       ERR_OK,     2, 0,                        NULL        },
        {{challenge, pkcs9},                ERR_OK,     2, 0,                        NULL        },
        {{challenge, challenge, microsoft}, ERR_OK,     2, X509_DEV_ATTRIBUTE_TWICE, NULL        },
        {{pkcs9, pkcs9},                    ERR_FORMAT, 0, 0,                        "attributes"},
        {{microsoft, pkcs9},                ERR_FORMAT, 0, 0,                        "attributes"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf attributes, extensions, der;
        struct x509_request r;
        struct arena a;
        struct fault f;
        buf_init(&attributes, BUF_MAX);
        buf_init(&extensions, BUF_MAX);
        buf_init(&der, BUF_MAX);
        put_names(&extensions, 2);
        for (size_t k = 0; k < COUNT_OF(rows[i].oids) && rows[i].oids[k] != NULL; k++)
            put_attribute(&attributes, rows[i].oids[k], buf_bytes(&extensions));
        put_request(&der, 0, &attributes);
        assert_int_equal(read_made(&der, &r, &a, &f), rows[i].e);
        assert_int_equal(r.asked.alt.dns.n,
                         rows[i].e == ERR_OK ? rows[i].names : r.asked.alt.dns.n);
        assert_int_equal(r.asked.deviations, rows[i].deviations);
        if (rows[i].what != NULL)
            assert_string_equal(f.what, rows[i].what);
        arena_clear(&a);
        buf_clear(&attributes);
        buf_clear(&extensions);
        buf_clear(&der);
    }
}

static void odd_ones_are_named(void **state) {
    (void)state;
    struct buf der, none;
    struct x509_request r;
    struct arena a;
    struct fault f;
    buf_init(&der, BUF_MAX);
    buf_init(&none, 16);
    put_request(&der, 0, NULL);
    assert_int_equal(read_made(&der, &r, &a, &f), ERR_OK);
    assert_int_equal(r.asked.deviations, X509_DEV_ATTRIBUTES_MISSING);
    arena_clear(&a);
    buf_reset(&der);
    put_request(&der, 2, &none);
    assert_int_equal(read_made(&der, &r, &a, &f), ERR_OK);
    assert_int_equal(r.asked.deviations, X509_DEV_VERSION);
    assert_int_equal(r.asked.version, 3);
    /* The point is on no curve: the proof fails, nothing else. */
    assert_int_equal(x509_request_verify(&r), ERR_CREDENTIALS);
    arena_clear(&a);
    buf_clear(&der);
}

static void limits_are_named(void **state) {
    (void)state;
    static const struct {
        int names, attributes;
        enum err e;
        const char *what, *detail;
    } rows[] = {
        {1000,  0,  ERR_OK,    NULL,             NULL            },
        {1001,  0,  ERR_LIMIT, "subjectAltName", "more than 1000"},
        {10000, 0,  ERR_LIMIT, "subjectAltName", "more than 1000"},
        {1,     63, ERR_OK,    NULL,             NULL            },
        {1,     64, ERR_LIMIT, "attributes",     "more than 64"  },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf attributes, extensions, der;
        struct x509_request r;
        struct arena a;
        struct fault f;
        buf_init(&attributes, BUF_MAX);
        buf_init(&extensions, BUF_MAX);
        buf_init(&der, BUF_MAX);
        put_names(&extensions, rows[i].names);
        put_attribute(&attributes, pkcs9, buf_bytes(&extensions));
        for (int k = 0; k < rows[i].attributes; k++)
            put_attribute(&attributes, challenge, bytes_text(""));
        put_request(&der, 0, &attributes);
        assert_int_equal(read_made(&der, &r, &a, &f), rows[i].e);
        if (rows[i].e != ERR_OK) {
            assert_string_equal(f.what, rows[i].what);
            assert_string_equal(f.detail, rows[i].detail);
        }
        arena_clear(&a);
        buf_clear(&attributes);
        buf_clear(&extensions);
        buf_clear(&der);
    }
}

/* ---- Cuts and changes ---- */

static void touch(const struct x509_request *r) {
    struct buf b;
    buf_init(&b, BUF_MAX);
    x509_name_text(r->asked.subject, &b);
    x509_cert_display_name(&r->asked, &b);
    for (size_t i = 0; i < r->asked.alt.dns.n; i++)
        text_escape(&b, r->asked.alt.dns.items[i]);
    for (size_t i = 0; i < r->asked.extensions_n; i++)
        hex_put(&b, r->asked.extensions[i].value);
    for (size_t i = 0; i < r->attributes_n; i++)
        buf_text(&b, r->attributes[i]);
    buf_clear(&b);
}

/* From a block of its own exact size: one byte too far is seen. */
static enum err read_copy(const uint8_t *p, size_t n) {
    struct arena a;
    struct x509_request r;
    struct fault f = {0};
    uint8_t *exact = malloc(n > 0 ? n : 1);
    assert_non_null(exact);
    memcpy(exact, p, n);
    arena_init(&a, ARENA_MAX);
    enum err e = x509_request_read(&a, bytes_of(exact, n), &r, &f);
    if (e == ERR_OK)
        touch(&r);
    else
        assert_non_null(f.what);
    arena_clear(&a);
    free(exact);
    return e;
}

static void every_prefix_fails(void **state) {
    (void)state;
    static const char *const files[] = {"everything", "bare", "rsa-2048"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct fixture x;
        fixture_open(&x, files[i]);
        for (size_t n = 0; n < x.file.n; n++)
            assert_int_equal(read_copy(x.file.p, n), ERR_FORMAT);
        assert_int_equal(read_copy(x.file.p, x.file.n), ERR_OK);
        buf_u8(&x.file, 0);
        assert_int_equal(read_copy(x.file.p, x.file.n), ERR_FORMAT);
        fixture_close(&x);
    }
}

static void every_change_ends(void **state) {
    (void)state;
    static const uint8_t flips[] = {0x01, 0x20, 0x80, 0xff};
    struct fixture x;
    size_t read = 0;
    fixture_open(&x, "everything");
    for (size_t i = 0; i < x.file.n; i++) {
        for (size_t k = 0; k < COUNT_OF(flips); k++) {
            x.file.p[i] ^= flips[k];
            read += read_copy(x.file.p, x.file.n) == ERR_OK;
            x.file.p[i] ^= flips[k];
        }
    }
    assert_true(read > x.file.n); /* most octets are content */
    fixture_close(&x);
}

/* Any octet of what is signed: the proof is gone. */
static void a_changed_request_proves_nothing(void **state) {
    (void)state;
    struct fixture x;
    fixture_open(&x, "ec-p256");
    size_t from = bytes_find(buf_bytes(&x.file), bytes_text("ec-p256.example.test"));
    for (size_t i = 0; i < 20; i++) {
        struct x509_request r;
        struct arena a;
        x.file.p[from + i] ^= 1;
        arena_init(&a, ARENA_MAX);
        assert_int_equal(x509_request_read(&a, buf_bytes(&x.file), &r, NULL), ERR_OK);
        assert_int_equal(x509_request_verify(&r), ERR_CREDENTIALS);
        x.file.p[from + i] ^= 1;
        arena_clear(&a);
    }
    assert_int_equal(x509_request_verify(&x.request), ERR_OK);
    fixture_close(&x);
}

static void a_small_arena_is_an_error(void **state) {
    (void)state;
    struct buf file = data_file("requests/everything.der");
    size_t failed = 0;
    for (size_t max = 0; max < 2048; max += 8) {
        struct arena a;
        struct x509_request r;
        struct fault f = {0};
        arena_init(&a, max);
        enum err e = x509_request_read(&a, buf_bytes(&file), &r, &f);
        assert_true(e == ERR_OK || (e == ERR_LIMIT && f.what != NULL));
        failed += e != ERR_OK;
        arena_clear(&a);
    }
    assert_true(failed > 10 && failed < 256);
    buf_clear(&file);
}

/* ---- Writing ---- */

static void what_is_written_is_read(void **state) {
    (void)state;
    static const uint8_t v4[] = {192, 0, 2, 1}, v6[16] = {0x20, 1, [15] = 1};
    static const enum oid usage[] = {OID_CLIENT_AUTH, OID_SERVER_AUTH};
    static const struct {
        enum key_kind kind;
        unsigned bits;
    } rows[] = {
        {KEY_EC_P256, 0   },
        {KEY_RSA,     2048},
    };
    struct env env = env_system(NULL);
    struct bytes dns[] = {bytes_text("a.example.test"), bytes_text("*.b.example.test")};
    struct bytes ip[] = {bytes_of(v4, 4), bytes_of(v6, 16)};
    struct bytes email = bytes_text("x@example.test"), uri = bytes_text("spiffe://example.test/x");
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct x509_attribute cn = {OID_COMMON_NAME, "a.example.test"};
        struct signing_key *key;
        struct buf subject, der, spki;
        struct x509_request r;
        struct arena a;
        struct fault f;
        buf_init(&subject, 256);
        buf_init(&der, 8192);
        buf_init(&spki, 8192);
        x509_name_write(&subject, &cn, 1);
        assert_int_equal(signing_key_make(&env, rows[i].kind, rows[i].bits, &key, &f), ERR_OK);
        signing_key_spki(key, &spki);
        struct x509_template t = {
            .subject = buf_bytes(&subject),
            .key_usage = X509_KU_DIGITAL_SIGNATURE | X509_KU_DECIPHER_ONLY,
            .extended_key_usage = usage,
            .extended_key_usage_n = 2,
            .dns = {dns,    2},
            .ip = {ip,     2},
            .email = {&email, 1},
            .uri = {&uri,   1},
        };
        assert_int_equal(x509_request_write(&env, &t, key, &der, &f), ERR_OK);
        assert_int_equal(read_made(&der, &r, &a, &f), ERR_OK);
        const struct x509_cert *c = &r.asked;
        assert_int_equal(c->deviations, 0);
        assert_true(bytes_equal(c->subject, t.subject));
        assert_true(bytes_equal(c->spki, buf_bytes(&spki)));
        assert_int_equal(c->key_usage, t.key_usage);
        assert_int_equal(c->extended_key_usage_n, 2);
        assert_string_equal(c->extended_key_usage[0], "clientAuth");
        assert_int_equal(c->alt.dns.n, 2);
        assert_text(c->alt.dns.items[1], "*.b.example.test");
        assert_true(bytes_equal(c->alt.ip.items[1], ip[1]));
        assert_text(c->alt.email.items[0], "x@example.test");
        assert_text(c->alt.uri.items[0], "spiffe://example.test/x");
        assert_false(c->has_basic_constraints);
        assert_int_equal(c->extensions_n, 3);
        assert_int_equal(r.attributes_n, 1);
        assert_int_equal(x509_request_verify(&r), ERR_OK);
        arena_clear(&a);
        signing_key_close(key);
        buf_clear(&subject);
        buf_clear(&der);
        buf_clear(&spki);
    }
}

static void asks_for_nothing_without_extensions(void **state) {
    (void)state;
    struct env env = env_system(NULL);
    struct x509_template t = {.path_len = -1};
    struct signing_key *key;
    struct buf der;
    struct x509_request r;
    struct arena a;
    struct fault f;
    buf_init(&der, BUF_MAX);
    assert_int_equal(signing_key_make(&env, KEY_EC_P256, 0, &key, &f), ERR_OK);
    assert_int_equal(x509_request_write(&env, &t, key, &der, &f), ERR_OK);
    assert_int_equal(read_made(&der, &r, &a, &f), ERR_OK);
    assert_int_equal(r.asked.deviations, 0);
    assert_int_equal(r.attributes_n, 0);
    assert_int_equal(r.asked.extensions_n, 0);
    assert_int_equal(r.asked.subject.n, 2);
    assert_int_equal(x509_request_verify(&r), ERR_OK);
    arena_clear(&a);
    buf_reset(&der);
    struct bytes names[X509_REQUEST_NAMES_MAX + 1];
    for (size_t i = 0; i < COUNT_OF(names); i++)
        names[i] = bytes_text("a.example.test");
    t.dns = (struct x509_names){names, COUNT_OF(names)};
    assert_int_equal(x509_request_write(&env, &t, key, &der, &f), ERR_LIMIT);
    assert_int_equal(der.n, 0);
    t.dns.n--;
    assert_int_equal(x509_request_write(&env, &t, key, &der, &f), ERR_OK);
    signing_key_close(key);
    buf_clear(&der);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(knows_the_keys),
        cmocka_unit_test(attributes_are_read_wherever_they_stand),
        cmocka_unit_test(odd_ones_are_named),
        cmocka_unit_test(limits_are_named),
        cmocka_unit_test(every_prefix_fails),
        cmocka_unit_test(every_change_ends),
        cmocka_unit_test(a_changed_request_proves_nothing),
        cmocka_unit_test(a_small_arena_is_an_error),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(asks_for_nothing_without_extensions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
