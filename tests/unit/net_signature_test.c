/* net/signature: the examples of RFC 9421 (appendix B.2) and RFC 9530, and what
 * must be refused. */
#include "test.h"

#include "base/text.h"
#include "net/signature.h"

/* RFC 9421, B.1.3 (test-key-ecc-p256), as SubjectPublicKeyInfo. */
static const char rfc_key[] = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf"
                              "w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==";

static struct signature_params params_of(const char *header) {
    struct signature_params p;
    assert_int_equal(signature_input_read(bytes_text(header), &p, NULL), ERR_OK);
    return p;
}

/* B.2.4: a response signed with ECDSA P-256. The components are of its own. */
static void base_and_signature_of_rfc_9421_b_2_4(void **state) {
    (void)state;
    static const char digest[] = "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5"
                                 "oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:";
    struct signature_message m = {0};
    assert_true(signature_message_add(&m, "@status", bytes_text("200")));
    assert_true(signature_message_add(&m, "content-type", bytes_text("application/json")));
    assert_true(signature_message_add(&m, "content-digest", bytes_text(digest)));
    assert_true(signature_message_add(&m, "content-length", bytes_text("23")));
    struct signature_params p =
        params_of("sig=(\"@status\" \"content-type\" \"content-digest\" \"content-length\")"
                  ";created=1618884473;keyid=\"test-key-ecc-p256\"");
    assert_int_equal(p.created_s, 1618884473);
    assert_text(p.keyid, "test-key-ecc-p256");

    struct buf base, spki;
    buf_init(&base, 4096);
    buf_init(&spki, 4096);
    assert_int_equal(signature_base(&m, &p, &base, NULL), ERR_OK);
    assert_text(
        buf_bytes(&base),
        "\"@status\": 200\n"
        "\"content-type\": application/json\n"
        "\"content-digest\": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5"
        "oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:\n"
        "\"content-length\": 23\n"
        "\"@signature-params\": (\"@status\" \"content-type\" \"content-digest\" "
        "\"content-length\");created=1618884473;keyid=\"test-key-ecc-p256\"");
    uint8_t signature[SIGNATURE_RAW_SIZE];
    assert_true(signature_value_read(
        bytes_text("sig=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5e"
                   "CdlYUEkLIj+32oiasw==:"),
        signature));
    assert_true(base64_read(bytes_text(rfc_key), &spki));
    assert_true(signature_raw_verify(buf_bytes(&spki), buf_bytes(&base),
                                     bytes_of(signature, sizeof signature)));
    base.p[base.n - 2] ^= 1;
    assert_false(signature_raw_verify(buf_bytes(&spki), buf_bytes(&base),
                                      bytes_of(signature, sizeof signature)));
    buf_clear(&base);
    buf_clear(&spki);
}

/* RFC 9421, 2.2.6 and 2.2.7. */
static void path_and_query(void **state) {
    (void)state;
    static const struct {
        const char *target, *path, *query;
    } cases[] = {
        {"/path?param=value&foo=bar&baz=batman", "/path", "?param=value&foo=bar&baz=batman"},
        {"/path?queryString",                    "/path", "?queryString"                   },
        {"/path",                                "/path", "?"                              },
        {"/path?",                               "/path", "?"                              },
        {"?x",                                   "/",     "?x"                             },
        {"",                                     "/",     "?"                              },
        {"/a?b?c",                               "/a",    "?b?c"                           },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct signature_message m = signature_message_of(
            bytes_text("GET"), bytes_text(cases[i].target), (struct bytes){0}, (struct bytes){0});
        assert_int_equal(m.n, 3);
        assert_text(m.fields[0].value, "GET");
        assert_text(m.fields[1].value, cases[i].path);
        assert_text(m.fields[2].value, cases[i].query);
    }
}

#define COVERED "(\"@method\" \"@path\" \"@query\")"

