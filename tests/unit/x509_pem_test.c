/* PEM as files in use have it. */
#include "tests/unit/data.h"
#include "x509/x509.h"

#define BEGIN(label) "-----BEGIN " label "-----"
#define END(label) "-----END " label "-----"
#define HI "aGk=" /* "hi" */

static const struct {
    const char *text;
    const char *kinds; /* one letter an object: c certificate, k key, o other, b broken */
} rows[] = {
    {"",                                                                                           ""  },
    {"no PEM at all",                                                                              ""  },
    {BEGIN("CERTIFICATE") "\n" HI "\n" END("CERTIFICATE") "\n",                                    "c" },
    {BEGIN("CERTIFICATE") "\r\n" HI "\r\n" END("CERTIFICATE"),                                     "c" }, /* CRLF, no last line end */
    {"\xef\xbb\xbf" BEGIN("CERTIFICATE") "\n" HI "\n" END("CERTIFICATE") "\n",
     "c"                                                                                               }, /* byte order mark */
    {"text\n" BEGIN("CERTIFICATE") "\n" HI "\n" END("CERTIFICATE") "\ntext\n" BEGIN(
         "CERTIFICATE") "\n" HI "\n" END("CERTIFICATE") "\n",
     "cc"                                                                                              },
    {BEGIN("CERTIFICATE") HI END("CERTIFICATE"),                                                   "c" }, /* one line */
    {BEGIN("CERTIFICATE") "\n aG\n k=\n " END("CERTIFICATE"),                                      "c" }, /* indented */
    {BEGIN("CERTIFICATE") "\nName: x\nOther: y\n\n" HI "\n" END("CERTIFICATE"),                    "c" }, /* headers */
    {BEGIN("X509 CERTIFICATE") "\n" HI "\n" END("X509 CERTIFICATE"),                               "c" },
    {BEGIN("PRIVATE KEY") "\n!!!\n" END("PRIVATE KEY") BEGIN("CERTIFICATE") HI END("CERTIFICATE"),
     "kc"                                                                                              },
    {BEGIN("RSA PRIVATE KEY") "\n" HI END("RSA PRIVATE KEY"),                                      "k" },
    {BEGIN("ENCRYPTED PRIVATE KEY") "\n" HI END("ENCRYPTED PRIVATE KEY"),                          "k" },
    {BEGIN("CERTIFICATE REQUEST") "\n" HI END("CERTIFICATE REQUEST"),                              "o" },
    {BEGIN("CERTIFICATE") "\n" HI "\n",                                                            "b" }, /* no END */
    {BEGIN("CERTIFICATE") "\n" HI "\n" END("X"),                                                   "b" },
    {BEGIN("CERTIFICATE") "\n" HI "\n" BEGIN("CERTIFICATE") HI END("CERTIFICATE"),                 "bc"},
    {BEGIN("CERTIFICATE") "\n*\n" END("CERTIFICATE"),                                              "b" },
    {BEGIN("CERTIFICATE") "\n\n" END("CERTIFICATE"),                                               "b" }, /* nothing in it */
    {"-----BEGIN CERTIFICATE\n-----",                                                              "b" },
    {"-----BEGIN ",                                                                                "b" },
};

static void finds_objects(void **state) {
    (void)state;
    static const char letters[] = {
        [PEM_CERTIFICATE] = 'c', [PEM_PRIVATE_KEY] = 'k', [PEM_OTHER] = 'o', [PEM_BROKEN] = 'b'};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char seen[16] = "";
        struct cur c = cur_open(bytes_text(rows[i].text));
        struct pem_object o;
        struct buf der;
        buf_init(&der, 1024);
        for (size_t n = 0; n < sizeof seen - 1 && pem_next(&c, &der, &o); n++) {
            seen[n] = letters[o.kind];
            if (o.kind == PEM_CERTIFICATE)
                assert_text(o.der, "hi");
            else if (o.kind == PEM_PRIVATE_KEY || o.kind == PEM_BROKEN)
                assert_int_equal(o.der.n, 0);
        }
        if (strcmp(seen, rows[i].kinds) != 0)
            fail_msg("row %zu: %s, not %s", i, seen, rows[i].kinds);
        assert_int_equal(pem_is(bytes_text(rows[i].text)), rows[i].kinds[0] != '\0');
        buf_clear(&der);
    }
}

static void a_key_before_the_certificate(void **state) {
    (void)state;
    struct buf file = data_file("cases/key-first.pem"), der;
    struct cur c = cur_open(buf_bytes(&file));
    struct pem_object o;
    struct x509_cert cert;
    struct arena a;
    arena_init(&a, 1 << 16);
    buf_init(&der, X509_DER_MAX);
    assert_true(pem_next(&c, &der, &o));
    assert_int_equal(o.kind, PEM_PRIVATE_KEY);
    assert_int_equal(der.n, 0);
    assert_true(pem_next(&c, &der, &o));
    assert_int_equal(o.kind, PEM_CERTIFICATE);
    assert_int_equal(x509_cert_read(&a, o.der, &cert, NULL), ERR_OK);
    assert_false(pem_next(&c, &der, &o));
    buf_clear(&file);
    buf_clear(&der);
    arena_clear(&a);
}

