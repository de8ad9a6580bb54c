/* x509: the extensions that are read when asked for, and names of all nine kinds. Values
 * of rare.der as `openssl x509 -text` shows them. */
#include "base/der.h"
#include "tests/unit/data.h"
#include "tests/unit/hex.h"
#include "x509/x509.h"

enum { ARENA_MAX = 1 << 20 };

struct fixture {
    struct buf der;
    struct arena arena;
    struct x509_cert cert;
    struct x509_details details;
};

static void fixture_open(struct fixture *x, const char *file) {
    x->der = data_file(file);
    arena_init(&x->arena, ARENA_MAX);
    assert_int_equal(x509_cert_read(&x->arena, buf_bytes(&x->der), &x->cert, NULL), ERR_OK);
    assert_int_equal(x509_details_read(&x->arena, &x->cert, &x->details), ERR_OK);
}

static void fixture_close(struct fixture *x) {
    arena_clear(&x->arena);
    buf_clear(&x->der);
}

static void assert_name(struct bytes der, enum x509_name_kind kind, const char *expected) {
    struct x509_general_name name;
    struct buf text;
    buf_init(&text, 4096);
    assert_true(x509_general_name_read(der, &name));
    assert_int_equal(name.kind, kind);
    x509_general_name_text(&name, &text);
    assert_string_equal(buf_cstr(&text), expected);
    buf_clear(&text);
}

static void reads_every_extension(void **state) {
    (void)state;
    struct fixture x;
    fixture_open(&x, "x509/rare.der");
    const struct x509_details *d = &x.details;
    assert_int_equal(d->deviations, X509_DEV_SERIAL_NEGATIVE);
    assert_hex(d->authority_serial.p, d->authority_serial.n, "008001");
    assert_int_equal(d->authority_issuer.n, 1);
    assert_name(d->authority_issuer.items[0], X509_NAME_DIRECTORY, "CN=Other CA");
    assert_true(d->has_name_constraints);
    assert_int_equal(d->permitted.n, 4);
    assert_name(d->permitted.items[0], X509_NAME_DNS, ".example.test");
    assert_name(d->permitted.items[1], X509_NAME_IP, "10.0.0.0/8");
    assert_name(d->permitted.items[2], X509_NAME_IP, "::/0");
    assert_int_equal(d->excluded.n, 2);
    assert_name(d->excluded.items[1], X509_NAME_IP, "192.0.2.0/255.0.255.0");
    assert_int_equal(d->policies_n, 2);
    assert_string_equal(d->policies[0].name, "organization-validated");
    assert_true(bytes_is(d->policies[0].cps, "https://example.test/cps"));
    assert_string_equal(d->policies[1].name, "1.3.6.1.4.1.99999.5");
    assert_int_equal(d->policies[1].cps.n, 0);
    assert_int_equal(d->access_n, 3);
    assert_string_equal(d->access[0].method, "ocsp");
    assert_name(d->access[0].location, X509_NAME_URI, "http://ocsp.example.test");
    assert_string_equal(d->access[1].method, "caIssuers");
    assert_string_equal(d->access[2].method, "1.3.6.1.4.1.99999.6");
    assert_int_equal(d->crl.n, 3);
    assert_name(d->crl.items[1], X509_NAME_URI, "ldap://crl.example.test/cn=1");
    assert_name(d->crl.items[2], X509_NAME_DIRECTORY, "CN=Other CA");
    assert_int_equal(d->timestamps_n, 3);
    assert_int_equal(d->timestamps[0].version, 1);
    assert_int_equal(d->timestamps[0].log_id.n, 32);
    assert_int_equal(d->timestamps[0].log_id.p[31], 31);
    assert_true(d->timestamps[1].time_ms == 1700000001456);
    assert_int_equal(d->timestamps[2].version, 2);
    assert_int_equal(d->timestamps[2].log_id.n, 0);
    assert_int_equal(d->tls_features_n, 2);
    assert_int_equal(d->tls_features[1], 17);
    assert_true(d->must_staple && d->is_precertificate);
    fixture_close(&x);
}

static void what_is_not_there_is_empty(void **state) {
    (void)state;
    struct fixture x;
    fixture_open(&x, "x509/ed25519.der");
    const struct x509_details *d = &x.details;
    assert_int_equal(d->authority_issuer.n + d->authority_serial.n + d->permitted.n + d->excluded.n,
                     0);
    assert_int_equal(d->policies_n + d->access_n + d->crl.n + d->timestamps_n + d->tls_features_n,
                     0);
    assert_false(d->has_name_constraints || d->must_staple || d->is_precertificate);
    fixture_close(&x);
}

