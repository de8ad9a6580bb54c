/* x509_cert_read: certificates that openssl made, those that made other tools fail,
 * and every cut and many a change of them. */
#include "base/text.h"
#include "tests/unit/data.h"
#include "x509/x509.h"

#include <stdlib.h>

enum { ARENA_MAX = 1 << 20 };

struct fixture {
    struct buf file;
    struct arena arena;
    struct x509_cert cert;
};

static void fixture_open(struct fixture *x, const char *name) {
    struct fault f = {0};
    x->file = data_file(name);
    arena_init(&x->arena, ARENA_MAX);
    if (x509_cert_read(&x->arena, buf_bytes(&x->file), &x->cert, &f) != ERR_OK)
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

static void assert_display(const struct x509_cert *cert, const char *text) {
    struct buf b;
    buf_init(&b, 4096);
    x509_cert_display_name(cert, &b);
    assert_text(buf_bytes(&b), text);
    buf_clear(&b);
}

static void reads_the_cases(void **state) {
    (void)state;
    static const struct {
        const char *file, *subject, *display;
        unsigned deviations;
    } rows[] = {
        {"cases/printablestring.der",    "CN=ps.example.test,O=R_D & Test @ *", "ps.example.test",
         X509_DEV_NAME_CHARACTERS                                                                                     },
        {"cases/empty-subject.der",      "",                                    "s1.example.test",    0               },
        {"cases/utctime-no-seconds.der", "CN=min.example.test",                 "min.example.test",
         X509_DEV_TIME_NO_SECONDS                                                                                     },
        {"cases/escape-in-san.der",      "CN=esc.example.test",                 "esc.example.test",
         X509_DEV_ALT_NAME_CHARACTERS                                                                                 },
        {"cases/trailing-dot.der",       "CN=dot.example.test",                 "dot.example.test",   X509_DEV_DNS_DOT},
        {"cases/othername-only.der",     "CN=other.example.test",               "other.example.test", 0               },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture x;
        fixture_open(&x, rows[i].file);
        assert_name(x.cert.subject, rows[i].subject);
        assert_display(&x.cert, rows[i].display);
        assert_int_equal(x.cert.deviations, rows[i].deviations);
        assert_name(x.cert.issuer, "CN=Odd Test CA");
        fixture_close(&x);
    }
}

static void reads_what_is_odd_in_them(void **state) {
    (void)state;
    struct fixture x;
    fixture_open(&x, "cases/utctime-no-seconds.der");
    assert_true(x.cert.has_not_before);
    assert_int_equal(x.cert.not_before, 1464739200); /* 2016-06-01T00:00:00Z */
    fixture_close(&x);
    fixture_open(&x, "cases/trailing-dot.der");
    assert_int_equal(x.cert.alt.dns.n, 1);
    assert_text(x.cert.alt.dns.items[0], "dot.example.test.");
    assert_true(x509_cert_matches_host(&x.cert, bytes_text("dot.example.test")));
    assert_true(x509_cert_matches_host(&x.cert, bytes_text("DOT.example.test.")));
    fixture_close(&x);
    fixture_open(&x, "cases/escape-in-san.der");
    assert_text(x.cert.alt.dns.items[0], "\x1b[31mred.example.test");
    fixture_close(&x);
    fixture_open(&x, "cases/othername-only.der");
    assert_true(x.cert.alt.present);
    assert_int_equal(x.cert.alt.other.n, 1);
    assert_int_equal(x.cert.alt.dns.n, 0);
    fixture_close(&x);
    fixture_open(&x, "cases/empty-subject.der");
    assert_int_equal(x.cert.alt.dns.n, 2);
    assert_true(x.cert.alt.critical);
    assert_false(x.cert.self_issued);
    fixture_close(&x);
}

/* Every field once, against `openssl x509 -text`. */
static void reads_every_field(void **state) {
    (void)state;
    struct fixture x;
    fixture_open(&x, "x509/everything.der");
    const struct x509_cert *c = &x.cert;
    assert_int_equal(c->version, 3);
    assert_text(c->serial, "\x7f\x01\x02\x03\x04\x05\x06\x07\x08");
    assert_name(c->subject,
                "1.3.6.1.4.1.99999.1=#0c07756e6b6e6f776e,serialNumber=42,emailAddress=a@example."
                "test,UID=u\\+1,"
                "CN=\\ leading and trailing\\ ,OU=\\#first,O=Example\\, \\\"Inc.\\\" \\<x\\>,"
                "L=M\xc3\xbcnchen,ST=Bavaria,C=DE");
    assert_display(c, " leading and trailing ");
    assert_true(c->self_issued);
    assert_int_equal(x509_cert_self_signed(c), X509_YES);
    assert_int_equal(c->not_after - c->not_before, 3650LL * 86400);
    assert_string_equal(c->key.algorithm, "EC");
    assert_string_equal(c->key.curve, "P-256");
    assert_int_equal(c->key.bits, 256);
    assert_string_equal(c->signature_algorithm, "ecdsa-with-SHA256");
    assert_true(c->is_ca);
    assert_int_equal(c->path_len, 3);
    assert_int_equal(c->key_usage, X509_KU_DIGITAL_SIGNATURE | X509_KU_KEY_CERT_SIGN |
                                       X509_KU_CRL_SIGN | X509_KU_DECIPHER_ONLY);
    assert_int_equal(c->extended_key_usage_n, 3);
    assert_string_equal(c->extended_key_usage[0], "serverAuth");
    assert_string_equal(c->extended_key_usage[2], "1.3.6.1.4.1.99999.2");
    assert_int_equal(c->subject_key_id.n, 20);
    assert_true(bytes_equal(c->subject_key_id, c->authority_key_id));
    assert_int_equal(c->alt.dns.n, 2);
    assert_text(c->alt.dns.items[1], "*.example.test");
    assert_int_equal(c->alt.ip.n, 2);
    assert_text(c->alt.email.items[0], "a@example.test");
    assert_text(c->alt.uri.items[0], "https://example.test/");
    assert_name(c->alt.directory.items[0], "CN=Directory Name,C=DE");
    assert_int_equal(c->alt.other.n, 2);
    assert_int_equal(c->extensions_n, 8);
    assert_int_equal(c->deviations, 0);
    fixture_close(&x);
}

static void knows_the_keys(void **state) {
    (void)state;
    static const struct {
        const char *file, *key, *curve;
        unsigned bits;
        const char *signature;
        enum x509_answer self_signed;
    } rows[] = {
        {"x509/rsa1024.der",            "RSA",        NULL,              1024, "sha1WithRSAEncryption",   X509_YES    },
        {"x509/rsa2047.der",            "RSA",        NULL,              2047, "sha256WithRSAEncryption", X509_YES    },
        {"x509/rsa2041.der",            "RSA",        NULL,              2041, "RSASSA-PSS",              X509_YES    },
        {"x509/rsa4096.der",            "RSA",        NULL,              4096, "sha256WithRSAEncryption", X509_YES    },
        {"x509/rsa5120.der",            "RSA",        NULL,              5120, "sha256WithRSAEncryption", X509_UNKNOWN},
        {"x509/pss-key.der",            "RSASSA-PSS", NULL,              2048, "RSASSA-PSS",              X509_YES    },
        {"x509/ec-P-384.der",           "EC",         "P-384",           384,  "ecdsa-with-SHA256",       X509_YES    },
        {"x509/ec-P-521.der",           "EC",         "P-521",           521,  "ecdsa-with-SHA256",       X509_YES    },
        {"x509/ec-secp256k1.der",       "EC",         "secp256k1",       256,  "ecdsa-with-SHA256",       X509_UNKNOWN},
        {"x509/ec-brainpoolP256r1.der", "EC",         "brainpoolP256r1", 256,  "ecdsa-with-SHA256",
         X509_UNKNOWN                                                                                                 },
        {"x509/ec-explicit.der",        "EC",         NULL,              256,  "ecdsa-with-SHA256",       X509_UNKNOWN},
        {"x509/ed25519.der",            "Ed25519",    NULL,              256,  "Ed25519",                 X509_YES    },
        {"x509/ed448.der",              "Ed448",      NULL,              456,  "Ed448",                   X509_UNKNOWN},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct fixture x;
        fixture_open(&x, rows[i].file);
        assert_string_equal(x.cert.key.algorithm, rows[i].key);
        if (rows[i].curve != NULL)
            assert_string_equal(x.cert.key.curve, rows[i].curve);
        else
            assert_null(x.cert.key.curve);
        assert_int_equal(x.cert.key.bits, rows[i].bits);
        assert_string_equal(x.cert.signature_algorithm, rows[i].signature);
        assert_int_equal(x509_cert_self_signed(&x.cert), rows[i].self_signed);
        bool is_explicit = strcmp(rows[i].file, "x509/ec-explicit.der") == 0;
        assert_int_equal(x.cert.deviations, is_explicit ? X509_DEV_CURVE_EXPLICIT : 0);
        fixture_close(&x);
    }
}

/* Replaces the first `from` by `to`, of equal length, both hex, and reads again. */
static enum err read_changed(const char *file, const char *from, const char *to,
                             unsigned *deviations, const char **what) {
    uint8_t a[64], b[64];
    size_t n = strlen(from) / 2;
    struct fault f = {0};
    struct x509_cert cert;
    struct arena arena;
    struct buf der = data_file(file);
    assert_true(hex_read(bytes_text(from), a, n) && hex_read(bytes_text(to), b, n));
    size_t at = bytes_find(buf_bytes(&der), bytes_of(a, n));
    assert_true(at != SIZE_MAX);
    memcpy(der.p + at, b, n);
    arena_init(&arena, ARENA_MAX);
    enum err e = x509_cert_read(&arena, buf_bytes(&der), &cert, &f);
    *deviations = cert.deviations;
    *what = f.what;
    arena_clear(&arena);
    buf_clear(&der);
    return e;
}

static void names_each_deviation(void **state) {
    (void)state;
    static const struct {
        const char *from, *to;
        unsigned deviations;
    } rows[] = {
        {"02097f01020304050607",         "0209ff01020304050607",         X509_DEV_SERIAL_NEGATIVE                                },
        {"02097f01020304050607",         "02090001020304050607",         X509_DEV_SERIAL_PADDED                                  },
        {"170d323631313235",             "170d323631333235",             X509_DEV_TIME_UNREADABLE                                }, /* month 13 */
        {"170d3236",                     "170d3339",                     X509_DEV_VALIDITY_REVERSED                              },
        {"0603551d130101ff",             "0603551d13010101",             X509_DEV_BOOLEAN                                        },
        {"0603551d130101ff",             "0603551d13010100",             X509_DEV_DEFAULT_WRITTEN                                },
        {"0603551d0e",                   "0603551d23",                   X509_DEV_EXTENSION_TWICE | X509_DEV_EXTENSION_UNREADABLE},
        {"30060101ff020103",             "30060101ff040103",             X509_DEV_EXTENSION_UNREADABLE                           },
        {"30060101ff020103",             "30030101ff020103",             X509_DEV_EXTENSION_TRAILING                             },
        {"0303078680",                   "0303078681",                   X509_DEV_UNUSED_BITS                                    },
        {"a003020102",                   "a003020100",                   X509_DEV_VERSION | X509_DEV_DEFAULT_WRITTEN             },
        {"a003020102",                   "a003020103",                   X509_DEV_VERSION                                        },
        {"300a06082a8648ce3d0403023081", "300a06082a8648ce3d0403033081",
         X509_DEV_ALGORITHM_DIFFERS                                                                                              },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unsigned deviations;
        const char *what;
        enum err e =
            read_changed("x509/everything.der", rows[i].from, rows[i].to, &deviations, &what);
        if (e != ERR_OK)
            fail_msg("row %zu: %s", i, what);
        assert_int_equal(deviations, rows[i].deviations);
    }
}

static void names_the_refused_field(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *what;
    } rows[] = {
        {"a003020102",           "a003040102",           "version"             },
        {"02097f01020304050607", "04097f01020304050607", "serial number"       },
        {"170d3236",             "160d3236",             "validity"            },
        {"0603551d13",           "0503551d13",           "extensions"          },
        {"06072a8648ce3d0201",   "05072a8648ce3d0201",   "subject's public key"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        unsigned deviations;
        const char *what = NULL;
        assert_int_equal(
            read_changed("x509/everything.der", rows[i].from, rows[i].to, &deviations, &what),
            ERR_FORMAT);
        assert_string_equal(what, rows[i].what);
    }
}

static void every_row_of_the_table_has_one_bit(void **state) {
    (void)state;
    unsigned seen = 0;
    const struct x509_deviation_row *row;
    for (size_t i = 0; (row = x509_deviation_row(i)) != NULL; i++) {
        assert_int_equal(seen & row->bit, 0);
        assert_int_equal(row->bit, 1u << i);
        seen |= row->bit;
    }
    assert_int_equal(seen, X509_DEV_EXTENSION_TRAILING * 2 - 1);
}

static void touch_names(const struct x509_names *names, struct buf *b) {
    struct x509_general_name name;
    for (size_t i = 0; i < names->n; i++)
        if (x509_general_name_read(names->items[i], &name))
            x509_general_name_text(&name, b);
}

static void touch_details(const struct x509_cert *cert, struct buf *b) {
    struct x509_details d;
    struct arena a;
    arena_init(&a, ARENA_MAX);
    assert_int_equal(x509_details_read(&a, cert, &d), ERR_OK);
    touch_names(&cert->alt.other, b);
    touch_names(&d.authority_issuer, b);
    touch_names(&d.permitted, b);
    touch_names(&d.excluded, b);
    touch_names(&d.crl, b);
    for (size_t i = 0; i < d.policies_n; i++)
        buf_put(b, d.policies[i].cps);
    for (size_t i = 0; i < d.timestamps_n; i++)
        hex_put(b, d.timestamps[i].log_id);
    arena_clear(&a);
}

/* All that the reader gives is asked for, so that a sanitizer sees bad views. */
static void touch(const struct x509_cert *cert) {
    struct buf b;
    buf_init(&b, 1 << 20);
    x509_name_text(cert->subject, &b);
    x509_name_text(cert->issuer, &b);
    x509_cert_display_name(cert, &b);
    for (size_t i = 0; i < cert->alt.directory.n; i++)
        x509_name_text(cert->alt.directory.items[i], &b);
    for (size_t i = 0; i < cert->alt.dns.n; i++)
        text_escape(&b, cert->alt.dns.items[i]);
    for (size_t i = 0; i < cert->extensions_n; i++)
        hex_put(&b, cert->extensions[i].value);
    touch_details(cert, &b);
    x509_cert_matches_host(cert, bytes_text("a.example.test"));
    x509_cert_matches_host(cert, bytes_text("192.0.2.1"));
    buf_clear(&b);
}

/* From a block of its own exact size: one byte too far is seen. */
static enum err read_copy(struct arena *a, const uint8_t *p, size_t n) {
    struct buf copy;
    struct x509_cert cert;
    struct fault f = {0};
    buf_init(&copy, n);
    buf_put(&copy, bytes_of(p, n));
    arena_reset(a);
    uint8_t *exact = malloc(n > 0 ? n : 1);
    assert_non_null(exact);
    memcpy(exact, p, n);
    enum err e = x509_cert_read(a, bytes_of(exact, n), &cert, &f);
    if (e == ERR_OK)
        touch(&cert);
    else
        assert_true(f.code == e && f.what != NULL);
    free(exact);
    buf_clear(&copy);
    return e;
}

static const char *const hardy[] = {"x509/everything.der", "x509/pss-key.der", "x509/ed25519.der",
                                    "cases/othername-only.der", "x509/rare.der"};

static void refuses_every_prefix(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a, ARENA_MAX);
    for (size_t i = 0; i < COUNT_OF(hardy); i++) {
        struct buf der = data_file(hardy[i]);
        for (size_t n = 0; n < der.n; n++)
            assert_int_equal(read_copy(&a, der.p, n), ERR_FORMAT);
        assert_int_equal(read_copy(&a, der.p, der.n), ERR_OK);
        buf_u8(&der, 0);
        assert_int_equal(read_copy(&a, der.p, der.n), ERR_FORMAT);
        buf_clear(&der);
    }
    arena_clear(&a);
}

