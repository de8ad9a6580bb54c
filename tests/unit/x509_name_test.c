/* x509 names as text: RFC 4514's own examples and the string types as met. */
#include "tests/unit/hex.h"
#include "x509/name.h"

/* Names as DER: SEQUENCE of SET of (type, value). */
static void renders(void **state) {
    (void)state;
    static const struct {
        const char *der, *text;
    } rows[] = {
        {"3000",                                                               ""                           },
 /* C=DE, CN=x: the last first */
        {"301a 310b 3009 0603550406 1302 4445 310b 3009 0603550403 0c02 6162", "CN=ab,C=DE"                 },
 /* one RDN of two */
        {"301a 3118 300a 0603550403 0c03 616263 300a 060355040b 0c03 646566",  "CN=abc+OU=def"              },
 /* leading and trailing blank, and only blanks */
        {"3011 310f 300d 0603550403 0c06 2061622020 20",                       "CN=\\ ab  \\ "              },
        {"300c 310a 3008 0603550403 0c01 20",                                  "CN=\\ "                     },
        {"300e 310c 300a 0603550403 0c03 232361",                              "CN=\\##a"                   },
 /* RFC 4514, 4: "Before\0dAfter" */
        {"3017 3115 3013 0603550403 0c0c 4265666f72650d4166746572",            "CN=Before\\0dAfter"         },
 /* every special character */
        {"3013 3111 300f 0603550403 0c08 222b2c3b3c3e5c3d",                    "CN=\\\"\\+\\,\\;\\<\\>\\\\="},
 /* NUL, ESC and U+009B */
        {"300f 310d 300b 0603550403 0c04 001bc29b",                            "CN=\\00\\1b\\c2\\9b"        },
 /* UTF-8: Lucic with caron and acute (RFC 4514, 4) */
        {"3012 3110 300e 0603550404 0c07 4c75c48d69c487",                      "SN=Lu\xc4\x8di\xc4\x87"     },
 /* octets that are no UTF-8 */
        {"300d 310b 3009 0603550403 0c02 61ff",                                "CN=a\\ff"                   },
 /* T61 as Latin-1; PrintableString and IA5 with UTF-8, with Latin-1 */
        {"300d 310b 3009 0603550403 1402 c39c",                                "CN=\xc3\x83\\c2\\9c"        },
        {"300d 310b 3009 0603550403 1302 c39c",                                "CN=\xc3\x9c"                },
        {"300c 310a 3008 0603550403 1601 dc",                                  "CN=\xc3\x9c"                },
 /* BMP with a surrogate pair, Universal, half a pair, odd length */
        {"3011 310f 300d 0603550403 1e06 00e4 d83dde00",                       "CN=\xc3\xa4\xf0\x9f\x98\x80"},
        {"300f 310d 300b 0603550403 1c04 0001f600",                            "CN=\xf0\x9f\x98\x80"        },
        {"300d 310b 3009 0603550403 1e02 d83d",                                "CN=#1e02d83d"               },
        {"300e 310c 300a 0603550403 1e03 004100",                              "CN=#1e03004100"             },
 /* a value that is no string, a type without a name */
        {"300c 310a 3008 0603550403 0201 05",                                  "CN=#020105"                 },
        {"3012 3110 300e 0607 2b060104868d1f 0c03 616263",                     "1.3.6.1.4.99999=#0c03616263"},
        {"300b 3109 3007 0603550403 0c00",                                     "CN="                        },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t octets[256];
        struct buf text;
        buf_init(&text, 1024);
        x509_name_text(unhex(rows[i].der, octets, sizeof octets), &text);
        assert_text(buf_bytes(&text), rows[i].text);
        buf_clear(&text);
    }
}

static void checks(void **state) {
    (void)state;
    static const struct {
        const char *der;
        enum err err;
        unsigned deviations;
    } rows[] = {
        {"3000",                                     ERR_OK,     0                       },
        {"300d 310b 3009 0603550403 1302 4445",      ERR_OK,     0                       },
        {"300d 310b 3009 0603550403 1302 4140",      ERR_OK,     X509_DEV_NAME_CHARACTERS}, /* A@ */
        {"300d 310b 3009 0603550403 0c02 61ff",      ERR_OK,     X509_DEV_NAME_CHARACTERS},
        {"300e 310c 300a 0603550403 1e03 004100",    ERR_OK,     X509_DEV_NAME_CHARACTERS},
        {"300d 310b 3009 0603550403 1402 61ff",      ERR_OK,     0                       },
        {"3100",                                     ERR_FORMAT, 0                       },
        {"3002 3100",                                ERR_FORMAT, 0                       }, /* a SET of none */
        {"3000 00",                                  ERR_FORMAT, 0                       },
        {"300a 3108 3006 0603550403 00",             ERR_FORMAT, 0                       },
        {"300f 310d 300b 0603550403 1302 4445 0500", ERR_FORMAT, 0                       }, /* a third value */
        {"300d 310b 3009 0503550403 1302 4445",      ERR_FORMAT, 0                       },
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t octets[256];
        unsigned deviations = 0;
        struct fault f = {0};
        struct bytes name = unhex(rows[i].der, octets, sizeof octets);
        assert_int_equal(name_check(name, "subject", &deviations, &f), rows[i].err);
        assert_int_equal(deviations, rows[i].deviations);
        if (rows[i].err != ERR_OK)
            assert_string_equal(f.what, "subject");
    }
}

static void stops_at_its_limit(void **state) {
    (void)state;
    struct x509_attribute many[X509_NAME_PARTS_MAX + 1];
    struct fault f;
    unsigned deviations = 0;
    for (size_t i = 0; i < COUNT_OF(many); i++)
        many[i] = (struct x509_attribute){OID_COMMON_NAME, "x"};
    struct buf name;
    buf_init(&name, 1 << 16);
    x509_name_write(&name, many, X509_NAME_PARTS_MAX);
    assert_int_equal(name_check(buf_bytes(&name), "issuer", &deviations, &f), ERR_OK);
    buf_reset(&name);
    x509_name_write(&name, many, X509_NAME_PARTS_MAX + 1);
    assert_int_equal(name_check(buf_bytes(&name), "issuer", &deviations, &f), ERR_LIMIT);
    buf_clear(&name);
}

static void writes_what_it_reads(void **state) {
    (void)state;
    static const struct x509_attribute parts[] = {
        {OID_COUNTRY,      "DE"       },
        {OID_ORGANIZATION, "Ex, Inc." },
        {OID_COMMON_NAME,  "m\xc3\xbc"},
        {OID_COMMON_NAME,  "last"     }
    };
    struct buf name, text;
    buf_init(&name, 1024);
    buf_init(&text, 1024);
    x509_name_write(&name, parts, COUNT_OF(parts));
    x509_name_text(buf_bytes(&name), &text);
    assert_text(buf_bytes(&text), "CN=last,CN=m\xc3\xbc,O=Ex\\, Inc.,C=DE");
    buf_reset(&text);
    assert_true(x509_name_attribute(buf_bytes(&name), OID_COMMON_NAME, &text));
    assert_text(buf_bytes(&text), "last");
    assert_false(x509_name_attribute(buf_bytes(&name), OID_ORGANIZATIONAL_UNIT, &text));
    buf_clear(&name);
    buf_clear(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(renders),
        cmocka_unit_test(checks),
        cmocka_unit_test(stops_at_its_limit),
        cmocka_unit_test(writes_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
