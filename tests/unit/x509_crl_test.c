/* Revocation lists: one by openssl, those of our own, cuts and changes, what is not for us. */
#include "base/der.h"
#include "base/text.h"
#include "crypto/crypto.h"
#include "tests/unit/data.h"
#include "tests/unit/hex.h"
#include "x509/x509.h"

#include <stdlib.h>

enum { ARENA_MAX = 1 << 20, NOW = 1790000000, DAY = 86400 };

static const uint8_t key_id[] = "a key identifier, 20";

/* Against `openssl crl -text`. */
static void reads_a_list_of_openssl(void **state) {
    (void)state;
    static const struct {
        const char *serial;
        int64_t revoked_s;
        enum x509_reason reason;
    } rows[] = {
        {"02",                                 1735862400, X509_REASON_SUPERSEDED    },
        {"7f01",                               1735689600, X509_REASON_KEY_COMPROMISE},
        {"00ffeeddccbbaa99887766554433221100", 1735787045, X509_REASON_UNSPECIFIED   },
    };
    struct buf file = data_file("requests/list.der"), ca_file = data_file("requests/list-ca.der");
    struct arena a;
    struct x509_crl crl;
    struct x509_cert ca;
    struct x509_revoked one;
    struct fault f;
    arena_init(&a, ARENA_MAX);
    assert_int_equal(x509_crl_read(&a, buf_bytes(&file), &crl, &f), ERR_OK);
    assert_int_equal(x509_cert_read(&a, buf_bytes(&ca_file), &ca, &f), ERR_OK);
    assert_true(bytes_equal(crl.issuer, ca.subject));
    assert_true(bytes_equal(crl.authority_key_id, ca.subject_key_id));
    assert_true(crl.has_next_update);
    assert_int_equal(crl.next_update - crl.this_update, 3650LL * DAY);
    assert_hex(crl.number.p, crl.number.n, "1234");
    assert_string_equal(crl.signature_algorithm, "ecdsa-with-SHA256");
    assert_int_equal(crl.deviations, 0);
    assert_int_equal(crl.revoked_n, COUNT_OF(rows));
    struct cur entries = cur_open(crl.revoked);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_true(x509_crl_next(&entries, &one));
        assert_hex(one.serial.p, one.serial.n, rows[i].serial);
        assert_int_equal(one.revoked_s, rows[i].revoked_s);
        assert_int_equal(one.reason, rows[i].reason);
    }
    assert_false(x509_crl_next(&entries, &one));
    assert_int_equal(x509_crl_signed_by(&crl, &ca), ERR_OK);
    arena_clear(&a);
    buf_clear(&file);
    buf_clear(&ca_file);
}

static void reasons_have_names(void **state) {
    (void)state;
    size_t n = 0;
    for (unsigned i = 0; i < 32; i++) {
        enum x509_reason back;
        const char *name = x509_reason_name(i);
        n += name != NULL;
        if (name != NULL) {
            assert_true(x509_reason_read(bytes_text(name), &back));
            assert_int_equal(back, i);
        }
    }
    assert_int_equal(n, 10);
    assert_null(x509_reason_name(7)); /* not used (RFC 5280, 5.3.1) */
    enum x509_reason reason;
    assert_false(x509_reason_read(bytes_text("keycompromise"), &reason));
}

struct house {
    struct env env;
    struct signing_key *key;
    struct buf issuer, der;
    struct arena arena;
    struct fault fault;
};

static void house_open(struct house *h) {
    struct x509_attribute cn = {OID_COMMON_NAME, "List CA"};
    *h = (struct house){.env = env_system(NULL)};
    buf_init(&h->issuer, 256);
    buf_init(&h->der, X509_CRL_MAX);
    arena_init(&h->arena, ARENA_MAX);
    x509_name_write(&h->issuer, &cn, 1);
    assert_int_equal(signing_key_make(&h->env, KEY_EC_P256, 0, &h->key, &h->fault), ERR_OK);
}

static void house_close(struct house *h) {
    signing_key_close(h->key);
    buf_clear(&h->issuer);
    buf_clear(&h->der);
    arena_clear(&h->arena);
}