static void reads_the_nine_kinds(void **state) {
    (void)state;
    static const struct {
        const char *hex, *text;
        enum x509_name_kind kind;
    } rows[] = {
        {"a021060a2b060104018237140203a0130c1175736572406578616d706c652e74657374",
         "user@example.test",                                                                           X509_NAME_OTHER        },
        {"a0100603550403a0091e070041",                                             NULL,                X509_NAME_OTHER        },
        {"a00d0603550403a0061e0400410042",                                         "AB",                X509_NAME_OTHER        },
        {"a00a0603550403a003020105",                                               "#020105",           X509_NAME_OTHER        },
        {"810161",                                                                 "a",                 X509_NAME_EMAIL        },
        {"820161",                                                                 "a",                 X509_NAME_DNS          },
        {"a3083006610413024445",                                                   "#3006610413024445", X509_NAME_X400         },
        {"a40f300d310b3009060355040613024445",                                     "C=DE",              X509_NAME_DIRECTORY    },
        {"a50ca0040c024142a10413024344",                                           "AB/CD",             X509_NAME_EDI_PARTY    },
        {"a506a10413024344",                                                       "CD",                X509_NAME_EDI_PARTY    },
        {"860161",                                                                 "a",                 X509_NAME_URI          },
        {"8704c0000201",                                                           "192.0.2.1",         X509_NAME_IP           },
        {"8708c0000200ffffff80",                                                   "192.0.2.0/25",      X509_NAME_IP           },
        {"870100",                                                                 "#00",               X509_NAME_IP           },
        {"88032a0304",                                                             "1.2.3.4",           X509_NAME_REGISTERED_ID},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t octets[64];
        struct bytes der = unhex(rows[i].hex, octets, sizeof octets);
        if (rows[i].text != NULL)
            assert_name(der, rows[i].kind, rows[i].text);
        struct x509_general_name name;
        assert_int_equal(x509_general_name_read(der, &name), rows[i].text != NULL);
        for (size_t cut = 0; cut < der.n; cut++)
            assert_false(x509_general_name_read(bytes_part(der, 0, cut), &name));
    }
}

static void refuses_names_that_are_none(void **state) {
    (void)state;
    static const char *const rows[] = {
        "a20161",               /* constructed dNSName */
        "800100",               /* primitive otherName */
        "890100",               /* no tag of GeneralName */
        "3000",                 /* of another class */
        "a0050603550403",       /* otherName without value */
        "a00a0603550403a00302", /* cut off inside */
        "a40430000500",         /* two values for a directoryName */
        "a500",                 /* ediPartyName without party */
        "880180",               /* no OID */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t octets[64];
        struct x509_general_name name;
        assert_false(x509_general_name_read(unhex(rows[i], octets, sizeof octets), &name));
    }
}

/* Each extension's content damaged at each byte: read, or named as a deviation; and
 * whatever else is there stays. */
static void damage_is_a_deviation(void **state) {
    (void)state;
    struct fixture x;
    fixture_open(&x, "x509/rare.der");
    size_t unreadable = 0;
    for (size_t i = 0; i < x.cert.extensions_n; i++) {
        struct bytes value = x.cert.extensions[i].value;
        for (size_t at = 0; at < value.n; at++) {
            struct x509_details d;
            struct arena a;
            uint8_t *octet = x.der.p + (value.p - x.der.p) + at, was = *octet;
            *octet = (uint8_t)(was ^ 0x80);
            arena_init(&a, ARENA_MAX);
            assert_int_equal(x509_details_read(&a, &x.cert, &d), ERR_OK);
            if ((d.deviations & X509_DEV_EXTENSION_UNREADABLE) != 0) {
                unreadable++;
                assert_true(d.policies_n == 0 || d.timestamps_n == 0 || d.access_n == 0 ||
                            d.crl.n == 0 || d.tls_features_n == 0 || !d.has_name_constraints ||
                            !d.is_precertificate || d.authority_issuer.n == 0);
                assert_true(d.policies_n > 0 || d.access_n > 0);
            }
            arena_clear(&a);
            *octet = was;
        }
    }
    assert_true(unreadable > 100);
    fixture_close(&x);
}

static void a_small_arena_is_an_error(void **state) {
    (void)state;
    struct fixture x;
    fixture_open(&x, "x509/rare.der");
    bool good = false;
    for (size_t max = 0; max < 8192; max += 128) {
        struct x509_details d;
        struct arena a;
        arena_init(&a, max);
        enum err e = x509_details_read(&a, &x.cert, &d);
        assert_true(e == ERR_OK || (e == ERR_LIMIT && !good));
        good = e == ERR_OK;
        arena_clear(&a);
    }
    assert_true(good);
    fixture_close(&x);
}

