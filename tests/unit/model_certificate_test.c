/* The certificate object, word for word. */
#include "model/certificate.h"
#include "tests/unit/data.h"

/* `expected` was compared with what openssl says of the certificate. */
static void assert_object(const char *file, bool with_pem, const char *expected) {
    struct buf der = data_file(file), wanted = data_file(expected), out;
    struct arena a;
    struct x509_cert cert;
    arena_init(&a, 1 << 20);
    buf_init(&out, 1 << 16);
    assert_int_equal(x509_cert_read(&a, buf_bytes(&der), &cert, NULL), ERR_OK);
    struct json j = json_to(&out);
    json_object(&j, NULL);
    model_certificate_json(&j, &cert, with_pem);
    json_end(&j, '}');
    buf_u8(&out, '\n');
    assert_string_equal(buf_cstr(&out), buf_cstr(&wanted));
    struct json_value v;
    assert_int_equal(json_read(&a, buf_bytes(&out), 1000, &v, NULL), ERR_OK);
    buf_clear(&der);
    buf_clear(&wanted);
    buf_clear(&out);
    arena_clear(&a);
}

static void writes_every_member(void **state) {
    (void)state;
    assert_object("cases/escape-in-san.der", false, "x509/escape.json");
}

static void writes_the_rare_ones_too(void **state) {
    (void)state;
    assert_object("x509/everything.der", true, "x509/everything.json");
}

/* openssl x509 -text says the same of it. */
static void writes_the_extensions(void **state) {
    (void)state;
    assert_object("x509/rare.der", false, "x509/rare.json");
}

static void what_does_not_fit_is_an_error(void **state) {
    (void)state;
    struct buf der = data_file("x509/everything.der"), out;
    struct arena a;
    struct x509_cert cert;
    arena_init(&a, 1 << 20);
    buf_init(&out, 300);
    assert_int_equal(x509_cert_read(&a, buf_bytes(&der), &cert, NULL), ERR_OK);
    struct json j = json_to(&out);
    json_object(&j, NULL);
    model_certificate_json(&j, &cert, true);
    assert_int_equal(out.err, ERR_LIMIT);
    buf_clear(&der);
    buf_clear(&out);
    arena_clear(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_every_member),
        cmocka_unit_test(writes_the_rare_ones_too),
        cmocka_unit_test(writes_the_extensions),
        cmocka_unit_test(what_does_not_fit_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