static enum err write_list(struct house *h, const struct x509_revoked *revoked, size_t n) {
    struct x509_crl_template t = {
        .issuer = buf_bytes(&h->issuer),
        .issuer_key_id = bytes_of(key_id, 20),
        .this_update = NOW,
        .next_update = NOW + 7 * DAY,
        .number = 0x8000000000000001,
        .revoked = revoked,
        .revoked_n = n,
    };
    buf_reset(&h->der);
    return x509_crl_write(&h->env, &t, h->key, &h->der, &h->fault);
}

static enum err read_list(struct house *h, struct x509_crl *crl) {
    arena_reset(&h->arena);
    return x509_crl_read(&h->arena, buf_bytes(&h->der), crl, &h->fault);
}

static void what_is_written_is_read(void **state) {
    (void)state;
    static const struct x509_revoked rows[] = {
        {{(const uint8_t *)"\x01", 1},                 NOW - DAY,  X509_REASON_UNSPECIFIED     },
        {{(const uint8_t *)"\x00\x80", 2},             NOW - 1,    X509_REASON_KEY_COMPROMISE  },
        {{(const uint8_t *)"\x7f\xff\xff\xff\xff", 5}, 2600000000, X509_REASON_AA_COMPROMISE   },
        {{(const uint8_t *)"\x02", 1},                 NOW,        X509_REASON_CERTIFICATE_HOLD},
    };
    struct house h;
    struct x509_crl crl;
    struct x509_revoked one;
    house_open(&h);
    for (size_t n = 0; n <= COUNT_OF(rows); n++) {
        assert_int_equal(write_list(&h, rows, n), ERR_OK);
        assert_int_equal(read_list(&h, &crl), ERR_OK);
        assert_true(bytes_equal(crl.issuer, buf_bytes(&h.issuer)));
        assert_int_equal(crl.this_update, NOW);
        assert_int_equal(crl.next_update, NOW + 7 * DAY);
        assert_hex(crl.number.p, crl.number.n, "8000000000000001");
        assert_text(crl.authority_key_id, "a key identifier, 20");
        assert_int_equal(crl.deviations, 0);
        assert_int_equal(crl.revoked_n, n);
        struct cur entries = cur_open(crl.revoked);
        for (size_t i = 0; i < n; i++) {
            assert_true(x509_crl_next(&entries, &one));
            assert_true(bytes_equal(one.serial, rows[i].serial));
            assert_int_equal(one.revoked_s, rows[i].revoked_s);
            assert_int_equal(one.reason, rows[i].reason);
        }
        assert_false(x509_crl_next(&entries, &one));
    }
    house_close(&h);
}

static void refuses_what_cannot_stand_in_one(void **state) {
    (void)state;
    static const struct x509_revoked rows[] = {
        {{NULL, 0},                    NOW,          X509_REASON_UNSPECIFIED    },
        {{(const uint8_t *)"\x01", 1}, NOW,          X509_REASON_REMOVE_FROM_CRL},
        {{(const uint8_t *)"\x01", 1}, NOW,          (enum x509_reason)7        },
        {{(const uint8_t *)"\x01", 1}, 253402300800, X509_REASON_UNSPECIFIED    }, /* year 10000 */
    };
    struct house h;
    house_open(&h);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(write_list(&h, &rows[i], 1), ERR_FORMAT);
        assert_int_equal(h.der.n, 0);
    }
    assert_int_equal(write_list(&h, rows, X509_REVOKED_MAX + 1), ERR_LIMIT);
    house_close(&h);
}

static enum err read_copy(const uint8_t *p, size_t n) {
    struct arena a;
    struct x509_crl crl;
    struct x509_revoked one;
    struct fault f = {0};
    uint8_t *exact = malloc(n > 0 ? n : 1);
    assert_non_null(exact);
    memcpy(exact, p, n);
    arena_init(&a, ARENA_MAX);
    enum err e = x509_crl_read(&a, bytes_of(exact, n), &crl, &f);
    if (e == ERR_OK) {
        struct cur entries = cur_open(crl.revoked);
        size_t seen = 0;
        while (x509_crl_next(&entries, &one))
            seen++;
        assert_int_equal(seen, crl.revoked_n);
        assert_true(cur_end(&entries));
    } else {
        assert_non_null(f.what);
    }
    arena_clear(&a);
    free(exact);
    return e;
}