/* ---- Large ones ---- */

enum { LARGE = 10 << 20 };

/* rare.der with other extensions: `fill` writes the content of one, of type 1.3.6.1.4.1.99999.7
 * or as given. */
static struct buf make_large(enum oid type, void (*fill)(struct buf *out)) {
    static const uint8_t unknown[] = {0x06, 0x08, 0x2b, 6, 1, 4, 1, 0x86, 0x8d, 7};
    struct fixture x;
    struct buf out;
    fixture_open(&x, "x509/rare.der");
    buf_init(&out, X509_CERT_MAX);
    size_t cert = der_begin(&out, DER_SEQUENCE), tbs = der_begin(&out, DER_SEQUENCE);
    struct cur c = cur_open(x.cert.tbs), inner = der_open(&c, DER_SEQUENCE);
    while (inner.rest.n > 0 && !der_peek(&inner, DER_CONTEXT_CONS | 3))
        buf_put(&out, der_any(&inner).whole);
    size_t tagged = der_begin(&out, DER_CONTEXT_CONS | 3), list = der_begin(&out, DER_SEQUENCE);
    size_t extension = der_begin(&out, DER_SEQUENCE);
    if (type == OID_OTHER)
        buf_put(&out, bytes_of(unknown, sizeof unknown));
    else
        oid_put(&out, type);
    size_t octets = der_begin(&out, DER_OCTET_STRING);
    fill(&out);
    const size_t marks[] = {octets, extension, list, tagged, tbs};
    for (size_t i = 0; i < COUNT_OF(marks); i++)
        der_close(&out, marks[i]);
    buf_put(&out, x.cert.algorithm);
    der_put_bits(&out, x.cert.signature);
    der_close(&out, cert);
    assert_int_equal(out.err, ERR_OK);
    fixture_close(&x);
    return out;
}

static void fill_zeros(struct buf *out) {
    buf_fill(out, 0, LARGE);
}

static void put_uris(struct buf *out, size_t n, size_t size) {
    for (size_t i = 0; i < n; i++) {
        size_t mark = der_begin(out, DER_CONTEXT | X509_NAME_URI);
        buf_fill(out, 'a', size);
        der_close(out, mark);
    }
}

static void fill_names(struct buf *out) {
    size_t mark = der_begin(out, DER_SEQUENCE);
    put_uris(out, X509_ALT_NAMES_MAX, LARGE / X509_ALT_NAMES_MAX);
    der_close(out, mark);
}

static void fill_points(struct buf *out) {
    size_t all = der_begin(out, DER_SEQUENCE), point = der_begin(out, DER_SEQUENCE);
    size_t name = der_begin(out, DER_CONTEXT_CONS | 0), full = der_begin(out, DER_CONTEXT_CONS | 0);
    put_uris(out, X509_ALT_NAMES_MAX + 1, LARGE / X509_ALT_NAMES_MAX);
    der_close(out, full);
    der_close(out, name);
    der_close(out, point);
    der_close(out, all);
}

static void reads_ten_megabytes(void **state) {
    (void)state;
    static const struct {
        enum oid type;
        void (*fill)(struct buf *out);
        size_t names;
        unsigned deviations;
    } rows[] = {
        {OID_OTHER,                   fill_zeros,  0,                  0                            },
        {OID_SUBJECT_ALT_NAME,        fill_names,  X509_ALT_NAMES_MAX, 0                            },
        {OID_CRL_DISTRIBUTION_POINTS, fill_points, 0,                  X509_DEV_EXTENSION_UNREADABLE},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf der = make_large(rows[i].type, rows[i].fill);
        struct arena a;
        struct x509_cert cert;
        struct x509_details d;
        assert_true(der.n >= LARGE);
        arena_init(&a, 4 * ARENA_MAX);
        assert_int_equal(x509_cert_read(&a, buf_bytes(&der), &cert, NULL), ERR_OK);
        assert_int_equal(cert.alt.uri.n, rows[i].names);
        assert_int_equal(x509_details_read(&a, &cert, &d), ERR_OK);
        assert_int_equal(d.deviations & ~(unsigned)X509_DEV_SERIAL_NEGATIVE, rows[i].deviations);
        assert_int_equal(d.crl.n, 0);
        arena_clear(&a);
        buf_clear(&der);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_extension), cmocka_unit_test(what_is_not_there_is_empty),
        cmocka_unit_test(reads_the_nine_kinds),  cmocka_unit_test(refuses_names_that_are_none),
        cmocka_unit_test(damage_is_a_deviation), cmocka_unit_test(a_small_arena_is_an_error),
        cmocka_unit_test(reads_ten_megabytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