static void survives_every_changed_byte(void **state) {
    (void)state;
    static const uint8_t flips[] = {0x01, 0x80, 0xff, 0x20, 0x7f};
    struct arena a;
    arena_init(&a, ARENA_MAX);
    for (size_t i = 0; i < COUNT_OF(hardy); i++) {
        struct buf der = data_file(hardy[i]);
        for (size_t at = 0; at < der.n; at++) {
            uint8_t was = der.p[at];
            for (size_t k = 0; k < COUNT_OF(flips); k++) {
                der.p[at] = was ^ flips[k];
                read_copy(&a, der.p, der.n);
            }
            der.p[at] = was;
        }
        buf_clear(&der);
    }
    arena_clear(&a);
}

static void a_small_arena_is_an_error(void **state) {
    (void)state;
    struct buf der = data_file("x509/everything.der");
    bool good = false;
    for (size_t max = 0; max < 4096; max += 64) {
        struct arena a;
        struct x509_cert cert;
        struct fault f = {0};
        arena_init(&a, max);
        enum err e = x509_cert_read(&a, buf_bytes(&der), &cert, &f);
        assert_true(e == ERR_LIMIT || e == ERR_OK);
        assert_true(e == ERR_OK || !good);
        good = e == ERR_OK;
        arena_clear(&a);
    }
    assert_true(good);
    buf_clear(&der);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_the_cases),
        cmocka_unit_test(reads_what_is_odd_in_them),
        cmocka_unit_test(reads_every_field),
        cmocka_unit_test(knows_the_keys),
        cmocka_unit_test(names_each_deviation),
        cmocka_unit_test(names_the_refused_field),
        cmocka_unit_test(every_row_of_the_table_has_one_bit),
        cmocka_unit_test(refuses_every_prefix),
        cmocka_unit_test(survives_every_changed_byte),
        cmocka_unit_test(a_small_arena_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