static void every_prefix_fails_and_every_change_ends(void **state) {
    (void)state;
    struct buf file = data_file("requests/list.der");
    for (size_t n = 0; n < file.n; n++)
        assert_int_equal(read_copy(file.p, n), ERR_FORMAT);
    for (size_t i = 0; i < file.n; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            file.p[i] ^= (uint8_t)(1u << bit);
            enum err e = read_copy(file.p, file.n);
            assert_true(e == ERR_OK || e == ERR_FORMAT || e == ERR_UNSUPPORTED);
            file.p[i] ^= (uint8_t)(1u << bit);
        }
    }
    buf_clear(&file);
}

static void put_extension(struct buf *b, enum oid id, bool critical, const char *value) {
    size_t list = der_begin(b, DER_SEQUENCE), one = der_begin(b, DER_SEQUENCE);
    oid_put(b, id);
    if (critical)
        der_put_boolean(b, true);
    der_put(b, DER_OCTET_STRING, bytes_text(value));
    der_close(b, one);
    der_close(b, list);
}

/* By hand, with one entry: the reader does not look at the signature. */
static void put_list(struct buf *b, enum oid of_entry, bool entry_critical, bool list_critical) {
    size_t whole = der_begin(b, DER_SEQUENCE), tbs = der_begin(b, DER_SEQUENCE);
    struct buf algorithm;
    buf_init(&algorithm, 64);
    size_t mark = der_begin(&algorithm, DER_SEQUENCE);
    oid_put(&algorithm, OID_ECDSA_SHA256);
    der_close(&algorithm, mark);
    der_put_u64(b, 1);
    buf_put(b, buf_bytes(&algorithm));
    size_t issuer = der_begin(b, DER_SEQUENCE);
    der_close(b, issuer);
    der_put(b, DER_UTC_TIME, bytes_text("260101000000Z"));
    size_t entries = der_begin(b, DER_SEQUENCE), entry = der_begin(b, DER_SEQUENCE);
    der_put_u64(b, 5);
    der_put(b, DER_UTC_TIME, bytes_text("260101000000Z"));
    put_extension(b, of_entry, entry_critical, "\x0a\x01\x01");
    der_close(b, entry);
    der_close(b, entries);
    size_t tagged = der_begin(b, DER_CONTEXT_CONS | 0);
    put_extension(b, OID_CRL_NUMBER, list_critical, "\x02\x01\x05");
    der_close(b, tagged);
    der_close(b, tbs);
    buf_put(b, buf_bytes(&algorithm));
    der_put_bits(b, bytes_text("signature"));
    der_close(b, whole);
    buf_clear(&algorithm);
}

/* Delta lists and indirect ones say what they are by critical extensions. */
static void critical_extensions_are_not_for_us(void **state) {
    (void)state;
    static const struct {
        enum oid of_entry;
        bool entry_critical, list_critical;
        enum err e;
        const char *detail;
    } rows[] = {
        {OID_CRL_REASON,           false, false, ERR_OK,          NULL       },
        {OID_CRL_REASON,           true,  false, ERR_OK,          NULL       },
        {OID_CERTIFICATE_POLICIES, false, false, ERR_OK,          NULL       },
        {OID_CERTIFICATE_POLICIES, true,  false, ERR_UNSUPPORTED,
         "an entry has a critical extension"                                 },
        {OID_CRL_REASON,           false, true,  ERR_UNSUPPORTED, "cRLNumber"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf der;
        struct arena a;
        struct x509_crl crl;
        struct fault f;
        buf_init(&der, 4096);
        arena_init(&a, ARENA_MAX);
        put_list(&der, rows[i].of_entry, rows[i].entry_critical, rows[i].list_critical);
        assert_int_equal(x509_crl_read(&a, buf_bytes(&der), &crl, &f), rows[i].e);
        if (rows[i].e != ERR_OK)
            assert_string_equal(f.detail, rows[i].detail);
        arena_clear(&a);
        buf_clear(&der);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_a_list_of_openssl),
        cmocka_unit_test(reasons_have_names),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(refuses_what_cannot_stand_in_one),
        cmocka_unit_test(every_prefix_fails_and_every_change_ends),
        cmocka_unit_test(critical_extensions_are_not_for_us),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