static void headers_that_are_refused(void **state) {
    (void)state;
    static const char *const cases[] = {
        "",
        "sig",
        "sig=",
        "sig=()x",
        "other=" COVERED,
        "sig=" COVERED ";created",
        "sig=" COVERED ";created=",
        "sig=" COVERED ";created=-1",
        "sig=" COVERED ";created=1;created=2",
        "sig=" COVERED ";created=1234567890123456",
        "sig=" COVERED ";created=1;nonce=abc",
        "sig=" COVERED ";nonce=\"a\";nonce=\"b\"",
        "sig=" COVERED ";nonce=\"a\\\"b\"",
        "sig=" COVERED ";nonce=\"a\nb\"",
        "sig=" COVERED ";nonce=\"a",
        "sig=" COVERED "; created=1",
        "sig=" COVERED ";expires=1",
        "sig=(\"@method\"  \"@path\")",
        "sig=(\"@method\"\"@path\")",
        "sig=( \"@method\")",
        "sig=(\"@method\";req)",
        "sig=(\"\")",
        "sig=" COVERED ", sig2=" COVERED,
        "sig=(\"1\" \"2\" \"3\" \"4\" \"5\" \"6\" \"7\" \"8\" \"9\")",
    };
    struct signature_params p;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fault f = {0};
        assert_int_equal(signature_input_read(bytes_text(cases[i]), &p, &f), ERR_FORMAT);
        assert_int_equal(f.code, ERR_FORMAT);
    }
}

static void every_prefix_is_refused_or_shorter(void **state) {
    (void)state;
    const char *whole = "sig=" COVERED ";created=1764000000;nonce=\"AAAAAAAAAAAAAAAAAAAAAA==\";"
                        "keyid=\"00ff\";alg=\"ecdsa-p256-sha256\";tag=\"clm\"";
    struct signature_params p = params_of(whole);
    assert_int_equal(p.covered_n, 3);
    assert_text(p.covered[2], "@query");
    assert_text(p.nonce, "AAAAAAAAAAAAAAAAAAAAAA==");
    assert_text(p.alg, "ecdsa-p256-sha256");
    assert_text(p.tag, "clm");
    assert_text(p.text, whole + 4);
    for (size_t n = 0; n < strlen(whole); n++) {
        /* A prefix that ends between parameters is a header with fewer of them. */
        if (!signature_input_read(bytes_of(whole, n), &p, NULL))
            assert_true(p.text.n == n - 4 && p.tag.n == 0);
    }
}

static void what_must_be_covered(void **state) {
    (void)state;
    struct signature_message m = signature_message_of(
        bytes_text("POST"), bytes_text("/x"), bytes_text("sha-256=:AA==:"), (struct bytes){0});
    static const struct {
        const char *header;
        enum err err;
    } cases[] = {
        {"sig=(\"@method\" \"@path\" \"@query\" \"content-digest\")",                      ERR_OK         },
        {"sig=(\"content-digest\" \"@query\" \"@path\" \"@method\")",                      ERR_OK         },
        {"sig=(\"@method\" \"@path\" \"@query\")",                                         ERR_CREDENTIALS},
        {"sig=(\"@method\" \"@path\" \"@query\" \"date\")",                                ERR_CREDENTIALS},
        {"sig=(\"@method\" \"@path\" \"@query\" \"content-digest\" \"content-encoding\")",
         ERR_CREDENTIALS                                                                                  },
        {"sig=(\"@method\" \"@path\" \"@path\" \"content-digest\")",                       ERR_FORMAT     },
        {"sig=()",                                                                         ERR_CREDENTIALS},
    };
    struct buf base;
    buf_init(&base, 4096);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct signature_params p = params_of(cases[i].header);
        assert_int_equal(signature_base(&m, &p, &base, NULL), cases[i].err);
    }
    m.fields[0].value = bytes_text("GET\n\"@path\": /y");
    struct signature_params p = params_of(cases[0].header);
    assert_int_equal(signature_base(&m, &p, &base, NULL), ERR_FORMAT);
    buf_clear(&base);
}

