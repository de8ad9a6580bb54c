/* ers: one certificate for people. Whatever stands in a certificate, a terminal sees plain
 * text of the lines that we wrote. */
#include "applets/ers/inspect_text.h"
#include "base/text.h"
#include "tests/unit/data.h"

enum { ARENA_MAX = 1 << 20, OUTPUT_MAX = 1 << 20 };

static const struct inspect_place place = {"a\x1b[31m file", 1, {0}};
static const int64_t now_s = 1800000000;

static bool is_bidi(uint32_t v) {
    return v == 0x061c || v == 0x200e || v == 0x200f || (v >= 0x202a && v <= 0x202e) ||
           (v >= 0x2066 && v <= 0x2069);
}

static void assert_plain(struct bytes text) {
    struct cur c = cur_open(text);
    while (c.rest.n > 0) {
        uint32_t v = utf8_take(&c);
        assert_true(v != UINT32_MAX && (v >= 0x20 || v == '\n') && !(v >= 0x7f && v < 0xa0));
        assert_false(is_bidi(v));
    }
}

static size_t lines_of(struct bytes text) {
    size_t n = 0;
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

/* False: it is no certificate. */
static bool show(struct bytes der, struct buf *out) {
    struct arena a;
    struct x509_cert cert;
    arena_init(&a, ARENA_MAX);
    buf_reset(out);
    bool good = x509_cert_read(&a, der, &cert, NULL) == ERR_OK;
    if (good)
        inspect_text_put(out, &cert, now_s, false, &place);
    assert_int_equal(out->err, ERR_OK);
    arena_clear(&a);
    return good;
}

static void shows_what_is_there(void **state) {
    (void)state;
    static const char *const parts[] = {
        "rare.example.test\n",
        "  names       rare.example.test, 192.0.2.7, a@example.test, https://example.test/, ",
        ", CN=Other CA, userPrincipalName:user@example.test, ",
        "  key         EC P-256, signed with ecdsa-with-SHA256, self-signed\n",
        "  serial      ff7f\n",
        "  policies    organization-validated, 1.3.6.1.4.1.99999.5\n",
        "  only for    .example.test, 10.0.0.0/8, ::/0, CN=Other CA\n",
        "  never for   bad@example.test, 192.0.2.0/255.0.255.0\n",
        "  ocsp        http://ocsp.example.test\n",
        "  issuer at   http://ca.example.test/ca.cer\n",
        "  CRL         http://crl.example.test/1.crl, ldap://crl.example.test/cn=1, CN=Other CA\n",
        "  staple      must be served with an OCSP answer\n",
        "  logged      2023-11-14T22:13:20Z 00010203, 2023-11-14T22:13:21Z 20212223, of an unknown "
        "version\n",
        "  also        1.3.6.1.4.1.99999.8 (critical, 5 bytes)\n",
        "  from        a\\x1b[31m file, certificate 1\n",
    };
    struct buf der = data_file("x509/rare.der"), out;
    buf_init(&out, OUTPUT_MAX);
    assert_true(show(buf_bytes(&der), &out));
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        assert_true(bytes_find(buf_bytes(&out), bytes_text(parts[i])) != SIZE_MAX);
    buf_clear(&der);
    buf_clear(&out);
}

static void says_what_was_not_checked(void **state) {
    (void)state;
    static const struct {
        const char *file, *part;
    } rows[] = {
        {"x509/rsa5120.der",            "self-issued (signature not checked)\n"},
        {"x509/ec-brainpoolP256r1.der", "self-issued (signature not checked)\n"},
        {"x509/ed448.der",              "self-issued (signature not checked)\n"},
        {"x509/ed25519.der",            "self-signed\n"                        },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf der = data_file(rows[i].file), out;
        buf_init(&out, OUTPUT_MAX);
        assert_true(show(buf_bytes(&der), &out));
        assert_true(bytes_find(buf_bytes(&out), bytes_text(rows[i].part)) != SIZE_MAX);
        buf_clear(&der);
        buf_clear(&out);
    }
}

/* `evil` is written over every place of the file in turn. */
static void nothing_reaches_the_terminal(void **state) {
    (void)state;
    static const char *const files[] = {"x509/rare.der", "x509/everything.der"};
    static const char *const evils[] = {"\x1b", "\xc2\x9b", "\xe2\x80\xae"};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct buf der = data_file(files[i]), out;
        buf_init(&out, OUTPUT_MAX);
        assert_true(show(buf_bytes(&der), &out));
        size_t lines = lines_of(buf_bytes(&out));
        for (size_t k = 0; k < COUNT_OF(evils); k++) {
            size_t n = strlen(evils[k]);
            for (size_t at = 0; at + n <= der.n; at++) {
                uint8_t was[4];
                memcpy(was, der.p + at, n);
                memcpy(der.p + at, evils[k], n);
                if (show(buf_bytes(&der), &out)) {
                    assert_plain(buf_bytes(&out));
                    assert_true(lines_of(buf_bytes(&out)) < lines + 10);
                }
                memcpy(der.p + at, was, n);
            }
        }
        buf_clear(&der);
        buf_clear(&out);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_what_is_there),
        cmocka_unit_test(says_what_was_not_checked),
        cmocka_unit_test(nothing_reaches_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
