/* x509: every prefix and every single-byte change of 50 certificates is read or refused, and
 * neither runs past its end nor takes long. All 255 other values of each byte; where a
 * sanitizer looks on, those that differ in one bit and those that matter to DER. */
#include "base/text.h"
#include "tests/unit/data.h"
#include "x509/x509.h"

#include <stdlib.h>

enum { ARENA_MAX = 1 << 20 };

static const char *const files[] = {
    "x509/ca-only.der",
    "x509/dsa.der",
    "x509/ec-P-192.der",
    "x509/ec-P-224.der",
    "x509/ec-P-256.der",
    "x509/ec-P-384-sha384.der",
    "x509/ec-P-384.der",
    "x509/ec-P-521.der",
    "x509/ec-brainpoolP160r1.der",
    "x509/ec-brainpoolP256r1.der",
    "x509/ec-brainpoolP384r1.der",
    "x509/ec-brainpoolP512t1.der",
    "x509/ec-explicit.der",
    "x509/ec-secp256k1.der",
    "x509/ec-sect233k1.der",
    "x509/ec-sect571r1.der",
    "x509/ed25519.der",
    "x509/ed448.der",
    "x509/everything.der",
    "x509/ip-only.der",
    "x509/name-bmp.der",
    "x509/names.der",
    "x509/name-t61.der",
    "x509/name-utf8.der",
    "x509/pointers.der",
    "x509/pss-key.der",
    "x509/pss-mgf.der",
    "x509/pss-sha256.der",
    "x509/pss-sha512-max.der",
    "x509/rare.der",
    "x509/rsa-sha224.der",
    "x509/rsa-sha256.der",
    "x509/rsa-sha384.der",
    "x509/rsa-sha512.der",
    "x509/rsa1024.der",
    "x509/rsa2041.der",
    "x509/rsa2047.der",
    "x509/rsa4096.der",
    "x509/rsa5120.der",
    "x509/serial-0.der",
    "x509/serial-long.der",
    "x509/serial-minus.der",
    "x509/usage.der",
    "x509/version1.der",
    "cases/empty-subject.der",
    "cases/escape-in-san.der",
    "cases/othername-only.der",
    "cases/printablestring.der",
    "cases/trailing-dot.der",
    "cases/utctime-no-seconds.der",
};

static bool has_sanitizer(void) {
#if defined(__SANITIZE_ADDRESS__)
    return true;
#else
    return false;
#endif
}

/* Whether this other value of a byte is tried. */
static bool is_tried(unsigned was, unsigned value) {
    static const unsigned special[] = {0x00, 0x1f, 0x30, 0x7f, 0x80, 0x81, 0x84, 0xff};
    unsigned differ = was ^ value;
    if (!has_sanitizer() || (differ & (differ - 1)) == 0)
        return true;
    for (size_t i = 0; i < COUNT_OF(special); i++)
        if (special[i] == value)
            return true;
    return false;
}

static enum err read_all(struct arena *a, struct bytes der) {
    struct x509_cert cert;
    struct x509_details details;
    arena_reset(a);
    enum err e = x509_cert_read(a, der, &cert, NULL);
    if (e == ERR_OK)
        assert_int_equal(x509_details_read(a, &cert, &details), ERR_OK);
    return e;
}

static void refuses_every_prefix(void **state) {
    (void)state;
    struct arena a;
    arena_init(&a, ARENA_MAX);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct buf der = data_file(files[i]);
        assert_int_equal(read_all(&a, buf_bytes(&der)), ERR_OK);
        for (size_t n = 0; n < der.n; n++) {
            uint8_t *exact = malloc(n > 0 ? n : 1);
            assert_non_null(exact);
            memcpy(exact, der.p, n);
            assert_int_equal(read_all(&a, bytes_of(exact, n)), ERR_FORMAT);
            free(exact);
        }
        buf_clear(&der);
    }
    arena_clear(&a);
}

static void survives_every_changed_byte(void **state) {
    (void)state;
    size_t good = 0, refused = 0;
    struct arena a;
    arena_init(&a, ARENA_MAX);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        struct buf der = data_file(files[i]);
        uint8_t *exact = malloc(der.n);
        assert_non_null(exact);
        memcpy(exact, der.p, der.n);
        for (size_t at = 0; at < der.n; at++) {
            for (unsigned value = 0; value < 256; value++) {
                if (value == der.p[at] || !is_tried(der.p[at], value))
                    continue;
                exact[at] = (uint8_t)value;
                enum err e = read_all(&a, bytes_of(exact, der.n));
                good += e == ERR_OK;
                refused += e != ERR_OK;
            }
            exact[at] = der.p[at];
        }
        free(exact);
        buf_clear(&der);
    }
    arena_clear(&a);
    assert_true(good > 0 && refused > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_every_prefix),
        cmocka_unit_test(survives_every_changed_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