/* The auxiliary trust settings behind the certificate are cut off. */
static void trusted_certificates(void **state) {
    (void)state;
    struct buf cert = data_file("x509/ed25519.der"), text, der;
    buf_init(&text, 8192);
    buf_init(&der, 8192);
    size_t n = cert.n;
    buf_put(&cert, bytes_of("\x30\x02\x05\x00", 4));
    pem_write(&text, "TRUSTED CERTIFICATE", buf_bytes(&cert));
    struct cur c = cur_open(buf_bytes(&text));
    struct pem_object o;
    assert_true(pem_next(&c, &der, &o));
    assert_int_equal(o.kind, PEM_CERTIFICATE);
    assert_int_equal(o.der.n, n);
    buf_clear(&cert);
    buf_clear(&text);
    buf_clear(&der);
}

static void writes_what_it_reads(void **state) {
    (void)state;
    struct buf text, der, data;
    buf_init(&text, 8192);
    buf_init(&der, 8192);
    buf_init(&data, 8192);
    for (size_t n = 1; n < 200; n++) {
        struct pem_object o;
        buf_u8(&data, (uint8_t)(n * 7));
        buf_reset(&text);
        pem_write(&text, "CERTIFICATE", buf_bytes(&data));
        struct cur c = cur_open(buf_bytes(&text)), lines = c;
        assert_true(pem_next(&c, &der, &o));
        assert_true(bytes_equal(o.der, buf_bytes(&data)));
        while (lines.rest.n > 0)
            assert_true(cur_until(&lines, '\n').n <= 64);
    }
    buf_reset(&text);
    pem_write(&text, "X", bytes_text("hi"));
    assert_text(buf_bytes(&text), "-----BEGIN X-----\naGk=\n-----END X-----\n");
    buf_clear(&text);
    buf_clear(&der);
    buf_clear(&data);
}

/* Every cut of a text gives objects or a broken one, never more than were begun. */
static void every_prefix(void **state) {
    (void)state;
    struct buf file = data_file("cases/key-first.pem"), der;
    buf_init(&der, X509_DER_MAX);
    for (size_t n = 0; n < file.n; n++) {
        struct cur c = cur_open(bytes_part(buf_bytes(&file), 0, n));
        struct pem_object o;
        size_t seen = 0;
        while (pem_next(&c, &der, &o))
            seen++;
        assert_true(seen <= 2);
    }
    buf_clear(&file);
    buf_clear(&der);
}

static void finds_by_label(void **state) {
    (void)state;
    static const struct {
        const char *text, *found; /* found: NULL for nothing */
    } labels[] = {
        {"-----BEGIN CERTIFICATE REQUEST-----\naGk=\n-----END CERTIFICATE REQUEST-----",          "hi"},
        {"-----BEGIN NEW CERTIFICATE REQUEST-----\naGk=\n-----END NEW CERTIFICATE REQUEST-----",
         "hi"                                                                                         },
        {"-----BEGIN X-----\nAAAA\n-----END X-----\n"
         "-----BEGIN CERTIFICATE REQUEST-----\naGk=\n-----END CERTIFICATE REQUEST-----", "hi"},
        {"-----BEGIN CERTIFICATE-----\naGk=\n-----END CERTIFICATE-----",                          NULL},
        {"-----BEGIN CERTIFICATE REQUEST-----\naGk=\n",                                           NULL},
        {"-----BEGIN REQUEST PRIVATE KEY-----\naGk=\n-----END REQUEST PRIVATE KEY-----",          NULL},
        {"",                                                                                      NULL},
    };
    struct buf der;
    buf_init(&der, 1024);
    for (size_t i = 0; i < COUNT_OF(labels); i++) {
        assert_int_equal(pem_find(bytes_text(labels[i].text), "CERTIFICATE REQUEST", &der),
                         labels[i].found != NULL);
        assert_text(buf_bytes(&der), labels[i].found != NULL ? labels[i].found : "");
    }
    buf_clear(&der);
}

static void reads_the_private_key(void **state) {
    (void)state;
    static const struct {
        const char *text;
        enum err e;
    } keys[] = {
        {"-----BEGIN PRIVATE KEY-----\naGk=\n-----END PRIVATE KEY-----\n",                          ERR_OK         },
        {"-----BEGIN EC PARAMETERS-----\nBgg=\n-----END EC PARAMETERS-----\r\n"
         "-----BEGIN EC PRIVATE KEY-----\r\naG\r\nk=\r\n-----END EC PRIVATE KEY-----\r\n", ERR_OK         },
        {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",                          ERR_NOT_FOUND  },
        {"",                                                                                        ERR_NOT_FOUND  },
        {"-----BEGIN ENCRYPTED PRIVATE KEY-----\naGk=\n-----END ENCRYPTED PRIVATE KEY-----",
         ERR_UNSUPPORTED                                                                                           },
        {"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: X,Y\n\naGk=\n"
         "-----END RSA PRIVATE KEY-----",                                                  ERR_UNSUPPORTED},
        {"-----BEGIN PRIVATE KEY-----\naGk=\n",                                                     ERR_FORMAT     },
        {"-----BEGIN PRIVATE KEY-----\na.k=\n-----END PRIVATE KEY-----\n",                          ERR_FORMAT     },
    };
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        struct buf der;
        struct fault f;
        buf_init(&der, 1024);
        assert_int_equal(pem_private_key(bytes_text(keys[i].text), &der, &f), keys[i].e);
        if (keys[i].e == ERR_OK)
            assert_text(buf_bytes(&der), "hi");
        buf_clear(&der);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_objects),         cmocka_unit_test(a_key_before_the_certificate),
        cmocka_unit_test(trusted_certificates),  cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(every_prefix),          cmocka_unit_test(finds_by_label),
        cmocka_unit_test(reads_the_private_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
