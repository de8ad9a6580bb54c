/* Matching of host names and addresses (RFC 9525), and what certificates are called. */
#include "tests/unit/test.h"
#include "x509/x509.h"

static void matches(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *host;
        bool yes;
    } rows[] = {
        {"www.example.com",   "www.example.com",   true },
        {"www.example.com",   "WWW.Example.COM",   true },
        {"www.example.com.",  "www.example.com",   true },
        {"www.example.com",   "www.example.com.",  true },
        {"www.example.com",   "www.example.com..", false},
        {"www.example.com",   "example.com",       false},
        {"example.com",       "www.example.com",   false},
        {"*.example.com",     "www.example.com",   true },
        {"*.EXAMPLE.com",     "www.example.COM.",  true },
        {"*.example.com",     "a.www.example.com", false},
        {"*.example.com",     "example.com",       false},
        {"*.example.com",     ".example.com",      false},
        {"*.example.com",     "*.example.com",     false},
        {"w*.example.com",    "www.example.com",   false},
        {"*w.example.com",    "www.example.com",   false},
        {"www.*.com",         "www.example.com",   false},
        {"*.*.com",           "www.example.com",   false},
        {"*.com",             "example.com",       false},
        {"*",                 "localhost",         false},
        {"*.",                "localhost.",        false},
        {"localhost",         "localhost",         true },
        {"",                  "",                  false},
        {".",                 ".",                 false},
        {"xn--mnchen-3ya.de", "XN--mnchen-3ya.de", true },
        {"192.0.2.1",         "192.0.2.1",         false}, /* an address as a name is none */
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct bytes name = bytes_text(rows[i].pattern);
        struct x509_cert cert = {
            .alt = {.present = true, .dns = {&name, 1}}
        };
        if (x509_cert_matches_host(&cert, bytes_text(rows[i].host)) != rows[i].yes)
            fail_msg("%s %s", rows[i].pattern, rows[i].host);
    }
}

static void matches_addresses(void **state) {
    (void)state;
    static const uint8_t v4[] = {192, 0, 2, 1}, v6[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1},
                         odd[] = {192, 0, 2};
    const struct bytes list[] = {
        {odd, 3 },
        {v4,  4 },
        {v6,  16}
    };
    struct x509_cert cert = {
        .alt = {.present = true, .ip = {list, 3}}
    };
    assert_true(x509_cert_matches_host(&cert, bytes_text("192.0.2.1")));
    assert_true(x509_cert_matches_host(&cert, bytes_text("2001:DB8:0::1")));
    assert_false(x509_cert_matches_host(&cert, bytes_text("192.0.2.2")));
    assert_false(x509_cert_matches_host(&cert, bytes_text("::ffff:192.0.2.1")));
    assert_false(x509_cert_matches_host(&cert, bytes_text("192.0.2")));
    assert_false(x509_cert_matches_host(&cert, bytes_text("")));
}

static void names_with_nul_do_not_match(void **state) {
    (void)state;
    struct bytes name = bytes_of("good.example\0.evil.example", 26);
    struct x509_cert cert = {
        .alt = {.present = true, .dns = {&name, 1}}
    };
    assert_false(x509_cert_matches_host(&cert, bytes_text("good.example")));
}

static void addresses_as_text(void **state) {
    (void)state;
    struct buf b;
    buf_init(&b, 256);
    x509_ip_text(bytes_of("\xc0\x00\x02\x01", 4), &b);
    buf_u8(&b, ' ');
    x509_ip_text(bytes_of("\xc0\x00\x02", 3), &b);
    buf_u8(&b, ' ');
    x509_ip_text(bytes_of("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01", 16), &b);
    assert_text(buf_bytes(&b), "192.0.2.1 #c00002 2001:db8::1");
    buf_clear(&b);
}

/* Common name, else DNS, IP, e-mail, URI, else the subject, else the serial number. */
static void displays_what_there_is(void **state) {
    (void)state;
    static const struct x509_attribute cn = {OID_COMMON_NAME, "cn"}, no_cn = {OID_COMMON_NAME, ""},
                                       o = {OID_ORGANIZATION, "o"};
    struct bytes dns = bytes_text("dns"), ip = bytes_of("\x7f\0\0\1", 4),
                 email = bytes_text("email"), uri = bytes_text("uri");
    const struct {
        const struct x509_attribute *attribute;
        struct x509_alt_names alt;
        const char *text;
    } rows[] = {
        {&cn,    {.dns = {&dns, 1}},                                       "cn"         },
        {&no_cn, {.dns = {&dns, 1}, .ip = {&ip, 1}},                       "dns"        },
        {&o,     {.ip = {&ip, 1}, .email = {&email, 1}, .uri = {&uri, 1}}, "127.0.0.1"  },
        {NULL,   {.email = {&email, 1}, .uri = {&uri, 1}},                 "email"      },
        {NULL,   {.uri = {&uri, 1}},                                       "uri"        },
        {&o,     {.present = true},                                        "O=o"        },
        {NULL,   {.present = true},                                        "serial 01ff"},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct buf name, text;
        buf_init(&name, 256);
        buf_init(&text, 256);
        x509_name_write(&name, rows[i].attribute, rows[i].attribute != NULL);
        struct x509_cert cert = {
            .subject = buf_bytes(&name), .alt = rows[i].alt, .serial = bytes_of("\x01\xff", 2)};
        x509_cert_display_name(&cert, &text);
        assert_text(buf_bytes(&text), rows[i].text);
        buf_clear(&name);
        buf_clear(&text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matches),
        cmocka_unit_test(matches_addresses),
        cmocka_unit_test(names_with_nul_do_not_match),
        cmocka_unit_test(addresses_as_text),
        cmocka_unit_test(displays_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