static void signs_and_checks(void **state) {
    (void)state;
    struct env env = env_system(NULL);
    struct signing_key *key, *other;
    struct buf input, value, spki, other_spki, digest;
    struct fault f = {0};
    uint8_t nonce[SIGNATURE_NONCE_SIZE] = {1, 2, 3};

    assert_int_equal(signing_key_make(&env, KEY_EC_P256, 0, &key, &f), ERR_OK);
    assert_int_equal(signing_key_make(&env, KEY_EC_P256, 0, &other, &f), ERR_OK);
    buf_init(&input, 2048);
    buf_init(&value, 2048);
    buf_init(&spki, 2048);
    buf_init(&other_spki, 2048);
    buf_init(&digest, 256);
    signing_key_spki(key, &spki);
    signing_key_spki(other, &other_spki);
    content_digest_write(bytes_text("{}"), &digest);
    struct signature_message m =
        signature_message_of(bytes_text("POST"), bytes_text("/api/v1/observations?batch=00"),
                             buf_bytes(&digest), bytes_text("gzip"));
    assert_int_equal(signature_sign(key, &m, 1764000000, nonce, &input, &value), ERR_OK);

    struct signature_params p;
    assert_int_equal(signature_input_read(buf_bytes(&input), &p, &f), ERR_OK);
    assert_int_equal(p.created_s, 1764000000);
    assert_int_equal(p.covered_n, 5);
    struct bytes sent = buf_bytes(&value);
    assert_int_equal(signature_check(buf_bytes(&spki), &m, &p, sent, &f), ERR_OK);
    assert_int_equal(signature_check(buf_bytes(&other_spki), &m, &p, sent, &f), ERR_CREDENTIALS);

    /* Each part that is covered, changed. */
    for (size_t i = 0; i < m.n; i++) {
        struct signature_message changed = m;
        changed.fields[i].value = bytes_text("changed");
        assert_int_equal(signature_check(buf_bytes(&spki), &changed, &p, sent, &f),
                         ERR_CREDENTIALS);
    }
    /* The signature is of fixed size and form. */
    for (size_t n = 0; n < value.n; n++)
        assert_int_equal(signature_check(buf_bytes(&spki), &m, &p, bytes_part(sent, 0, n), &f),
                         ERR_FORMAT);
    for (size_t i = 0; i < input.n; i++) {
        input.p[i] ^= 1;
        struct signature_params q;
        if (!signature_input_read(buf_bytes(&input), &q, NULL))
            assert_int_not_equal(signature_check(buf_bytes(&spki), &m, &q, sent, &f), ERR_OK);
        input.p[i] ^= 1;
    }
    signing_key_close(key);
    signing_key_close(other);
    buf_clear(&input);
    buf_clear(&value);
    buf_clear(&spki);
    buf_clear(&other_spki);
    buf_clear(&digest);
}

/* RFC 9530, appendix B.1 and RFC 9421, 2.1: {"hello": "world"}. */
static void content_digests(void **state) {
    (void)state;
    static const char known[] = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    struct bytes body = bytes_text("{\"hello\": \"world\"}");
    struct buf out;
    buf_init(&out, 256);
    content_digest_write(body, &out);
    assert_text(buf_bytes(&out), known);
    assert_true(content_digest_holds(bytes_text(known), body));
    assert_false(content_digest_holds(bytes_text(known), bytes_text("{\"hello\": \"World\"}")));
    for (size_t n = 0; n < strlen(known); n++)
        assert_false(content_digest_holds(bytes_of(known, n), body));
    static const char *const others[] = {
        "sha-512=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        "sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=",
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE:",  /* no padding */
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPF=:", /* bits left over */
        "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=: ",
    };
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_false(content_digest_holds(bytes_text(others[i]), body));
    buf_clear(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_and_signature_of_rfc_9421_b_2_4),
        cmocka_unit_test(path_and_query),
        cmocka_unit_test(headers_that_are_refused),
        cmocka_unit_test(every_prefix_is_refused_or_shorter),
        cmocka_unit_test(what_must_be_covered),
        cmocka_unit_test(signs_and_checks),
        cmocka_unit_test(content_digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
